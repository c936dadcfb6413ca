package simulate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// TestAGateLooksAtClosedTimeSlices: the events of a slice that is still open are
// no evidence yet, so that looking ahead must not count them either.
func TestAGateLooksAtClosedTimeSlices(t *testing.T) {
	t.Parallel()
	d := definition(t, "0.5")
	d.Method, d.Window = slo.Timeslices, slo.Window{Duration: time.Hour}
	d.Objectives[0].SliceTarget, d.Objectives[0].SliceWindow = targetOf(t, "0.999"), 5*time.Minute
	var buckets []slo.Bucket
	for i := range 75 {
		b := slo.Bucket{Slice: slo.SliceOf(begin) + slo.Slice(6*i), Minute: true, Counts: slo.Counts{Good: 20}}
		if slices.Contains([]int{1, 2, 3, 6, 21, 26, 55}, i) {
			b.Counts = slo.Counts{Good: 19, Bad: 1}
		}
		buckets = append(buckets, b)
	}
	var told [][]string
	for _, every := range []bool{false, true} {
		result, err := simulate.Run(d, simulate.Series{d.SeriesOf(0).ID: buckets}, begin, begin.Add(75*time.Minute), simulate.Options{EveryStep: every})
		require.NoError(t, err)
		told = append(told, transitions(result.Objectives[0]))
	}
	require.NotEmpty(t, told[1])
	require.Equal(t, told[1], told[0])
}
