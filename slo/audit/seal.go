package audit

import (
	"context"
	"fmt"
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// seal is how far slices were sealed.
type seal struct {
	// before is the first slice that was not.
	before slo.Slice
	// released is the newest record that no slice to be sealed rests on.
	released slo.Offset
}

// SealThrough audits, for the last time, all slices that cannot be audited any
// more once the journal has lost the records up to an offset, unless they are
// sealed already. It returns the newest record that may be lost: at least that
// one unless it is the newest of all, or on an error what was sealed before.
//
// Each seal reads from its slices to the newest record, so it seals more event
// time than was asked for (Settings.SealAhead). What arrives for a sealed slice later
// is counted; only no audit vouches for it, and the bucket says so. A
// difference does not keep a slice from being sealed: it was kept, and told.
func (a *Auditor) SealThrough(ctx context.Context, through slo.Offset) (slo.Offset, error) {
	a.mu.Lock()
	done := a.seal
	a.mu.Unlock()
	if through <= done.released {
		return done.released, nil
	}
	e, empty, err := a.evidence(ctx)
	if err != nil || empty {
		return done.released, err
	}
	from := max(a.firstSlice(e), done.before)
	snapshot, err := a.settings.Ledger.Snapshot(ctx, a.settings.Shard, from, from)
	if err != nil {
		return done.released, fmt.Errorf("read how far the ledger has got: %w", err)
	}
	// The newest record is never released: what is left must say since when.
	if through = min(through, max(snapshot.Cursor.Offset, 1)-1); through < e.begin {
		return max(done.released, through), nil
	}
	next, _, err := a.record(ctx, through+1)
	if err != nil {
		return done.released, err
	}
	need := a.firstSlice(evidence{begin: next.Offset, arrival: next.Arrival})
	if from < need {
		to := need + slo.Slice(a.settings.SealAhead/slo.SliceLength)
		to = max(need, min(to, slo.SliceOf(snapshot.Cursor.MeasuredUntil)+1))
		err = a.inParts(ctx, from, to, func(from, to slo.Slice) error {
			part, err := a.audit(ctx, from, to, true, throttle(ctx, a.settings.SealShare))
			if err == nil {
				a.sealed(seal{before: to, released: part.SealedThrough})
			}
			return err
		})
	}
	if err == nil {
		a.sealed(seal{before: need, released: through})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seal.released, err
}

// sealed notes how far slices are sealed; it never goes back.
func (a *Auditor) sealed(s seal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seal.before = max(a.seal.before, s.before)
	a.seal.released = max(a.seal.released, s.released)
}

// union is all of both, sorted.
func union(a, b []slo.SeriesID) []slo.SeriesID {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
