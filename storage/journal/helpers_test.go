package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dir = "/data/journal"

// quiet are options without heartbeats, so that a test knows every record.
func quiet() journal.Options { return journal.Options{Heartbeat: -1} }

// fromFiles are quiet options without the memory for readers.
func fromFiles() journal.Options { return journal.Options{Heartbeat: -1, RecentBytes: -1} }

func reopen(t require.TestingT, fs *disktest.MemFS, o journal.Options) *journal.Journal {
	j, err := journal.OpenOn(fs, dir, o)
	require.NoError(t, err)
	return j
}

// payload is a content that tells its number.
func payload(n int) []byte {
	return append(fmt.Appendf(nil, "record %d ", n), bytes.Repeat([]byte{byte(n)}, n%50)...)
}

func traces(payload []byte) slo.Record { return slo.Record{Kind: slo.RecordTraces, Payload: payload} }

// appendNumbered appends payloads number from to to, one group each.
func appendNumbered(t require.TestingT, ctx context.Context, j *journal.Journal, from, to int) {
	for n := from; n <= to; n++ {
		_, err := j.Append(ctx, traces(payload(n)))
		require.NoError(t, err)
	}
}

// readAll returns every durable record after an offset.
func readAll(ctx context.Context, j *journal.Journal, after slo.Offset) ([]slo.Record, error) {
	r, err := j.Reader(after)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	end := j.Durable()
	for _, hole := range j.Holes() {
		if hole.Through == end {
			end = hole.After
		}
	}
	var records []slo.Record
	for at := after; at < end; {
		record, err := r.Next(ctx)
		if err != nil {
			return records, err
		}
		records, at = append(records, record), record.Offset
	}
	return records, nil
}

// requireNumbered checks that the journal holds payloads 1 to n and no more.
func requireNumbered(t require.TestingT, ctx context.Context, j *journal.Journal, n int) {
	records, err := readAll(ctx, j, 0)
	require.NoError(t, err)
	require.Len(t, records, n)
	for i, r := range records {
		require.Equal(t, slo.Offset(i+1), r.Offset)
		require.Equal(t, payload(i+1), r.Payload)
	}
}

// clock is a wall clock and a monotonic one that a test sets.
type clock struct {
	now    time.Time
	passed time.Duration
}

func newClock() *clock { return &clock{now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Monotonic() time.Duration { return c.passed }

// pass lets time pass on both clocks.
func (c *clock) pass(d time.Duration) { c.now, c.passed = c.now.Add(d), c.passed+d }

// seeded is a random source that a failure can be repeated with.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// fmtOffset is an offset as file names have it.
func fmtOffset(offset slo.Offset) string { return fmt.Sprintf("%020d", uint64(offset)) }
