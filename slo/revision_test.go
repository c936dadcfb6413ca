package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestTheSeriesOfAnObjectiveAreThoseThatItsBudgetIsSplicedOf(t *testing.T) {
	t.Parallel()
	counts := func(services ...string) slo.SLO {
		s := slo.SLO{Name: "shop", Annotations: map[string]string{}}
		for _, service := range services {
			s.Objectives = append(s.Objectives, slo.Objective{Indicator: &slo.Indicator{Total: slo.SpanSource{Service: service}, Bad: &slo.SpanSource{}}})
		}
		return s
	}
	id := func(service string) slo.SeriesID { return counts(service).SeriesOf(0).ID }
	at := func(day int) time.Time { return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC) }
	d := slo.Definition{Revision: 9, SLO: counts("c", "z"), Earlier: []slo.EarlierRevision{
		{Revision: 7, Until: at(7), SLO: counts("b", "z")},
		{Revision: 5, Until: at(5), SLO: counts("b", "y")},
		{Revision: 4, Until: at(4), SLO: counts("x")}, // It had not the same objectives.
		{Revision: 2, Until: at(2), SLO: counts("a", "y")},
	}}
	require.Equal(t, []slo.SeriesRevision{
		{Revision: 9, Series: id("c")}, {Revision: 7, Series: id("b"), Until: at(7)}, {Revision: 2, Series: id("a"), Until: at(2)},
	}, d.SeriesRevisions(0))
	require.Equal(t, []slo.SeriesRevision{{Revision: 9, Series: id("z")}, {Revision: 5, Series: id("y"), Until: at(5)}}, d.SeriesRevisions(1))
}
