package dedup_test

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/dedup"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dir = "/data/sightings"

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// record is one record of the journal of a test.
type record struct {
	offset  slo.Offset
	arrival time.Time
	items   []slo.Sighting
	want    []slo.Sighted // what the oracle says
}

// oracle judges by the whole history, in a map.
type oracle struct {
	horizon time.Duration
	last    map[slo.ItemID]sighted
}

type sighted struct {
	content uint64
	arrival time.Time
}

func (o *oracle) judge(r *record) {
	for _, x := range r.items {
		verdict := slo.First
		if before, ok := o.last[x.ID]; ok && !before.arrival.Before(r.arrival.Add(-o.horizon)) {
			verdict = slo.Repeat
			if before.content != x.Content {
				verdict = slo.Conflict
			}
		}
		o.last[x.ID] = sighted{x.Content, r.arrival}
		r.want = append(r.want, verdict)
	}
}

// itemID spreads evenly, as identities do; skewed ones all begin alike.
func itemID(n uint64, skewed bool) (id slo.ItemID) {
	if skewed {
		binary.BigEndian.PutUint64(id[8:], n)
		return id
	}
	h := fnv.New128a()
	h.Write(binary.LittleEndian.AppendUint64(nil, n))
	h.Sum(id[:0])
	return id
}

// ledger drives a store as the ledger does, and holds it against the oracle.
type ledger struct {
	t       require.TestingT
	fs      *disktest.MemFS
	options dedup.Options
	store   *dedup.Store
	oracle  oracle
	journal []record // from record 1, also those that were trimmed
	oldest  slo.Offset
	cursor  slo.Offset // committed
	judged  slo.Offset
	exact   bool // nothing happened that may cost knowledge
	damages bool // damage was done, and may be found
	clean   bool // the store was closed with all that was settled
}

func newLedger(t require.TestingT, o dedup.Options) *ledger {
	o.Logger = quiet()
	l := &ledger{
		t: t, fs: disktest.NewMemFS(), options: o, oldest: 1, exact: true,
		oracle: oracle{horizon: o.Horizon, last: map[slo.ItemID]sighted{}},
	}
	l.open()
	return l
}

// append adds a record to the journal.
func (l *ledger) append(after time.Duration, items ...slo.Sighting) {
	r := record{offset: slo.Offset(len(l.journal) + 1), arrival: time.Unix(1_700_000_000, 0).UTC(), items: items}
	if n := len(l.journal); n > 0 {
		r.arrival = l.journal[n-1].arrival
	}
	r.arrival = r.arrival.Add(after)
	l.oracle.judge(&r)
	l.journal = append(l.journal, r)
}

func (l *ledger) open() {
	var err error
	l.store, err = dedup.Open(l.fs, dir, l.options)
	require.NoError(l.t, err)
	l.rewind(l.cursor)
}

// rewind goes back to a cursor and sights what is missing.
func (l *ledger) rewind(to slo.Offset) {
	for range 100 {
		require.NoError(l.t, l.store.Forget(l.oldest))
		durable := l.store.Durable()
		from, err := l.store.Rewind(to)
		require.NoError(l.t, err)
		require.LessOrEqual(l.t, from, to)
		if to >= l.cursor && !l.damages {
			require.GreaterOrEqual(l.t, from, durable, "what was durable is sighted again")
		}
		if l.clean {
			require.Equal(l.t, to, from, "a clean start sights again what was settled")
		}
		l.clean = false
		require.GreaterOrEqual(l.t, from+1, min(l.oldest, to+1))
		l.cursor, l.judged = to, from
		if err = l.sight(to); err == nil {
			return
		}
		require.True(l.t, l.damages && errors.Is(err, dedup.ErrDamaged) || errors.Is(err, dedup.ErrFull), "%v", err)
		if errors.Is(err, dedup.ErrFull) {
			l.fs.Capacity = 0
		}
	}
	require.Fail(l.t, "the store never heals")
}

// sight judges records up to one.
func (l *ledger) sight(through slo.Offset) error {
	for l.judged < through {
		r := l.journal[l.judged]
		if err := l.store.Begin(r.offset, r.arrival); err != nil {
			return err
		}
		for i, x := range r.items {
			got, err := l.store.Sight(x)
			if err != nil {
				return err
			}
			if got == slo.First && l.store.KnownFrom() >= r.offset {
				require.False(l.t, l.exact, "the store knows too little")
				continue
			}
			require.Equal(l.t, r.want[i], got, "item %d of record %d", i, r.offset)
		}
		l.judged = r.offset
	}
	return nil
}

// catchUp judges all that the journal holds, over whatever damage is found.
func (l *ledger) catchUp() {
	for {
		err := l.sight(slo.Offset(len(l.journal)))
		if err == nil {
			return
		}
		if errors.Is(err, dedup.ErrFull) {
			l.fs.Capacity = 0
		}
		l.rewind(l.cursor)
	}
}

func (l *ledger) commit() {
	require.NoError(l.t, l.store.Settle(l.judged))
	l.cursor = l.judged
}

