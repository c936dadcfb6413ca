package view_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

func TestADifferenceIsOpenUntilItWasComparedAgain(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 3, 14, 15, minute, 0, 0, time.UTC) }
	wrong := slo.Audit{At: at(1), From: 10, To: 20, Differing: 1, Differences: []slo.Difference{{Series: "a", Slice: 14}}}
	for name, c := range map[string]struct {
		newer slo.Audit
		open  int
	}{
		"nothing newer":                    {slo.Audit{At: at(0), From: 10, To: 20, Series: []slo.SeriesID{"a"}}, 1},
		"the same slices, now equal":       {slo.Audit{At: at(2), From: 10, To: 20, Series: []slo.SeriesID{"a"}}, 0},
		"the slice that differed, equal":   {slo.Audit{At: at(2), From: 14, To: 15, Series: []slo.SeriesID{"b", "a"}}, 0},
		"other slices":                     {slo.Audit{At: at(2), From: 15, To: 20, Series: []slo.SeriesID{"a"}}, 1},
		"slices before":                    {slo.Audit{At: at(2), From: 10, To: 14, Series: []slo.SeriesID{"a"}}, 1},
		"another series":                   {slo.Audit{At: at(2), From: 10, To: 20, Series: []slo.SeriesID{"b"}}, 1},
		"another shard":                    {slo.Audit{Shard: "x", At: at(2), From: 10, To: 20, Series: []slo.SeriesID{"a"}}, 1},
		"the same slices, still different": {slo.Audit{At: at(2), From: 10, To: 20, Series: []slo.SeriesID{"a"}, Differing: 1, Differences: wrong.Differences}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Len(t, view.Unsettled([]slo.Audit{wrong, c.newer}), c.open)
		})
	}
	many := wrong
	many.Differing = 101
	again := slo.Audit{At: at(2), From: 14, To: 15, Series: []slo.SeriesID{"a"}}
	require.Len(t, view.Unsettled([]slo.Audit{again, many}), 1, "of differences that are not listed only the whole range tells")
	again.From, again.To = 10, 20
	require.Empty(t, view.Unsettled([]slo.Audit{again, many}))
}
