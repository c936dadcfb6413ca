package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
)

func TestATimelineIsOfAnObjectiveThatExists(t *testing.T) {
	t.Parallel()
	target, err := slo.ParseTarget("0.999", false)
	require.NoError(t, err)
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	e := engine.New(engine.Settings{Now: func() time.Time { return now }})
	e.SetDefinitions([]slo.Definition{{SLO: slo.SLO{
		Name: "x", Indicator: slo.Indicator{Total: slo.SpanSource{Service: "s"}, Good: &slo.SpanSource{}},
		Window: slo.Window{Duration: 24 * time.Hour}, Objectives: []slo.Objective{{Target: target}},
	}}})
	_, err = e.Timeline("y", 0, now.Add(-time.Hour), now, 10)
	require.ErrorIs(t, err, slo.ErrNotFound)
	_, err = e.Timeline("x", 1, now.Add(-time.Hour), now, 10)
	require.ErrorIs(t, err, slo.ErrNotFound)
	require.ErrorContains(t, err, "objective 1 of x")
	for points, most := range map[int]int{-5: 2, 10: 10, 100_000: 1000} {
		line, err := e.Timeline("x", 0, now.Add(-24*time.Hour), now, points)
		require.NoError(t, err)
		require.NotEmpty(t, line.Points)
		require.LessOrEqual(t, len(line.Points), most)
	}
}
