package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// evidence is what of the journal can be read: the records from begin on.
type evidence struct {
	begin   slo.Offset
	arrival time.Time
}

// evidence looks where the journal begins. empty reports that it holds nothing.
func (a *Auditor) evidence(ctx context.Context) (e evidence, empty bool, err error) {
	begin := slo.Offset(1)
	if a.settings.Oldest != nil {
		if begin, err = a.settings.Oldest(); err != nil {
			return e, false, fmt.Errorf("find where the journal begins: %w", err)
		}
	}
	a.mu.Lock()
	begin = max(begin, a.lost, a.settings.Since, 1)
	a.mu.Unlock()
	first, found, err := a.record(ctx, begin)
	return evidence{begin: first.Offset, arrival: first.Arrival}, !found, err
}

// record reads the record at an offset, or the first that follows it.
func (a *Auditor) record(ctx context.Context, at slo.Offset) (record slo.Record, found bool, err error) {
	err = a.settings.Walk(ctx, at-1, func(r slo.Record) error {
		record, found = slo.Record{Offset: r.Offset, Arrival: r.Arrival}, true
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return record, false, fmt.Errorf("read record %d of the journal: %w", at, err)
	}
	return record, found, nil
}

// firstSlice is the first slice that can be compared: all that counted in it,
// and one horizon before, is in the journal.
func (a *Auditor) firstSlice(e evidence) slo.Slice {
	if e.begin == 1 {
		return slo.SliceOf(e.arrival.Add(-a.settings.Late))
	}
	// Records that are gone arrived at e.arrival at the latest.
	return slo.SliceOf(e.arrival.Add(a.settings.Horizon+a.settings.Ahead)) + 1
}

// before returns an offset such that the records from an instant on follow it,
// and not much else: one that arrived before, at most an eighth of a horizon if
// that is found within a few looks.
func (a *Auditor) before(ctx context.Context, e evidence, until slo.Cursor, instant time.Time) (slo.Offset, error) {
	low, high := e.begin-1, until.Offset+1
	lowAt, highAt := e.arrival, until.MeasuredUntil
	if !instant.After(lowAt) || high <= low {
		return low, nil
	}
	near := a.settings.Horizon / 8
	for look := 0; look < looks && high-low > 1 && instant.Sub(lowAt) > near; look++ {
		middle := low + (high-low)/2
		if between := highAt.Sub(lowAt); look%2 == 0 && between > 0 {
			// Where it would be if records came evenly, less a little.
			share := float64(instant.Sub(lowAt)-near/2) / float64(between)
			middle = low + slo.Offset(min(max(share, 0), 1)*float64(high-low))
		}
		middle = min(max(middle, low+1), high-1)
		record, found, err := a.record(ctx, middle)
		if err != nil {
			return 0, err
		}
		if found && record.Arrival.Before(instant) {
			low, lowAt = min(record.Offset, high-1), record.Arrival
		} else {
			high = middle
			if found {
				highAt = record.Arrival
			}
		}
	}
	return low, nil
}

// looks bounds how often before looks into the journal: each may read a segment.
const looks = 24
