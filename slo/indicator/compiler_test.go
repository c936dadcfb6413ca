package indicator_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestAnIndicatorIsChecked(t *testing.T) {
	t.Parallel()
	condition := func(c string) slo.Indicator {
		return slo.Indicator{Total: slo.SpanSource{Condition: c}, Good: &slo.SpanSource{}}
	}
	for name, test := range map[string]struct {
		indicator slo.Indicator
		field     string
		says      string // empty: it is sound
	}{
		"the design's example":   {checkout(), "", ""},
		"an empty condition":     {condition("  "), "", ""},
		"a path of the resource": {condition(`resource.attributes["host.name"] != nil`), "", ""},
		"no verdict":             {slo.Indicator{}, "", "neither good nor bad"},
		"two verdicts":           {slo.Indicator{Good: &slo.SpanSource{}, Bad: &slo.SpanSource{}}, "", "both given"},
		"a value next to good":   {slo.Indicator{Good: &slo.SpanSource{}, Value: &slo.Value{Of: ofN}}, "", "next to good or bad"},
		"a value with a limit":   {valued(ofN, slo.LTE, "0.5"), "", ""},
		"a value without one":    {valued(ofN, "", ""), "", ""},
		"a duration":             {valued(" duration ", slo.LTE, "0.5"), "", ""},
		"a raw value":            {raw(ofN, slo.RawFailure), "", ""},
		"a value of nothing":     {valued(" ", slo.LTE, "0.5"), "value", "expression is empty"},
		"a fault in a value":     {valued("span.kind ==", slo.LTE, "1"), "value", `value "span.kind ==": column 11: unexpected "=="`},
		"a value of no context":  {valued("size", slo.LTE, "1"), "value", "write span.size"},
		"as deep as can be":      {condition(strings.Repeat("(", 10) + "true" + strings.Repeat(")", 10)), "", ""},
		"brackets in a text":     {condition(`span.name == "\"((((((((((((("`), "", ""},
		"brackets side by side":  {condition(strings.Repeat("(true) and ", 12) + "true"), "", ""},
		"too deep":               {condition(strings.Repeat("Len(", 40)), "total", "nested 40 deep"},
		"too many lambdas":       {valued("Len("+strings.Repeat("(x)=>", 40), slo.LTE, "1"), "value", "nested 42 deep"},
		"the clock in a call":    {condition("Hour(Now()) > 12"), "total", "Now() cannot be used"},
		"a value of the clock":   {valued("UnixNano(Now())", slo.LTE, "1"), "value", "Now() cannot be used"},
		"an unknown operator":    {valued(ofN, "eq", "1"), "value", `"eq": write lte, gte, lt or gt`},
		"a limit alone":          {valued(ofN, "", "1"), "value", `"": write lte, gte, lt or gt`},
		"a limit in words":       {valued(ofN, slo.LTE, "much"), "value", `"much" is not a decimal number`},
		"a limit of any size":    {valued(ofN, slo.LTE, "1e999999999"), "value", "has too long an exponent"},
		"an unknown raw type":    {raw(ofN, "part"), "value", `"part": write success or failure`},
		"a raw duration":         {raw("duration", slo.RawSuccess), "value", "no share of events"},
		"a raw value with a limit": {
			slo.Indicator{Value: &slo.Value{Of: ofN, Raw: slo.RawSuccess, Threshold: slo.Threshold{Op: slo.LTE}}}, "value", "has no threshold",
		},
		"a fault in good": {
			slo.Indicator{Good: &slo.SpanSource{Condition: "span.kind = 2"}},
			"good",
			`condition "span.kind = 2": column 11: unexpected "="`,
		},
		"a fault in bad": {
			slo.Indicator{Bad: &slo.SpanSource{Condition: "span.kind"}}, "bad", "unexpected end",
		},
		"a negative duration": {
			slo.Indicator{Total: slo.SpanSource{MaxDuration: -time.Second}, Good: &slo.SpanSource{}}, "total", "-1s",
		},
		"a path without its context": {condition("kind == 2"), "total", "write span.kind, or resource.kind"},
		"an unknown context":         {condition("spn.kind == 2"), "total", "begins with spn: a path begins with one of span, resource"},
		"the connection":             {condition(`otelcol.client.addr == "a"`), "total", "begins with otelcol"},
		"an unknown path":            {condition("span.knd == 2"), "total", "there is no span.knd: https://"},
		"an unknown constant":        {condition("span.kind == SPAN_KIND_SRV"), "total", "there is no constant SPAN_KIND_SRV"},
		"an unknown function":        {condition(`IsMtch(span.name, "a")`), "total", "there is no function IsMtch"},
		"the clock":                  {condition("Now() > span.end_time"), "total", "Now() cannot be used"},
		"chance":                     {condition(`UUID() == "a"`), "total", "UUID() cannot be used"},
		"an editor":                  {condition(`set(span.name, "a")`), "total", "unexpected end"},
		"an open string":             {condition("span.name == \"a"), "total", "cannot be read"},
		"a fault on a later line":    {condition("span.kind == 2 and\n span.kind = 3"), "total", "line 2, column 12"},
		"a bad pattern":              {condition(`IsMatch(span.name, "[")`), "total", "missing closing ]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			field, err := compiler(t).Check(test.indicator)
			require.Equal(t, test.field, field)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestEachPartOfAnIndicatorIsChecked(t *testing.T) {
	t.Parallel()
	wrong := slo.SpanSource{Condition: "span.kind = 2"}
	for name, test := range map[string]struct {
		indicator slo.Indicator
		fields    []string
	}{
		"nothing is wrong":        {checkout(), []string{}},
		"no verdict":              {slo.Indicator{Total: wrong}, []string{""}},
		"total and good":          {slo.Indicator{Total: wrong, Good: &wrong}, []string{"good", "total"}},
		"total and bad":           {slo.Indicator{Total: wrong, Bad: &wrong}, []string{"bad", "total"}},
		"total and value":         {slo.Indicator{Total: wrong, Value: &slo.Value{Of: "span.kind =="}}, []string{"total", "value"}},
		"only one of two of them": {slo.Indicator{Total: slo.SpanSource{}, Good: &wrong}, []string{"good"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := compiler(t).Faults(test.indicator)
			require.ElementsMatch(t, test.fields, slices.Collect(maps.Keys(faults)))
			field, err := compiler(t).Check(test.indicator)
			require.Equal(t, err, faults[field], "the first of them")
		})
	}
}

func TestWhatDoesNotCompileIsUnknownAndStopsNothing(t *testing.T) {
	t.Parallel()
	good := &slo.SpanSource{}
	cart := "cart"
	for name, test := range map[string]struct {
		indicator slo.Indicator
		want      slo.Counts // of one span of checkout and one of cart, each 100 ms
	}{
		"total":                   {slo.Indicator{Total: slo.SpanSource{Condition: "?"}, Good: good}, slo.Counts{Unknown: 2}},
		"total of one service":    {slo.Indicator{Total: slo.SpanSource{Service: cart, Condition: "?"}, Good: good}, slo.Counts{Unknown: 1}},
		"total beyond a duration": {slo.Indicator{Total: slo.SpanSource{MaxDuration: 1, Condition: "?"}, Good: good}, slo.Counts{}},
		"good":                    {slo.Indicator{Good: &slo.SpanSource{Condition: "?"}}, slo.Counts{Unknown: 2}},
		"good of one service":     {slo.Indicator{Good: &slo.SpanSource{Service: cart, Condition: "?"}}, slo.Counts{Bad: 1, Unknown: 1}},
		"bad":                     {slo.Indicator{Bad: &slo.SpanSource{Condition: "?"}}, slo.Counts{Unknown: 2}},
		"no verdict":              {slo.Indicator{}, slo.Counts{Unknown: 2}},
		"two verdicts":            {slo.Indicator{Good: good, Bad: good}, slo.Counts{Unknown: 2}},
		"a negative duration":     {slo.Indicator{Good: &slo.SpanSource{MaxDuration: -1}}, slo.Counts{Unknown: 2}},
		"a value":                 {valued("?", slo.LTE, "1"), slo.Counts{Unknown: 2}},
		"a limit":                 {valued("duration", slo.LTE, "much"), slo.Counts{Unknown: 2}},
		"a value without a limit": {valued("duration", "", ""), slo.Counts{Unknown: 2}},
		"a raw value":             {raw("?", slo.RawSuccess), slo.Counts{Unknown: 2 * slo.RawUnit}},
		"a raw type":              {raw("1", "part"), slo.Counts{Unknown: 2 * slo.RawUnit}},
		"a raw value and good": {
			slo.Indicator{Good: good, Value: &slo.Value{Of: "1", Raw: slo.RawSuccess}}, slo.Counts{Unknown: 2 * slo.RawUnit},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := compiler(t).Compile(seriesOf(test.indicator, checkout()))
			require.ErrorContains(t, err, string(test.indicator.Series().ID))
			c := drained(t, set, record(t, traces(span{}, span{service: cart})))
			require.Equal(t, test.want, total(c, test.indicator.Series().ID))
			require.Equal(t, slo.Counts{Good: 1}, total(c, checkout().Series().ID))
		})
	}
}

func TestASeriesGivenTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	set := compile(t, checkout(), checkout())
	require.Equal(t, 1, set.Len())
	c := drained(t, set, record(t, traces(span{})))
	require.Equal(t, slo.Counts{Good: 1}, total(c, checkout().Series().ID))
}
