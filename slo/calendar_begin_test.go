package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestWhereCalendarsBegin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		start, zone, want string
		shown             int
	}{
		"a plain night":              {"2026-01-01 00:00", "Europe/Berlin", "2025-12-31T23:00:00Z", 1},
		"clocks put forward over it": {"2026-03-29 02:30", "Europe/Berlin", "2026-03-29T01:00:00Z", 0},
		"clocks put back over it":    {"2026-10-25 02:30", "Europe/Berlin", "2026-10-25T00:30:00Z", 2},
		"half an hour put back":      {"2026-04-05 01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00Z", 2},
		"a day that was left out":    {"2011-12-30 12:00", "Pacific/Apia", "2011-12-30T10:00:00Z", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, shown, err := slo.Calendar{Count: 1, Unit: 'M', Start: c.start, Zone: c.zone}.Begin()
			require.NoError(t, err)
			require.Equal(t, c.want, at.Format(time.RFC3339))
			require.Equal(t, c.shown, shown)
		})
	}
	_, _, err := slo.Calendar{Count: 1, Unit: 'M', Start: "2026-01-01 00:00", Zone: "Mars"}.Begin()
	require.Error(t, err)
}
