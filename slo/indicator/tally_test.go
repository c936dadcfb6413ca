package indicator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

func TestDrainingLeavesNothing(t *testing.T) {
	t.Parallel()
	set, tally := compile(t, checkout()), indicator.NewTally(indicator.Limits{})
	require.NoError(t, set.Judge(record(t, traces(span{}, span{noEnd: true})), tally))
	require.Equal(t, 3, tally.Pending(), "a bucket, a service and a reason")
	first := slo.Commit{Refused: map[string]int64{"undecodable": 2, "no_end_time": 1}}
	tally.Drain(&first)
	require.Equal(t, map[string]int64{"undecodable": 2, "no_end_time": 2}, first.Refused, "what was there is kept")
	require.Zero(t, tally.Pending())
	var second slo.Commit
	tally.Drain(&second)
	require.Equal(t, slo.Commit{}, second)

	require.NoError(t, set.Judge(record(t, traces(span{})), tally))
	var third slo.Commit
	tally.Drain(&third)
	require.Equal(t, first.Deltas, third.Deltas)
	require.Equal(t, first.Services, third.Services)
}

func TestAWatermarkIsOfTheSpansSinceTheLastDrain(t *testing.T) {
	t.Parallel()
	set, tally := compile(t, checkout()), indicator.NewTally(indicator.Limits{})
	for _, end := range []time.Time{noon(), noon().Add(-time.Hour)} {
		require.NoError(t, set.Judge(record(t, traces(span{end: end}, span{end: end.Add(-time.Minute)})), tally))
		var c slo.Commit
		tally.Drain(&c)
		require.Equal(t, map[slo.SeriesID]time.Time{checkout().Series().ID: end}, c.Watermarks)
	}
}

func TestDeltasAreSorted(t *testing.T) {
	t.Parallel()
	other := checkout()
	other.Good.MaxDuration++
	var spans []span
	for i := range 20 {
		spans = append(spans, span{end: noon().Add(-time.Duration(i*7%20) * time.Minute)})
	}
	c := drained(t, compile(t, checkout(), other), record(t, traces(spans...)))
	require.Len(t, c.Deltas, 40)
	for i := 1; i < len(c.Deltas); i++ {
		a, b := c.Deltas[i-1], c.Deltas[i]
		require.True(t, a.Series < b.Series || a.Series == b.Series && a.Slice < b.Slice, "%v before %v", a, b)
	}
}

func TestASeriesOfTwoSetsCountsInOneBucket(t *testing.T) {
	t.Parallel()
	other, third := checkout(), checkout()
	other.Good.MaxDuration++
	third.Good.MaxDuration += 2
	counter := indicator.NewCounter(compiler(t), indicator.Limits{}, nil)
	r := record(t, traces(span{}))
	require.NoError(t, counter.Judge(r)) // by the empty set
	require.NoError(t, counter.Use(seriesOf(checkout(), other)))
	require.NoError(t, counter.Judge(r))
	require.NoError(t, counter.Use(seriesOf(third, checkout())))
	require.NoError(t, counter.Judge(r))
	require.Equal(t, 4, counter.Pending())
	for range 2 { // the second time, only the last set counts
		var c slo.Commit
		counter.Drain(&c)
		if len(c.Deltas) == 3 {
			require.Equal(t, slo.Counts{Good: 2}, total(c, checkout().Series().ID))
			require.Equal(t, slo.Counts{Good: 1}, total(c, other.Series().ID))
			require.Equal(t, slo.Counts{Good: 1}, total(c, third.Series().ID))
			require.Equal(t, int64(3), c.Services[0].Spans)
		} else {
			require.Len(t, c.Deltas, 2)
			require.Equal(t, slo.Counts{Good: 1}, total(c, checkout().Series().ID))
		}
		require.NoError(t, counter.Judge(r))
	}
}

