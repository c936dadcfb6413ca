package slo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// draftWindow is the window of a draft: whole weeks, so that every window
// holds as many weekends as the one before.
const draftWindow = 28 * 24 * time.Hour

// DraftIndicator proposes what is good for an operation: no error, and an
// answer within a round time a little above what 99 of 100 took. Without
// traffic it proposes a second.
func DraftIndicator(t Traffic) Indicator {
	var conditions []string
	switch t.Kind {
	case ServerSpan:
		conditions = append(conditions, "span.kind == SPAN_KIND_SERVER")
	case ConsumerSpan:
		conditions = append(conditions, "span.kind == SPAN_KIND_CONSUMER")
	}
	if t.Name != "" {
		conditions = append(conditions, "span.name == "+quote(t.Name))
	}
	return Indicator{
		Total: SpanSource{Service: t.Service, Condition: strings.Join(conditions, " and ")},
		Good:  &SpanSource{Condition: "span.status.code != STATUS_CODE_ERROR", MaxDuration: roundUp(t.P99 * 6 / 5)},
	}
}

// quote writes text as a string literal of OTTL, which has the escapes of JSON
// and Go.
func quote(text string) string { return strconv.Quote(text) }

// roundUp is the next round duration: 230 ms becomes 250 ms; 0 becomes 1 s.
func roundUp(d time.Duration) time.Duration {
	if d <= 0 {
		return time.Second
	}
	for unit := 10 * time.Microsecond; unit <= 100*time.Second; unit *= 10 {
		for _, tenths := range []time.Duration{10, 15, 20, 25, 30, 40, 50, 75} {
			if round := unit * tenths / 10; d <= round {
				return round
			}
		}
	}
	return d.Round(time.Minute) + time.Minute
}

// fewEvents is how many events a target above 99 % wants at least: one bad
// event of fewer would spend it.
const fewEvents = 1000

// DraftTarget proposes a target that these counts would have met with half of
// its budget to spare: of 2 bad in 10 000, 99.95 %. The best there is without
// any bad event is 99.9 %, since nobody has seen enough to promise more.
func DraftTarget(c Counts) Target {
	for _, candidate := range []uint64{9995, 9990, 9950, 9900, 9800, 9500, 9000, 8000, 5000} {
		t := perTenThousand(candidate)
		if candidate > 9900 && c.Total() < fewEvents || candidate > 9990 && c.Bad == 0 {
			continue
		}
		budget := fraction{num: 10_000 - candidate, den: 20_000}
		if c.Bad == 0 || !budget.reachedBy(c.Bad, c.Total()) {
			return t
		}
	}
	return perTenThousand(1000)
}

// perTenThousand is a target in lowest terms, as ParseTarget has it: 9990 is
// 999/1000.
func perTenThousand(n uint64) Target {
	a, b := uint64(10_000), n
	for b != 0 {
		a, b = b, a%b
	}
	return Target{numerator: n / a, denominator: 10_000 / a}
}

// DraftSLO proposes an SLO for an operation, with what its indicator counted.
// The caller makes sure that the name is free.
func DraftSLO(t Traffic, counts Counts) SLO {
	what, title := t.Service, "Requests to "+t.Service
	switch {
	case t.Name != "":
		what, title = t.Service+"-"+t.Name, t.Name+" of "+t.Service
	case t.Kind == ConsumerSpan:
		title = "Messages to " + t.Service
	}
	indicator := DraftIndicator(t)
	return SLO{
		Name: nameOf(what), DisplayName: cut(fmt.Sprintf("%s: good within %s", title, indicator.Good.MaxDuration), maxDisplayName),
		Service: t.Service, Indicator: indicator, Window: Window{Duration: draftWindow},
		Objectives: []Objective{{Target: DraftTarget(counts)}},
	}
}

// The limits of OpenSLO.
const (
	maxName        = 63
	maxDisplayName = 63
)

// nameOf makes a name of lower-case letters, digits and single dashes:
// "GET /cart/{id}" becomes "get-cart-id".
func nameOf(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= maxName-4 { // Room for a number.
			break
		}
	}
	if name := strings.Trim(b.String(), "-"); name != "" {
		return name
	}
	return "objective"
}

// cut shortens text to a number of characters.
func cut(text string, limit int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-1]) + "…"
}
