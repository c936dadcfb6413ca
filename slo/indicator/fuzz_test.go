package indicator_test

import (
	"strings"
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

// FuzzValue feeds arbitrary value expressions and limits to the compiler: what
// it accepts it evaluates, on any span, without a panic, and every event counts
// its unit.
func FuzzValue(f *testing.F) {
	for _, of := range []string{
		"", "duration", ofN, "1", "-1.5e3", "0.5", `"a"`, "nil", "true", "[1, 2]", `{"a": 1}`, "SPAN_KIND_SERVER", "0xff", "1 / 0", "(x) => x",
		`span.attributes["n"]["a"][0]`, "span.end_time - span.start_time", "Seconds(span.end_time - span.start_time)", "Now()",
		`Int(span.attributes["n"])`, `ParseJSON(span.name)["a"]`, "9223372036854775807 + 1", "-9223372036854775808 / -1", "span.kind ==",
	} {
		f.Add(of, "0.5")
	}
	f.Add(ofN, "-1e18")
	c := compiler(f)
	r := record(f, traces(
		with(1), with(0.5), with("x"), with(map[string]any{"a": []any{1}}), span{}, span{name: `{"a":1}`, noStart: true}, span{took: -1},
	))
	f.Fuzz(func(t *testing.T, of, limit string) {
		thresholded, share := valued(of, slo.GTE, slo.Decimal(limit)), raw(of, slo.RawSuccess)
		for _, i := range []slo.Indicator{thresholded, share} {
			field, unsound := c.Check(i)
			set, err := c.Compile([]slo.Series{{ID: "a", Indicator: i}})
			unit := map[slo.RawType]int64{"": 1, slo.RawSuccess: slo.RawUnit}[i.Value.Raw]
			counts := total(drained(t, set, r), "a")
			require.Equal(t, 7*unit, counts.Total())
			if unsound == nil {
				require.NoError(t, err)
				continue
			}
			require.Equal(t, "value", field)
			require.NotEmpty(t, strings.TrimSpace(unsound.Error()))
			require.Error(t, err)
			require.Equal(t, slo.Counts{Unknown: 7 * unit}, counts)
		}
	})
}
