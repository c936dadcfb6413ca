package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestTheRecountOfAnSLOIsThatOfItsSlowestSeries(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	inOrder := []slo.RecountState{ // From the most to do to the least.
		{Err: "damaged", Since: now},
		{Err: "damaged", Since: now.Add(-time.Hour)},
		{Running: true},
		{Running: true, Since: now},
		{Running: true, Since: now.Add(-time.Hour)},
		{Done: true, Since: now},
		{Done: true, Since: now.Add(-time.Hour)},
	}
	for i, a := range inOrder {
		for j, b := range inOrder {
			require.Equal(t, i < j, behind(a, b), "%+v and %+v", a, b)
		}
	}
}
