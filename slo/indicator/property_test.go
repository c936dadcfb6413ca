package indicator_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// TestCountsEqualANaiveJudge compares what a set counts of random spans with
// one that knows nothing of OTTL, indexes, memos or slots. It also shows that
// neither the order of the spans, nor their division into records and
// commits, nor the way they are handed over makes a difference.
func TestCountsEqualANaiveJudge(t *testing.T) {
	t.Parallel()
	shared := compiler(t)
	rapid.Check(t, func(t *rapid.T) {
		indicators := rapid.SliceOfN(rapid.Custom(drawIndicator), 0, 12).Draw(t, "indicators")
		spans := rapid.SliceOfN(rapid.Custom(drawSpan), 0, 30).Draw(t, "spans")
		set, err := shared.Compile(seriesOf(indicators...))
		require.NoError(t, err)
		want := naive(indicators, spans)

		require.Equal(t, want, summed(drained(t, set, record(t, traces(spans...)))))

		decoded := record(t, traces())
		decoded.Payload, decoded.Decoded = []byte("not read"), traces(spans...)
		require.Equal(t, want, summed(drained(t, set, decoded)))

		shuffled := rapid.Permutation(spans).Draw(t, "shuffled")
		require.Equal(t, want, summed(inPieces(t, set, shuffled)...))
	})
}

// inPieces judges each span in a record of its own and drains now and then.
func inPieces(t *rapid.T, set *indicator.Set, spans []span) []slo.Commit {
	tally := indicator.NewTally(indicator.Limits{})
	var commits []slo.Commit
	for i := range spans {
		require.NoError(t, set.Judge(record(t, traces(spans[i])), tally))
		if i%5 == 0 {
			commits = append(commits, slo.Commit{})
			tally.Drain(&commits[len(commits)-1])
			require.Zero(t, tally.Pending())
		}
	}
	commits = append(commits, slo.Commit{})
	tally.Drain(&commits[len(commits)-1])
	return commits
}

// counted is all that some commits add up to.
type counted struct {
	Counts     map[slo.SeriesID]map[slo.Slice]slo.Counts
	Watermarks map[slo.SeriesID]time.Time
	Refused    map[string]int64
	Services   map[string]slo.Service
}

func newCounted() counted {
	return counted{
		Counts: map[slo.SeriesID]map[slo.Slice]slo.Counts{}, Watermarks: map[slo.SeriesID]time.Time{},
		Refused: map[string]int64{}, Services: map[string]slo.Service{},
	}
}

func (c *counted) add(id slo.SeriesID, s slo.Slice, n slo.Counts, at time.Time) {
	if c.Counts[id] == nil {
		c.Counts[id] = map[slo.Slice]slo.Counts{}
	}
	c.Counts[id][s] = c.Counts[id][s].Plus(n)
	if at.After(c.Watermarks[id]) {
		c.Watermarks[id] = at
	}
}

func (c *counted) see(s slo.Service) {
	s.Spans += c.Services[s.Name].Spans
	if before := c.Services[s.Name].LastSeen; before.After(s.LastSeen) {
		s.LastSeen = before
	}
	c.Services[s.Name] = s
}

func summed(commits ...slo.Commit) counted {
	sum := newCounted()
	for _, c := range commits {
		for _, d := range c.Deltas {
			sum.add(d.Series, d.Slice, d.Counts, c.Watermarks[d.Series])
		}
		for reason, n := range c.Refused {
			sum.Refused[reason] += n
		}
		for _, s := range c.Services {
			sum.see(s)
		}
	}
	return sum
}

// naive judges every span against every indicator, as the contract reads.
func naive(indicators []slo.Indicator, spans []span) counted {
	want := newCounted()
	distinct := map[slo.SeriesID]slo.Indicator{}
	for _, i := range indicators {
		distinct[i.Series().ID] = i
	}
	for _, s := range spans {
		if reason := naiveRefusal(s); reason != "" {
			want.Refused[reason]++
			continue
		}
		at := s.end
		if at.After(noon()) {
			at = noon()
		}
		want.see(slo.Service{Name: naiveService(s), Spans: 1, LastSeen: at})
		for id, i := range distinct {
			if n := naiveVerdict(i, s); n != (slo.Counts{}) {
				want.add(id, slo.SliceOf(s.end), n, at)
			}
		}
	}
	return want
}

func naiveRefusal(s span) string {
	switch {
	case s.noEnd:
		return "no_end_time"
	case s.end.Before(noon().Add(-24 * time.Hour)):
		return "late"
	case s.end.After(noon().Add(10 * time.Minute)):
		return "future"
	default:
		return ""
	}
}

func naiveService(s span) string {
	if s.noService {
		return "unknown_service"
	}
	return s.service
}

