package indicator_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
)

// ofN is the attribute that values of tests are read from.
const ofN = `span.attributes["n"]`

func valued(of string, op slo.Operator, limit slo.Decimal) slo.Indicator {
	return slo.Indicator{Value: &slo.Value{Of: of, Threshold: slo.Threshold{Op: op, Limit: limit}}}
}

func raw(of string, kind slo.RawType) slo.Indicator {
	return slo.Indicator{Value: &slo.Value{Of: of, Raw: kind}}
}

// with is a span whose attribute n is that.
func with(n any) span { return span{attributes: map[string]any{"n": n}} }

func TestAValueIsJudgedByItsThreshold(t *testing.T) {
	t.Parallel()
	good, bad, unknown := slo.Counts{Good: 1}, slo.Counts{Bad: 1}, slo.Counts{Unknown: 1}
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		indicator slo.Indicator
		span      span
		want      slo.Counts
	}{
		"an integer at the limit: lte":          {valued(ofN, slo.LTE, "5"), with(5), good},
		"an integer at the limit: gte":          {valued(ofN, slo.GTE, "5"), with(5), good},
		"an integer at the limit: lt":           {valued(ofN, slo.LT, "5"), with(5), bad},
		"an integer at the limit: gt":           {valued(ofN, slo.GT, "5"), with(5), bad},
		"an integer above: lte":                 {valued(ofN, slo.LTE, "5"), with(6), bad},
		"an integer below a fraction: lt":       {valued(ofN, slo.LT, "5.5"), with(5), good},
		"an integer above a fraction: gt":       {valued(ofN, slo.GT, "5.5"), with(6), good},
		"below zero, above a fraction":          {valued(ofN, slo.GT, "-0.5"), with(0), good},
		"below zero, below a fraction":          {valued(ofN, slo.LT, "-0.5"), with(-1), good},
		"an integer that no float has":          {valued(ofN, slo.GT, "9007199254740992"), with(int64(9007199254740993)), good},
		"the greatest integer":                  {valued(ofN, slo.GT, "999999999999999999"), with(int64(math.MaxInt64)), good},
		"the least integer":                     {valued(ofN, slo.LT, "-999999999999999999.9"), with(int64(math.MinInt64)), good},
		"a float at the limit, as a float":      {valued(ofN, slo.LTE, "0.1"), with(0.1), good},
		"a float next to the limit":             {valued(ofN, slo.LTE, "0.1"), with(math.Nextafter(0.1, 1)), bad},
		"a float against an integer":            {valued(ofN, slo.GT, "5"), with(5.5), good},
		"the negative zero is zero":             {valued(ofN, slo.GTE, "0"), with(math.Copysign(0, -1)), good},
		"infinity is above all limits":          {valued(ofN, slo.GT, "999999999999999999"), with(math.Inf(1)), good},
		"infinity below is below all limits":    {valued(ofN, slo.GT, "-5"), with(math.Inf(-1)), bad},
		"no limit counts as 0":                  {valued(ofN, slo.GT, ""), with(1), good},
		"NaN is unknown":                        {valued(ofN, slo.LTE, "5"), with(math.NaN()), unknown},
		"a missing attribute is unknown":        {valued(ofN, slo.LTE, "5"), span{}, unknown},
		"a text is unknown":                     {valued(ofN, slo.LTE, "5"), with("3"), unknown},
		"a text that is made a number is one":   {valued(`Int(span.attributes["n"])`, slo.LTE, "5"), with("3"), good},
		"a list is unknown":                     {valued(ofN, slo.LTE, "5"), with([]any{3}), unknown},
		"a number of a list is one":             {valued(`span.attributes["n"][0]`, slo.LTE, "5"), with([]any{3}), good},
		"a boolean is unknown":                  {valued(ofN, slo.LTE, "5"), with(true), unknown},
		"an evaluation that fails is unknown":   {valued(`1 / span.attributes["n"]`, slo.LTE, "5"), with(0), unknown},
		"arithmetic gives a number":             {valued(`2 * span.attributes["n"] + 1`, slo.LTE, "7"), with(3), good},
		"space around the expression":           {valued(" "+ofN+"\n", slo.LTE, "7"), with(3), good},
		"a duration at the limit":               {valued("duration", slo.LTE, "0.3"), span{took: 300 * ms}, good},
		"a nanosecond more":                     {valued("duration", slo.LTE, "0.3"), span{took: 300*ms + 1}, bad},
		"a duration at the limit: lt":           {valued("duration", slo.LT, "0.3"), span{took: 300 * ms}, bad},
		"a nanosecond less: lt":                 {valued("duration", slo.LT, "0.3"), span{took: 300*ms - 1}, good},
		"a limit between two nanoseconds: gt":   {valued("duration", slo.GT, "0.0000000015"), span{took: 2}, good},
		"a limit between two nanoseconds: lt":   {valued("duration", slo.LT, "0.0000000015"), span{took: 1}, good},
		"a limit below zero":                    {valued("duration", slo.GT, "-1"), span{took: 1}, good},
		"a limit beyond all durations":          {valued("duration", slo.LT, "999999999999999999"), span{took: time.Hour}, good},
		"a duration without a start":            {valued("duration", slo.LTE, "1"), span{noStart: true}, unknown},
		"a duration that ends before it starts": {valued("duration", slo.LTE, "1"), span{took: -1}, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := drained(t, compile(t, test.indicator), record(t, traces(test.span)))
			require.Equal(t, test.want, total(c, test.indicator.Series().ID))
		})
	}
}

