package journal_test

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// model is a journal beside a slice that holds the same records.
type model struct {
	fs      *disktest.MemFS
	clock   *clock
	options journal.Options
	journal *journal.Journal
	reader  *journal.Reader
	read    slo.Offset // the newest that the reader has returned, or passed over
	records []slo.Record
	next    slo.Offset // of the next record to append
	trimmed slo.Offset // the newest that Trim has deleted
	// arrival is the newest arrival given, appended the monotonic time when it
	// was given, nil before the first since Open.
	arrival  time.Time
	appended *time.Duration
}

// TestAJournalIsASlice drives a journal by random actions and compares it with
// a slice of records, through closing, killing, losing power and losing segments.
func TestAJournalIsASlice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{fs: disktest.NewMemFS(), clock: newClock(), next: 1}
		m.open(t, nil)
		defer func() { require.NoError(t, m.journal.Close()) }()
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append,
			"read":   m.follow,
			"trim":   m.trim,
			"reopen": m.reopen,
			"lose":   m.lose,
			"":       m.check,
		})
	})
}

func (m *model) open(t *rapid.T, accept []string) {
	m.options = journal.Options{
		Heartbeat:    -1,
		Now:          m.clock.Now,
		Monotonic:    m.clock.Monotonic,
		SegmentBytes: rapid.Int64Range(1, 3000).Draw(t, "segment bytes"),
		RecentBytes:  rapid.SampledFrom([]int64{-1, 500, 5000, 0}).Draw(t, "recent bytes"),
		AcceptLoss:   accept,
	}
	m.journal, m.appended = reopen(t, m.fs, m.options), nil
	m.newReader(t, max(m.read, m.journal.Oldest()-1))
}

func (m *model) newReader(t *rapid.T, after slo.Offset) {
	r, err := m.journal.Reader(after)
	require.NoError(t, err)
	m.reader, m.read = r, after
}

// after is the index of the first record after an offset.
func (m *model) after(offset slo.Offset) int {
	i, _ := slices.BinarySearchFunc(m.records, offset+1, func(r slo.Record, o slo.Offset) int {
		return int(int64(r.Offset) - int64(o))
	})
	return i
}

func (m *model) append(t *rapid.T) {
	m.clock.now = m.clock.now.Add(time.Duration(rapid.IntRange(-10, 100).Draw(t, "clock step")) * time.Second)
	m.clock.passed += time.Duration(rapid.IntRange(0, 20).Draw(t, "time passed")) * time.Second
	for range rapid.IntRange(1, 5).Draw(t, "records") {
		record := slo.Record{
			Kind:    slo.RecordKind(rapid.IntRange(1, 5).Draw(t, "kind")),
			Payload: rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(t, "payload"),
		}
		offset, err := m.journal.Append(context.Background(), record)
		require.NoError(t, err)
		record.Offset, record.Arrival = m.next, m.clock.now
		if record.Arrival.Before(m.arrival) {
			record.Arrival = m.arrival
			if m.appended != nil {
				record.Arrival = record.Arrival.Add(m.clock.passed - *m.appended)
			}
		}
		passed := m.clock.passed
		m.arrival, m.appended = record.Arrival, &passed
		require.Equal(t, record.Offset, offset)
		m.records, m.next = append(m.records, record), m.next+1
	}
}

func (m *model) follow(t *rapid.T) {
	for range rapid.IntRange(1, 8).Draw(t, "reads") {
		i := m.after(m.read)
		if i == len(m.records) {
			return
		}
		record, err := m.reader.Next(context.Background())
		if err != nil {
			require.ErrorIs(t, err, journal.ErrGap)
			require.Less(t, m.read, m.trimmed)
			require.NoError(t, m.reader.Close())
			m.newReader(t, m.journal.Oldest()-1)
			return
		}
		// What is trimmed may still be in memory, or in the open file.
		require.Equal(t, m.records[i], record)
		m.read = record.Offset
	}
}