func naiveVerdict(i slo.Indicator, s span) slo.Counts {
	switch naiveSelects(i.Total, s) {
	case "no":
		return slo.Counts{}
	case "unknown":
		if i.Value != nil && i.Value.Raw != "" {
			return slo.Counts{Unknown: 1e9}
		}
		return slo.Counts{Unknown: 1}
	}
	if i.Value != nil {
		return naiveValue(*i.Value, s)
	}
	if i.Bad != nil {
		switch naiveSelects(*i.Bad, s) {
		case "yes":
			return slo.Counts{Bad: 1}
		case "no":
			return slo.Counts{Good: 1}
		}
		return slo.Counts{Unknown: 1}
	}
	switch naiveSelects(*i.Good, s) {
	case "yes":
		return slo.Counts{Good: 1}
	case "no":
		return slo.Counts{Bad: 1}
	}
	return slo.Counts{Unknown: 1}
}

// naiveSelects asks all three questions; one no wins, then one unknown.
func naiveSelects(source slo.SpanSource, s span) string {
	answers := []string{"yes", "yes", naiveConditions()[source.Condition](s)}
	if source.Service != "" && (s.noService || s.service != source.Service) {
		answers[0] = "no"
	}
	if source.MaxDuration > 0 {
		switch {
		case s.noStart || s.took < 0:
			answers[1] = "unknown"
		case s.took > source.MaxDuration:
			answers[1] = "no"
		}
	}
	for _, decisive := range []string{"no", "unknown"} {
		if slices.Contains(answers, decisive) {
			return decisive
		}
	}
	return "yes"
}

// naiveConditions says by hand what each condition means.
func naiveConditions() map[string]func(span) string {
	truth := func(holds bool) string {
		if holds {
			return "yes"
		}
		return "no"
	}
	return map[string]func(span) string{
		"":                              func(span) string { return "yes" },
		"span.kind == SPAN_KIND_SERVER": func(s span) string { return truth(s.kind == ptrace.SpanKindServer) },
		`span.name == "pay" or span.name == "buy"`: func(s span) string { return truth(s.name == "pay" || s.name == "buy") },
		"span.status.code != STATUS_CODE_ERROR":    func(s span) string { return truth(s.status != ptrace.StatusCodeError) },
		fails: func(s span) string {
			text, ok := s.attributes["n"]
			if !ok {
				return "unknown"
			}
			return truth(text != "")
		},
	}
}

func drawSource(t *rapid.T) slo.SpanSource {
	conditions := make([]string, 0, 5)
	for c := range naiveConditions() {
		conditions = append(conditions, c)
	}
	slices.Sort(conditions)
	return slo.SpanSource{
		Service:     rapid.SampledFrom([]string{"", "checkout", "cart"}).Draw(t, "service"),
		Condition:   rapid.SampledFrom(conditions).Draw(t, "condition"),
		MaxDuration: rapid.SampledFrom([]time.Duration{0, 1, 300 * time.Millisecond}).Draw(t, "longest"),
	}
}

func drawIndicator(t *rapid.T) slo.Indicator {
	i := slo.Indicator{Total: drawSource(t)}
	verdict := drawSource(t)
	switch rapid.SampledFrom([]string{"good", "bad", "value"}).Draw(t, "verdict") {
	case "good":
		i.Good = &verdict
	case "bad":
		i.Bad = &verdict
	case "value":
		i.Value = drawValue(t)
	}
	return i
}

func drawSpan(t *rapid.T) span {
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	limit := 300 * time.Millisecond
	s := span{
		service:    rapid.SampledFrom([]string{"checkout", "cart", "other"}).Draw(t, "service"),
		noService:  rapid.IntRange(0, 9).Draw(t, "no service") == 0,
		kind:       rapid.SampledFrom([]ptrace.SpanKind{ptrace.SpanKindServer, ptrace.SpanKindClient}).Draw(t, "kind"),
		name:       rapid.SampledFrom([]string{"", "pay", "buy"}).Draw(t, "name"),
		status:     rapid.SampledFrom([]ptrace.StatusCode{ptrace.StatusCodeUnset, ptrace.StatusCodeOk, ptrace.StatusCodeError}).Draw(t, "status"),
		end:        noon().Add(minutes(rapid.SampledFrom([]int{-1441, -1440, -60, -1, 0, 1, 10, 11}).Draw(t, "end"))),
		took:       rapid.SampledFrom([]time.Duration{-time.Second, 1, 2, limit, limit + 1, time.Hour}).Draw(t, "took"),
		noStart:    rapid.IntRange(0, 9).Draw(t, "no start") == 0,
		noEnd:      rapid.IntRange(0, 19).Draw(t, "no end") == 0,
		attributes: map[string]any{},
	}
	s.end = s.end.Add(time.Duration(rapid.SampledFrom([]int64{-1, 0, 1}).Draw(t, "ns")))
	if n := rapid.IntRange(0, 2).Draw(t, "n"); n > 0 {
		s.attributes["n"] = fmt.Sprintf("%.*s", n-1, "x")
	}
	if v := drawNumber(t); v != nil {
		s.attributes["v"] = v
	}
	return s
}
