package journal_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
)

func TestArrivalsGoOnWhileTheWallClockIsBehind(t *testing.T) {
	t.Parallel()
	type step struct {
		wall, passed, arrival time.Duration // wall and arrival since the start
	}
	for name, c := range map[string]struct {
		steps []step
		warns []string
	}{
		"both clocks run alike": {steps: []step{{0, 0, 0}, {time.Second, time.Second, time.Second}}},
		"an hour back: time goes on": {
			steps: []step{{0, 0, 0}, {-time.Hour, time.Second, time.Second}, {-time.Hour + time.Second, time.Second, 2 * time.Second}},
			warns: []string{"by=-1h0m1s"},
		},
		"the wall clock catches up": {
			steps: []step{{0, 0, 0}, {-10 * time.Second, time.Second, time.Second}, {time.Minute, time.Second, time.Minute}},
			warns: []string{"by=-11s", "by=1m9s"},
		},
		"a jump forward is followed": {
			steps: []step{{0, 0, 0}, {time.Hour, time.Second, time.Hour}, {time.Hour + time.Second, time.Second, time.Hour + time.Second}},
			warns: []string{"by=59m59s"},
		},
		"two seconds are no jump": {steps: []step{{0, 0, 0}, {3 * time.Second, time.Second, 3 * time.Second}, {2 * time.Second, time.Second, 4 * time.Second}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock, o := newClock(), fromFiles()
			var log bytes.Buffer
			o.Now, o.Monotonic, o.Logger = clock.Now, clock.Monotonic, slog.New(slog.NewTextHandler(&log, nil))
			j := reopen(t, disktest.NewMemFS(), o)
			start := clock.now
			for i, s := range c.steps {
				clock.now, clock.passed = start.Add(s.wall), clock.passed+s.passed
				appendNumbered(t, t.Context(), j, i+1, i+1)
			}
			records, err := readAll(t.Context(), j, 0)
			require.NoError(t, err)
			for i, s := range c.steps {
				require.Equal(t, s.arrival, records[i].Arrival.Sub(start))
			}
			require.NoError(t, j.Close())
			require.Equal(t, len(c.warns), strings.Count(log.String(), "the wall clock jumped"))
			for _, by := range c.warns {
				require.Contains(t, log.String(), by)
			}
		})
	}
}

func TestAStartWithAClockBehindTheNewestRecordIsTold(t *testing.T) {
	t.Parallel()
	fs, clock, o := disktest.NewMemFS(), newClock(), fromFiles()
	o.Now, o.Monotonic = clock.Now, clock.Monotonic
	j := reopen(t, fs, o)
	appendNumbered(t, t.Context(), j, 1, 1)
	require.NoError(t, j.Close())
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	start := clock.now
	clock.now, clock.passed = start.Add(-time.Hour), 17*time.Hour // Another process has another monotonic clock.
	j = reopen(t, fs, o)
	appendNumbered(t, t.Context(), j, 2, 2)
	clock.pass(3 * time.Second)
	appendNumbered(t, t.Context(), j, 3, 3)
	records, err := readAll(t.Context(), j, 1)
	require.NoError(t, err)
	require.Equal(t, []time.Time{start, start.Add(3 * time.Second)}, []time.Time{records[0].Arrival, records[1].Arrival})
	require.NoError(t, j.Close())
	require.Equal(t, 1, strings.Count(log.String(), "by=-1h0m0s"))
}
