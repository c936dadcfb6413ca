package openslo

import (
	"fmt"
	"maps"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxRRule bounds the text of a recurrence rule.
const maxRRule = 512

// exclusions reads the list that stands as text in an annotation. Whether a
// recurrence rule can be is not known here.
func (r *reader) exclusions(v value, text string) []slo.Exclusion {
	var root yaml.Node
	if err := decode([]byte(text), &root); err != nil || len(root.Content) == 0 {
		r.refuse(v, "must be a list in YAML, as in - {start: \"2026-01-03 22:00\", duration: 2h, as: drop}")
		return nil
	}
	node := root.Content[0]
	if reason := tangled(node); reason != "" {
		r.refuse(v, "%s", reason)
		return nil
	}
	before := v.node.Line - 1
	if v.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		before++ // The text begins on the line after its mark.
	}
	shift(node, before)
	list := value{node: node, path: v.path, line: v.line}
	var all []slo.Exclusion
	for _, item := range r.items(list, slo.MaxExclusions) {
		all = append(all, r.exclusion(item))
	}
	return all
}

func (r *reader) exclusion(v value) slo.Exclusion {
	o, ok := r.ownObject(v, []string{"start", "duration", "rrule", "timeZone", "as", "reason"})
	if !ok {
		return slo.Exclusion{}
	}
	var e slo.Exclusion
	if start := o.get("start"); r.required(start) {
		e.Start = r.exclusionStart(start)
	}
	if length := o.get("duration"); r.required(length) {
		if text, ok := r.text(length, maxLabel); ok {
			var err error
			if e.Duration, err = extensionDuration(text); err == nil {
				err = e.CheckDuration()
			}
			if err != nil {
				r.refuse(length, "%v", err)
			}
		}
	}
	e.RRule, _ = r.text(o.get("rrule"), maxRRule)
	if zone := o.get("timeZone"); zone.present() {
		e.Zone = r.name(zone)
		if err := slo.CheckZone(e.Zone); e.Zone != "" && err != nil {
			r.refuse(zone, "%v", err)
		}
	}
	if as := o.get("as"); r.required(as) {
		e.As = slo.ExclusionKind(r.choice(as, "kind of exclusion", string(slo.Drop), string(slo.CountGood)))
	}
	e.Reason, _ = r.text(o.get("reason"), slo.MaxExclusionReason)
	return e
}

// exclusionStart reads the literal text of a civil time, with or without seconds
// that are zero.
func (r *reader) exclusionStart(v value) string {
	tag := v.node.ShortTag()
	if v.node.Kind != yaml.ScalarNode || tag != "!!str" && tag != "!!timestamp" {
		r.refuse(v, "must be a date and a time without a zone, as in 2026-01-31 22:00, found %s", r.describe(v.node))
		return ""
	}
	text := v.node.Value
	if at, err := time.Parse(time.DateTime, text); err == nil && at.Second() == 0 {
		text = at.Format(slo.CalendarStart)
	}
	if _, err := (slo.Exclusion{Start: text}).Civil(); err != nil {
		r.refuse(v, "%q is not a start: write a date and a time without a zone, as in 2026-01-31 22:00", excerpt(v.node.Value))
		return ""
	}
	return text
}

// exclusionsIn are exclusions in the zone of the window where they name none,
// that of a rolling one being UTC.
func exclusionsIn(all []slo.Exclusion, window slo.Window) []slo.Exclusion {
	if all == nil {
		return nil
	}
	zone := "UTC"
	if !window.Rolling() && window.Calendar.Zone != "" {
		zone = window.Calendar.Zone
	}
	own := make([]slo.Exclusion, len(all))
	for i, e := range all {
		if e.Zone == "" {
			e.Zone = zone
		}
		own[i] = e
	}
	return own
}

// exclusionDoc is an exclusion as it is written.
type exclusionDoc struct {
	Start    string `yaml:"start"`
	Duration string `yaml:"duration"`
	RRule    string `yaml:"rrule,omitempty"`
	TimeZone string `yaml:"timeZone"`
	As       string `yaml:"as"`
	Reason   string `yaml:"reason,omitempty"`
}

// withExclusions are annotations with the one that exclusions are written in.
func withExclusions(annotations map[string]string, all []slo.Exclusion) (map[string]string, error) {
	if len(all) == 0 {
		return annotations, nil
	}
	docs := make([]exclusionDoc, len(all))
	for i, e := range all {
		docs[i] = exclusionDoc{
			Start: e.Start, Duration: durationOf(e.Duration), RRule: e.RRule, TimeZone: e.Zone, As: string(e.As), Reason: e.Reason,
		}
	}
	text, err := yaml.Marshal(docs)
	if err != nil {
		return nil, fmt.Errorf("write the exclusions: %w", err)
	}
	with := map[string]string{exclusionsAnnotation: string(text)}
	maps.Copy(with, annotations)
	return with, nil
}