// compareRepeats holds the log of verdicts against the oracle.
func (l *ledger) compareRepeats(after, through slo.Offset) {
	if after < l.store.KnownFrom() {
		_, err := l.store.Repeats(after, through)
		require.ErrorIs(l.t, err, dedup.ErrUnknown)
		return
	}
	got, err := l.store.Repeats(after, through)
	if err != nil {
		require.True(l.t, l.damages && errors.Is(err, dedup.ErrDamaged) || through > l.cursor || l.judged == l.cursor, "%v", err)
		return
	}
	var want []slo.RepeatedItem
	for _, r := range l.journal[after:max(after, through)] {
		for place, v := range r.want {
			if v != slo.First {
				want = append(want, slo.RepeatedItem{Offset: r.offset, Place: place, Verdict: v})
			}
		}
	}
	require.Equal(l.t, want, got)
}

func TestVerdictsEqualThoseOfANaiveHistoryWhateverHappens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger(t, dedup.Inline(dedup.Options{
			Horizon:     time.Duration(rapid.IntRange(1, 300).Draw(t, "horizon")),
			MemoryBytes: rapid.SampledFrom([]int64{0, 64, 512, 4096}).Draw(t, "memory"),
			TableItems:  rapid.IntRange(1, 40).Draw(t, "table"),
		}))
		steps := time.Duration(rapid.SampledFrom([]int{0, 3, 30}).Draw(t, "pace"))
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 1))
		pool := uint64(rapid.SampledFrom([]int{3, 30, 1000}).Draw(t, "identities"))
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				for range rapid.IntRange(1, 20).Draw(t, "records") {
					l.append(time.Duration(r.Int64N(int64(steps)+1)), someItems(r, pool)...)
				}
			},
			"judge":         func(*rapid.T) { l.catchUp() },
			"commit":        func(*rapid.T) { l.commit() },
			"commit a part": func(*rapid.T) { l.commitPart(r) },
			"commit fails":  func(*rapid.T) { l.rewind(l.cursor) },
			"clean restart": func(*rapid.T) { l.restart() },
			"kill":          func(*rapid.T) { l.fs = l.fs.Kill(); l.open() },
			"power loss":    func(*rapid.T) { l.fs = l.fs.PowerLoss(r); l.open() },
			"damage":        func(*rapid.T) { l.damage(r) },
			"restore backup": func(*rapid.T) {
				l.exact = false
				l.rewind(l.oldest - 1 + slo.Offset(r.Uint64N(uint64(l.cursor-l.oldest+2))))
			},
			"trim":          func(*rapid.T) { l.trim(r, l.store.Durable()) },
			"trim too much": func(*rapid.T) { l.exact = false; l.trim(r, l.cursor) },
			"disk full":     func(*rapid.T) { l.fs.Capacity = 1 },
			"space returns": func(*rapid.T) { l.fs.Capacity = 0 },
			"repeats": func(*rapid.T) {
				a := slo.Offset(r.Uint64N(uint64(l.judged) + 1))
				l.compareRepeats(a, a+slo.Offset(r.Uint64N(uint64(l.judged-a)+1)))
			},
			"": func(t *rapid.T) {
				if l.options.MemoryBytes > 0 {
					require.LessOrEqual(t, l.store.Stats().FilterBytes, l.options.MemoryBytes)
				}
				if l.exact {
					require.Equal(t, l.oldest-1, l.store.KnownFrom())
				}
			},
		})
		l.fs.Capacity = 0
		l.catchUp()
		l.commit()
		if known := l.store.KnownFrom(); known <= l.cursor {
			l.compareRepeats(known, l.cursor)
		}
	})
}

func (l *ledger) commitPart(r *rand.Rand) {
	if l.judged > l.cursor {
		l.cursor += slo.Offset(r.Uint64N(uint64(l.judged - l.cursor)))
		require.NoError(l.t, l.store.Settle(l.cursor))
	}
}

// restart closes the store and opens it again.
func (l *ledger) restart() {
	whole := l.judged == l.cursor
	if whole {
		l.commit()
	}
	err := l.store.Close()
	if l.fs.Capacity == 0 {
		require.NoError(l.t, err)
	}
	l.clean = whole && err == nil && !l.damages
	l.open()
}

// trim forgets a part of the journal up to a record.
func (l *ledger) trim(r *rand.Rand, most slo.Offset) {
	if most >= l.oldest {
		l.oldest += slo.Offset(r.Uint64N(uint64(most-l.oldest) + 2))
		require.NoError(l.t, l.store.Forget(l.oldest))
	}
}

// damage changes a byte of a run.
func (l *ledger) damage(r *rand.Rand) {
	paths := l.fs.Paths(".run")
	if len(paths) == 0 {
		return
	}
	l.damages, l.exact = true, false
	data := l.fs.Bytes(paths[r.IntN(len(paths))])
	data[r.IntN(len(data))] ^= 1 << r.IntN(8)
}

// someItems are a few items of a pool of identities, with now and then another content.
func someItems(r *rand.Rand, pool uint64) []slo.Sighting {
	items := make([]slo.Sighting, r.IntN(8))
	for i := range items {
		n := r.Uint64N(pool)
		items[i] = slo.Sighting{ID: itemID(n, n%3 == 0), Content: uint64(r.IntN(20) / 19)}
	}
	return items
}
