package indicator_test

import (
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
