package dedup_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/dedup"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
)

// Before each operation on the disk the machine dies: the process alone, or with
// the power. Whatever is left must open, and judge on as if nothing had been.
func TestTenThousandCrashClones(t *testing.T) {
	t.Parallel()
	want := 10_000
	if testing.Short() {
		want = 500
	}
	clones := 0
	for seed := uint64(1); clones < want; seed++ {
		r := rand.New(rand.NewPCG(seed, 7))
		l := newLedger(t, dedup.Inline(dedup.Options{
			Horizon: time.Duration(20 + r.IntN(200)), TableItems: 4 + r.IntN(30), MemoryBytes: 1 << (8 + r.IntN(6)),
		}))
		crashed := func(op, _ string, bytes int) (int, error) {
			if op == "read" || op == "open" {
				return bytes, nil
			}
			clones++
			left := l.fs.Kill()
			if r.IntN(2) == 0 {
				left = l.fs.PowerLoss(r)
			}
			// The ledger may have committed what the store was not told of.
			cursor := l.cursor
			if l.judged > cursor {
				cursor += slo.Offset(r.Uint64N(uint64(l.judged-cursor) + 1))
			}
			verifyClone(t, l, left, cursor)
			return bytes, nil
		}
		for range 60 {
			l.fs.Fault = nil
			for range 1 + r.IntN(6) {
				l.append(time.Duration(r.IntN(5)), someItems(r, 60)...)
			}
			l.fs.Fault = crashed
			l.catchUp()
			l.commitSome(r)
			if r.IntN(10) == 0 {
				l.trim(r, min(l.cursor, l.store.Durable()))
			}
			if r.IntN(20) == 0 {
				l.restart()
			}
		}
	}
	t.Logf("%d clones", clones)
}

// commitSome commits all, a part, or nothing.
func (l *ledger) commitSome(r *rand.Rand) {
	switch r.IntN(4) {
	case 0:
		l.commitPart(r)
	case 1:
		l.rewind(l.cursor)
	default:
		l.commit()
	}
}

func verifyClone(t *testing.T, l *ledger, left *disktest.MemFS, cursor slo.Offset) {
	c := &ledger{
		t: t, fs: left, options: l.options, journal: l.journal, oldest: l.oldest, cursor: cursor, exact: true,
	}
	c.open()
	c.catchUp()
	c.commit()
	known := c.store.KnownFrom()
	require.Equal(t, c.oldest-1, known, "the store knows too little")
	c.compareRepeats(known, c.cursor)
}
