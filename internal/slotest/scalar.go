package slotest

import (
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// keysOf are the keys that a struct reads, those of its inlined parts included.
func keysOf(pointer any) []string {
	var keys []string
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for field := range t.Fields() {
			name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			switch {
			case options == "inline":
				walk(field.Type)
			case name != "":
				keys = append(keys, name)
			}
		}
	}
	walk(reflect.TypeOf(pointer).Elem())
	return keys
}

// paths are names of files: one, or a list.
type paths []string

// UnmarshalYAML reads a text or a list of texts.
func (p *paths) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*p = paths{node.Value}
		return nil
	}
	return node.Decode((*[]string)(p))
}

// length is a time that passes: 90s, 1h30m, 2d.
type length struct{ time.Duration }

// UnmarshalYAML reads a length.
func (l *length) UnmarshalYAML(node *yaml.Node) error {
	d, ok := parseLength(node.Value)
	if !ok {
		return fmt.Errorf("line %d: %q is no length of time: write 90s, 1h30m or 2d", node.Line, node.Value)
	}
	l.Duration = d
	return nil
}

var lengthParts = regexp.MustCompile(`^(?:\d{1,9}[wdhms])+$`)

func parseLength(text string) (time.Duration, bool) {
	if !lengthParts.MatchString(text) {
		return 0, false
	}
	units := map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}
	var sum time.Duration
	for _, part := range regexp.MustCompile(`\d+[wdhms]`).FindAllString(text, -1) {
		n, err := strconv.ParseInt(part[:len(part)-1], 10, 64)
		unit := units[part[len(part)-1]]
		if err != nil || n > int64(1<<62)/int64(unit) || sum+time.Duration(n)*unit < sum {
			return 0, false
		}
		sum += time.Duration(n) * unit
	}
	return sum, true
}

// instant is a point in time in RFC 3339.
type instant struct{ time.Time }

// UnmarshalYAML reads an instant.
func (i *instant) UnmarshalYAML(node *yaml.Node) error {
	t, err := time.Parse(time.RFC3339, node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is no instant: write 2026-01-05T09:00:00Z", node.Line, node.Value)
	}
	i.Time = t.UTC()
	return nil
}

// moment is an instant, or how long after the start it is.
type moment struct {
	offset  *time.Duration
	instant time.Time
}

// UnmarshalYAML reads a moment.
func (m *moment) UnmarshalYAML(node *yaml.Node) error {
	if d, ok := parseLength(node.Value); ok {
		m.offset = &d
		return nil
	}
	t, err := time.Parse(time.RFC3339, node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is neither a time after the start, as in 1h30m, nor an instant, as in 2026-01-05T09:00:00Z", node.Line, node.Value)
	}
	m.instant = t.UTC()
	return nil
}

func (m moment) given() bool { return m.offset != nil || !m.instant.IsZero() }

// from is the instant, otherwise if the moment is not given.
func (m moment) from(start, otherwise time.Time) time.Time {
	switch {
	case m.offset != nil:
		return start.Add(*m.offset)
	case !m.instant.IsZero():
		return m.instant
	default:
		return otherwise
	}
}

// share is an exact part of a whole: 2.5% or 0.025; of budgets it may be below 0.
type share struct{ ratio *big.Rat }

// UnmarshalYAML reads a share.
func (s *share) UnmarshalYAML(node *yaml.Node) error {
	text, percent := strings.CutSuffix(strings.TrimSpace(node.Value), "%")
	r, ok := decimal(strings.TrimSpace(text))
	if !ok {
		return fmt.Errorf("line %d: %q is no share: write 2.5%% or 0.025", node.Line, node.Value)
	}
	if percent {
		r.Quo(r, big.NewRat(100, 1))
	}
	s.ratio = r
	return nil
}

func (s share) float() float64 {
	if s.ratio == nil {
		return 0
	}
	f, _ := s.ratio.Float64()
	return f
}

func (s share) String() string { return percent(s.float()) }

// decimal reads a plain decimal number.
func decimal(text string) (*big.Rat, bool) {
	if !regexp.MustCompile(`^-?\d{1,15}(\.\d{1,12})?$`).MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// rate is how many events there are: 50/s, 3/m, 0.5/h.
type rate struct{ perSecond *big.Rat }

// maxRate is how many events a second a scenario may have.
const maxRate = 1_000_000_000

// UnmarshalYAML reads a rate.
func (r *rate) UnmarshalYAML(node *yaml.Node) error {
	number, unit, _ := strings.Cut(node.Value, "/")
	seconds := map[string]int64{"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}[strings.TrimSpace(unit)]
	n, ok := decimal(strings.TrimSpace(number))
	if !ok || seconds == 0 || n.Sign() < 0 {
		return fmt.Errorf("line %d: %q is no rate: write 50/s, 3/m or 0.5/h", node.Line, node.Value)
	}
	if n.Quo(n, big.NewRat(seconds, 1)); n.Cmp(big.NewRat(maxRate, 1)) > 0 {
		return fmt.Errorf("line %d: %s is more than %d/s", node.Line, node.Value, maxRate)
	}
	r.perSecond = n
	return nil
}

// percent writes a ratio as a percentage.
func percent(ratio float64) string { return strconv.FormatFloat(100*ratio, 'g', 8, 64) + " %" }