func TestACounterReportsWhatItCannotJudge(t *testing.T) {
	t.Parallel()
	counter := indicator.NewCounter(compiler(t), indicator.Limits{}, nil)
	broken := slo.Indicator{Good: &slo.SpanSource{Condition: "?"}}
	require.ErrorContains(t, counter.Use(seriesOf(broken, checkout())), string(broken.Series().ID))
	require.NoError(t, counter.Judge(record(t, traces(span{}))))
	require.Equal(t, 3, counter.Pending(), "two buckets and a service")
}

func TestNamesOfServicesCanBeStored(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		service span
		want    string
	}{
		"an ordinary name":         {span{service: "cart"}, "cart"},
		"none":                     {span{noService: true}, "unknown_service"},
		"a NUL byte":               {span{service: "a\x00b"}, "a\uFFFDb"},
		"invalid UTF-8":            {span{service: "a\xff\xfeb"}, "a\uFFFDb"},
		"markup is kept as it is":  {span{service: "<b>&\"'"}, "<b>&\"'"},
		"255 bytes":                {span{service: strings.Repeat("x", 255)}, strings.Repeat("x", 255)},
		"256 bytes":                {span{service: strings.Repeat("x", 256)}, strings.Repeat("x", 255)},
		"a rune across the limit":  {span{service: strings.Repeat("x", 254) + "é"}, strings.Repeat("x", 254)},
		"a rune before the limit":  {span{service: strings.Repeat("x", 253) + "éé"}, strings.Repeat("x", 253) + "é"},
		"NUL bytes that get wider": {span{service: strings.Repeat("\x00", 255)}, strings.Repeat("\uFFFD", 85)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := slo.Record{Kind: slo.RecordTraces, Arrival: noon(), Decoded: traces(test.service)}
			c := drained(t, compile(t), r)
			require.Len(t, c.Services, 1)
			require.Equal(t, test.want, c.Services[0].Name)
			require.True(t, utf8.ValidString(c.Services[0].Name))
		})
	}
}

func TestANameThatIsNoTextIsNone(t *testing.T) {
	t.Parallel()
	all := traces(span{noService: true})
	all.ResourceSpans().At(0).Resource().Attributes().PutInt("service.name", 7)
	c := drained(t, compile(t), record(t, all))
	require.Equal(t, "unknown_service", c.Services[0].Name)
}

func TestServicesAreCountedTogether(t *testing.T) {
	t.Parallel()
	last := noon().Add(-time.Second)
	c := drained(t, compile(t), record(t, traces(
		span{service: "b"}, span{service: "a"}, span{service: "b", end: last}, span{service: "b"}, span{service: "c", noEnd: true},
	)))
	require.Equal(t, []slo.Service{
		{Name: "a", Spans: 1, LastSeen: noon().Add(-time.Minute)},
		{Name: "b", Spans: 3, LastSeen: last},
	}, c.Services)
}

func TestThereIsABoundOnTheNamesOfServices(t *testing.T) {
	t.Parallel()
	const most = 10_000
	set, tally := compile(t), indicator.NewTally(indicator.Limits{})
	for i := range most + 50 {
		r := slo.Record{Kind: slo.RecordTraces, Arrival: noon(), Decoded: traces(span{service: fmt.Sprint(i)})}
		require.NoError(t, set.Judge(r, tally))
	}
	var c slo.Commit
	tally.Drain(&c)
	require.Len(t, c.Services, most+1)
	require.Equal(t, slo.Service{Name: "(other)", Spans: 50, LastSeen: noon().Add(-time.Minute)}, c.Services[0])

	// The bound holds over commits, and names that are known stay known.
	for _, name := range []string{"7", "new"} {
		r := slo.Record{Kind: slo.RecordTraces, Arrival: noon(), Decoded: traces(span{service: name})}
		require.NoError(t, set.Judge(r, tally))
	}
	var next slo.Commit
	tally.Drain(&next)
	require.Len(t, next.Services, 2)
	require.Equal(t, "(other)", next.Services[0].Name)
	require.Equal(t, "7", next.Services[1].Name)
}