func (m *model) trim(t *rapid.T) {
	read := slo.Offset(rapid.Uint64Range(0, uint64(m.next-1)).Draw(t, "read by all"))
	sealed := slo.Offset(rapid.Uint64Range(0, uint64(m.next-1)).Draw(t, "sealed"))
	maxBytes := rapid.SampledFrom([]int64{0, 1 << 60}).Draw(t, "size limit")
	before := m.journal.Oldest()
	unsealed, err := m.journal.Trim(read, sealed, 0, maxBytes)
	require.NoError(t, err)
	oldest := m.journal.Oldest()
	require.GreaterOrEqual(t, oldest, before)
	if oldest == before {
		require.Zero(t, unsealed)
		return
	}
	m.trimmed = oldest - 1
	last := m.records[m.after(m.trimmed)-1].Offset // The newest record that was deleted.
	require.LessOrEqual(t, last, read)
	if maxBytes > 0 {
		require.Zero(t, unsealed)
		require.LessOrEqual(t, last, sealed, "age does not delete what is not sealed")
	} else {
		require.Equal(t, last > sealed, unsealed > 0)
	}
}

func (m *model) reopen(t *rapid.T) {
	require.NoError(t, m.reader.Close())
	power := seeded(rapid.Uint64().Draw(t, "power loss"))
	before := m.journal
	switch rapid.SampledFrom([]string{"close", "kill", "lose power"}).Draw(t, "end") {
	case "close":
	case "kill":
		m.fs = m.fs.Kill()
	default:
		m.fs = m.fs.PowerLoss(power)
	}
	require.NoError(t, before.Close())
	m.open(t, nil)
}

// lose harms a segment, and accepts the loss.
func (m *model) lose(t *rapid.T) {
	require.NoError(t, m.reader.Close())
	require.NoError(t, m.journal.Close())
	paths := m.fs.Paths(".journal")
	i := rapid.IntRange(0, len(paths)-1).Draw(t, "lost segment")
	first, through := firstOf(t, paths[i]), m.next-1
	if i+1 < len(paths) {
		through = firstOf(t, paths[i+1]) - 1
	}
	harm(m.fs, paths[i])
	_, err := journal.OpenOn(m.fs, dir, m.options)
	require.ErrorIs(t, err, journal.ErrDamaged)
	m.records = slices.Delete(m.records, m.after(first-1), m.after(through))
	if i+1 == len(paths) {
		m.next, m.arrival = first+lostTail, m.clock.now
		if kept := m.after(first - 1); kept > m.after(m.trimmed) && m.records[kept-1].Arrival.After(m.arrival) {
			m.arrival = m.records[kept-1].Arrival
		}
	}
	m.open(t, []string{filepath.Base(paths[i])})
}

func firstOf(t *rapid.T, path string) slo.Offset {
	n, err := strconv.ParseUint(filepath.Base(path)[:20], 10, 64)
	require.NoError(t, err)
	return slo.Offset(n)
}

func (m *model) check(t *rapid.T) {
	require.Equal(t, m.next-1, m.journal.Durable())
	require.Equal(t, firstOf(t, m.fs.Paths(".journal")[0]), m.journal.Oldest())
	oldest := m.journal.Oldest() - 1
	after := oldest + slo.Offset(rapid.Uint64Range(0, uint64(m.next-1-oldest)).Draw(t, "after"))
	got, err := readAll(context.Background(), m.journal, after)
	require.NoError(t, err)
	want := m.records[m.after(after):]
	require.Len(t, got, len(want))
	for i := range got {
		require.Equal(t, want[i], got[i])
	}
	// Offsets jump exactly where there are holes.
	holes, at := m.journal.Holes(), oldest
	for _, r := range m.records[m.after(oldest):] {
		if r.Offset != at+1 {
			require.True(t, slices.ContainsFunc(holes, func(h slo.Hole) bool { return h.After == at && h.Through == r.Offset-1 }),
				"from %d to %d without a hole: %v", at, r.Offset, holes)
		}
		at = r.Offset
	}
}
