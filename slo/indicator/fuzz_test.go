package indicator_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// FuzzJudge feeds arbitrary payloads to a set: it never panics, and whatever
// it can decode it counts or refuses, span by span.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{})
	f.Add(record(f, traces(span{}, span{noEnd: true}, span{service: "cart", noStart: true})).Payload)
	f.Add(record(f, traces(span{attributes: map[string]any{"n": map[string]any{"a": []any{1, "x"}}}})).Payload)
	every := slo.Indicator{Good: &slo.SpanSource{Condition: fails}}
	set := compile(f, checkout(), every)
	f.Fuzz(func(t *testing.T, payload []byte) {
		tally := indicator.NewTally(indicator.Limits{})
		r := slo.Record{Kind: slo.RecordTraces, Arrival: noon(), Payload: payload}
		decoded, unreadable := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(payload)
		if err := set.Judge(r, tally); err != nil {
			require.Error(t, unreadable)
			require.Zero(t, tally.Pending())
			return
		}
		var c slo.Commit
		tally.Drain(&c)
		events := total(c, every.Series().ID)
		spans := events.Total()
		for _, refused := range c.Refused {
			spans += refused
		}
		require.Equal(t, int64(decoded.SpanCount()), spans)
	})
}

// FuzzCheck feeds arbitrary conditions to the compiler: what it accepts it
// compiles and evaluates, what it refuses it explains.
func FuzzCheck(f *testing.F) {
	for _, condition := range []string{
		"", "span.kind == SPAN_KIND_SERVER", "span.kind = 2", fails, "Now() == 1", "not (true or false)", `span.attributes["a"]["b"][0] != nil`,
	} {
		f.Add(condition)
	}
	c := compiler(f)
	r := record(f, traces(span{attributes: map[string]any{"n": 1}}))
	f.Fuzz(func(t *testing.T, condition string) {
		i := slo.Indicator{Total: slo.SpanSource{Condition: condition}, Good: &slo.SpanSource{}}
		field, unsound := c.Check(i)
		set, err := c.Compile([]slo.Series{{ID: "a", Indicator: i}})
		if unsound != nil {
			require.Equal(t, "total", field)
			require.NotEmpty(t, unsound.Error())
			require.Error(t, err)
			require.Equal(t, slo.Counts{Unknown: 1}, total(drained(t, set, r), "a"))
			return
		}
		require.NoError(t, err)
		require.LessOrEqual(t, total(drained(t, set, r), "a").Total(), int64(1))
	})
}