func TestADurationOfThreeCenturiesIsCompared(t *testing.T) {
	t.Parallel()
	all := traces(span{})
	all.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetStartTimestamp(1)
	i := valued("duration", slo.GT, "1700000000")
	require.Equal(t, slo.Counts{Good: 1}, total(drained(t, compile(t, i), record(t, all)), i.Series().ID))
}

func TestARawValueIsAShareOfAnEvent(t *testing.T) {
	t.Parallel()
	const unit = slo.RawUnit
	unknown := slo.Counts{Unknown: unit}
	for name, test := range map[string]struct {
		of   string
		kind slo.RawType
		n    any
		want slo.Counts
	}{
		"a share of good":               {ofN, slo.RawSuccess, 0.97, slo.Counts{Good: 970_000_000, Bad: 30_000_000}},
		"a share of bad":                {ofN, slo.RawFailure, 0.97, slo.Counts{Good: 30_000_000, Bad: 970_000_000}},
		"all, as an integer":            {ofN, slo.RawSuccess, 1, slo.Counts{Good: unit}},
		"nothing, as an integer":        {ofN, slo.RawSuccess, 0, slo.Counts{Bad: unit}},
		"all, as a float":               {ofN, slo.RawFailure, 1.0, slo.Counts{Bad: unit}},
		"the negative zero is nothing":  {ofN, slo.RawFailure, math.Copysign(0, -1), slo.Counts{Good: unit}},
		"a third is rounded":            {ofN, slo.RawSuccess, 1.0 / 3, slo.Counts{Good: 333_333_333, Bad: 666_666_667}},
		"half a unit is rounded up":     {ofN, slo.RawSuccess, 0.5e-9, slo.Counts{Good: 1, Bad: unit - 1}},
		"less than half a unit is none": {ofN, slo.RawSuccess, 0.49e-9, slo.Counts{Bad: unit}},
		"a percentage is divided":       {ofN + " / 100.0", slo.RawSuccess, 25, slo.Counts{Good: unit / 4, Bad: 3 * unit / 4}},
		"just above all is unknown":     {ofN, slo.RawSuccess, math.Nextafter(1, 2), unknown},
		"just below nothing is unknown": {ofN, slo.RawSuccess, math.Nextafter(0, -1), unknown},
		"two is unknown":                {ofN, slo.RawSuccess, 2, unknown},
		"NaN is unknown":                {ofN, slo.RawSuccess, math.NaN(), unknown},
		"infinity is unknown":           {ofN, slo.RawSuccess, math.Inf(1), unknown},
		"a text is unknown":             {ofN, slo.RawSuccess, "0.5", unknown},
		"nothing at all is unknown":     {`span.attributes["m"]`, slo.RawSuccess, 1, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := raw(test.of, test.kind)
			c := drained(t, compile(t, i), record(t, traces(with(test.n))))
			require.Equal(t, test.want, total(c, i.Series().ID))
		})
	}
}

func TestAnEventOfARawSeriesCountsOneUnitWhateverItsTotalSays(t *testing.T) {
	t.Parallel()
	i := raw(ofN, slo.RawSuccess)
	i.Total.Condition = fails
	c := drained(t, compile(t, i), record(t, traces(span{}, with("text"), span{attributes: map[string]any{"n": "", "m": 1}})))
	require.Equal(t, slo.Counts{Unknown: 2 * slo.RawUnit}, total(c, i.Series().ID), "one fails, one is no share, one is no event")
}

func TestCorrectionsOfARawSeriesAreEvents(t *testing.T) {
	t.Parallel()
	i := raw(ofN, slo.RawSuccess)
	late := with(0.5)
	late.end = noon().Add(-time.Hour)
	c := drained(t, compile(t, i), record(t, traces(late, late)))
	require.Len(t, c.Deltas, 1)
	require.Equal(t, slo.Corrections{Late: 2}, c.Deltas[0].Corrections)
	require.Equal(t, slo.Counts{Good: slo.RawUnit, Bad: slo.RawUnit}, c.Deltas[0].Counts)
}

func TestAValueIsJudgedOnlyOnEvents(t *testing.T) {
	t.Parallel()
	i := valued(ofN, slo.LTE, "5")
	i.Total = slo.SpanSource{Service: "checkout", Condition: "span.kind == SPAN_KIND_SERVER"}
	other := with(1)
	other.kind = ptrace.SpanKindClient
	c := drained(t, compile(t, i), record(t, traces(with(1), other, span{service: "cart"})))
	require.Equal(t, slo.Counts{Good: 1}, total(c, i.Series().ID))
}
