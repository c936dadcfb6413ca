package journal_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// noise is a payload of so many bytes that no compressor makes smaller.
func noise(bytes int) []byte {
	b, random := make([]byte, bytes), seeded(uint64(bytes))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

func TestAFullJournalRefusesTelemetryUntilTrimMakesRoom(t *testing.T) {
	t.Parallel()
	for _, segmentBytes := range []int64{1, 500, 1 << 20} {
		fs, o := disktest.NewMemFS(), fromFiles()
		o.MaxBytes, o.SegmentBytes = 4000, segmentBytes
		var log bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		j := reopen(t, fs, o)
		for cycle := 1; cycle <= 3; cycle++ {
			var err error
			for err == nil {
				require.NoError(t, j.Refusing())
				_, err = j.Append(t.Context(), traces(noise(200)))
			}
			require.ErrorIs(t, err, journal.ErrUnavailable)
			require.ErrorIs(t, err, journal.ErrFull)
			require.ErrorContains(t, err, "MiB")
			require.ErrorIs(t, j.Refusing(), journal.ErrFull)
			require.LessOrEqual(t, j.Size(), o.MaxBytes)
			full := j.Durable()
			_, err = j.Append(t.Context(), traces([]byte("small")))
			require.ErrorIs(t, err, journal.ErrFull, "what is small does not slip in")
			_, err = j.Append(t.Context(), slo.Record{Kind: slo.RecordDefinitions, Payload: noise(300)})
			require.NoError(t, err, "definitions have a reserve")
			require.ErrorIs(t, j.Refusing(), journal.ErrFull)
			trim(t, j, 0)
			_, err = j.Append(t.Context(), traces(noise(200)))
			require.ErrorIs(t, err, journal.ErrFull, "nothing was read, so nothing was deleted")
			trim(t, j, full)
			_, err = j.Append(t.Context(), traces(noise(200)))
			require.NoError(t, err)
			require.NoError(t, j.Refusing())
			require.Equal(t, cycle, strings.Count(log.String(), "journal refuses records"))
			require.Equal(t, cycle, strings.Count(log.String(), "journal accepts records again"))
		}
		require.NoError(t, j.Close())
		require.NoError(t, reopen(t, fs.PowerLoss(seeded(1)), o).Close())
	}
}

func TestTheReserveForDefinitionsEnds(t *testing.T) {
	t.Parallel()
	o := fromFiles()
	o.MaxBytes = 4000
	j := reopen(t, disktest.NewMemFS(), o)
	defer j.Close()
	var err error
	for err == nil {
		_, err = j.Append(t.Context(), slo.Record{Kind: slo.RecordDefinitions, Payload: noise(3000)})
	}
	require.ErrorIs(t, err, journal.ErrFull)
	require.Less(t, j.Size(), int64(4000+1<<20))
}

func TestAJournalAboveALoweredLimitTakesDefinitions(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	j := reopen(t, fs, fromFiles())
	_, err := j.Append(t.Context(), traces(noise(3<<20)))
	require.NoError(t, err)
	require.NoError(t, j.Close())
	o := fromFiles()
	o.MaxBytes = 4000
	j = reopen(t, fs, o)
	defer j.Close()
	_, err = j.Append(t.Context(), traces(noise(100)))
	require.ErrorIs(t, err, journal.ErrFull)
	_, err = j.Append(t.Context(), slo.Record{Kind: slo.RecordDefinitions, Payload: noise(3000)})
	require.NoError(t, err, "without them the platform could not start")
}

func TestARecordThatCanNeverFitIsTooLarge(t *testing.T) {
	t.Parallel()
	o := fromFiles()
	o.MaxBytes = 4000
	j := reopen(t, disktest.NewMemFS(), o)
	defer j.Close()
	_, err := j.Append(t.Context(), traces(noise(4000)))
	require.ErrorIs(t, err, journal.ErrTooLarge)
	require.NotErrorIs(t, err, journal.ErrUnavailable)
	_, err = j.Append(t.Context(), traces(noise(3700)))
	require.NoError(t, err, "and it stands in nobody's way")
}

func TestAJournalThatRefusesDoesNotBeat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fill, free func(fs *disktest.MemFS, j *journal.Journal)
	}{
		"the journal is full": {
			fill: func(*disktest.MemFS, *journal.Journal) {},
			free: func(_ *disktest.MemFS, j *journal.Journal) { trim(t, j, j.Durable()) },
		},
		"the disk is full, but for a heartbeat": {
			fill: func(fs *disktest.MemFS, j *journal.Journal) { fs.Resize(int(j.Size()) + 600) },
			free: func(fs *disktest.MemFS, _ *journal.Journal) { fs.Resize(0) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fs := disktest.NewMemFS()
				j := reopen(t, fs, journal.Options{MaxBytes: 40_000, SegmentBytes: 10_000})
				defer j.Close()
				c.fill(fs, j)
				var err error
				for err == nil {
					_, err = j.Append(t.Context(), traces(noise(1000)))
				}
				require.ErrorIs(t, err, journal.ErrUnavailable)
				refusedAt := j.Durable()
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Equal(t, refusedAt, j.Durable(), "no heartbeat while batches are refused")
				require.Error(t, j.Refusing())
				c.free(fs, j)
				time.Sleep(1100 * time.Millisecond)
				synctest.Wait()
				require.NoError(t, j.Refusing(), "it accepts again by itself")
				require.Greater(t, j.Durable(), refusedAt)
				_, err = j.Append(t.Context(), traces(noise(1000)))
				require.NoError(t, err)
			})
		})
	}
}
