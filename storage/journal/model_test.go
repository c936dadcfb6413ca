package journal_test

import (
	"context"
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
	read    int // how many records the reader has returned
	records []slo.Record
	oldest  int // index of the oldest record kept
	// lastAppend is the monotonic time of the last append since Open, nil before it.
	lastAppend *time.Duration
}

// TestAJournalIsASlice drives a journal by random actions and compares it with
// a slice of records, through closing, killing and losing power.
func TestAJournalIsASlice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{fs: disktest.NewMemFS(), clock: newClock()}
		m.open(t)
		defer func() { require.NoError(t, m.journal.Close()) }()
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append,
			"read":   m.next,
			"trim":   m.trim,
			"reopen": m.reopen,
			"":       m.check,
		})
	})
}

func (m *model) open(t *rapid.T) {
	m.options = journal.Options{
		Heartbeat:    -1,
		Now:          m.clock.Now,
		Monotonic:    m.clock.Monotonic,
		SegmentBytes: rapid.Int64Range(1, 3000).Draw(t, "segment bytes"),
		RecentBytes:  rapid.SampledFrom([]int64{-1, 500, 5000, 0}).Draw(t, "recent bytes"),
	}
	m.journal, m.lastAppend = reopen(t, m.fs, m.options), nil
	m.newReader(t, m.read)
}

func (m *model) newReader(t *rapid.T, after int) {
	r, err := m.journal.Reader(slo.Offset(after))
	require.NoError(t, err)
	m.reader, m.read = r, after
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
		record.Offset, record.Arrival = slo.Offset(len(m.records)+1), m.clock.now
		if n := len(m.records); n > 0 && record.Arrival.Before(m.records[n-1].Arrival) {
			record.Arrival = m.records[n-1].Arrival
			if m.lastAppend != nil {
				record.Arrival = record.Arrival.Add(m.clock.passed - *m.lastAppend)
			}
		}
		passed := m.clock.passed
		m.lastAppend = &passed
		require.Equal(t, record.Offset, offset)
		m.records = append(m.records, record)
	}
}

func (m *model) next(t *rapid.T) {
	for range rapid.IntRange(1, 8).Draw(t, "reads") {
		if m.read == len(m.records) {
			return
		}
		record, err := m.reader.Next(context.Background())
		if m.read < m.oldest {
			if err == nil { // still held in memory or by the open file
				require.Equal(t, m.records[m.read], record)
				m.read++
				continue
			}
			require.ErrorIs(t, err, journal.ErrGap)
			require.NoError(t, m.reader.Close())
			m.newReader(t, m.oldest)
			return
		}
		require.NoError(t, err)
		require.Equal(t, m.records[m.read], record)
		m.read++
	}
}

func (m *model) trim(t *rapid.T) {
	read := rapid.IntRange(0, len(m.records)).Draw(t, "read by all")
	sealed := rapid.IntRange(0, len(m.records)).Draw(t, "sealed")
	maxBytes := rapid.SampledFrom([]int64{0, 1 << 60}).Draw(t, "size limit")
	unsealed, err := m.journal.Trim(slo.Offset(read), slo.Offset(sealed), 0, maxBytes)
	require.NoError(t, err)
	oldest := int(m.journal.Oldest()) - 1
	require.GreaterOrEqual(t, oldest, m.oldest)
	require.LessOrEqual(t, oldest, max(read, m.oldest))
	if maxBytes > 0 {
		require.Zero(t, unsealed)
		require.LessOrEqual(t, oldest, max(sealed, m.oldest), "age does not delete what is not sealed")
	} else {
		require.Equal(t, oldest > max(sealed, m.oldest), unsealed > 0)
	}
	m.oldest = oldest
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
	if m.read < m.oldest {
		m.read = m.oldest
	}
	m.open(t)
}

func (m *model) check(t *rapid.T) {
	require.Equal(t, slo.Offset(len(m.records)), m.journal.Durable())
	require.Equal(t, slo.Offset(m.oldest+1), m.journal.Oldest())
	after := m.oldest + rapid.IntRange(0, len(m.records)-m.oldest).Draw(t, "after")
	got, err := readAll(context.Background(), m.journal, slo.Offset(after))
	require.NoError(t, err)
	require.Len(t, got, len(m.records)-after)
	for i := range got {
		require.Equal(t, m.records[after+i], got[i])
	}
}
