package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatMayBePacked(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		journal                time.Duration // How far it reaches back.
		lateness, longest      time.Duration
		minutes, days, keptFor time.Duration
	}{
		"usual settings":                       {day, day, 28 * day, 2 * day, 2 * day, 400 * day},
		"a journal that reaches far":           {9 * day, day, 28 * day, 9 * day, 2 * day, 400 * day},
		"spans may be late for long":           {day, 30 * day, 28 * day, 30*day + 2*time.Hour, 30*day + 2*time.Hour, 400 * day},
		"a year and the year before are kept":  {day, day, 365 * day, 2 * day, 2 * day, 737 * day},
		"the longest window and one before it": {day, day, 400 * day, 2 * day, 2 * day, 807 * day},
		"no objective":                         {day, day, 0, 2 * day, 2 * day, 400 * day},
	} {
		p := packingAt(now, now.Add(-c.journal), 2*time.Hour, c.lateness, c.longest)
		require.Equal(t, now.Add(-2*time.Hour), p.Closed, name)
		require.Equal(t, now.Add(-c.minutes), p.Minutes, name)
		require.Equal(t, now.Add(-c.days), p.Days, name)
		require.Equal(t, now.Add(-c.keptFor), p.Oldest, name)
	}
	p := packingAt(now, time.Unix(0, 0), 2*time.Hour, day, day)
	require.Equal(t, time.Unix(0, 0), p.Minutes, "a journal that has everything lets all slices be compared")
}
