package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/slowburn-slo/slowburn/slo"
)

// Auditor audits one journal against its ledger. It is safe for concurrent use.
type Auditor struct {
	settings Settings

	mu     sync.Mutex
	totals Totals
	// lost is the first record after a stretch that the journal lacks.
	lost slo.Offset
	// meanings are those of all series ever met.
	meanings map[slo.SeriesID]slo.Indicator
	seal     seal
	random   chooser
}

// New returns an auditor.
func New(settings Settings) (*Auditor, error) {
	if err := settings.defaults(); err != nil {
		return nil, err
	}
	return &Auditor{
		settings: settings, meanings: map[slo.SeriesID]slo.Indicator{}, random: newChooser(settings.Seed),
	}, nil
}

// Totals are what was audited since the start.
type Totals struct {
	// Audits is how many were completed, Buckets how many they compared, Spans
	// how many they recounted.
	Audits, Buckets, Spans int64
	// Differing is how many buckets differed; one that is audited again counts again.
	Differing int64
}

// Totals returns what was audited so far.
func (a *Auditor) Totals() Totals {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.totals
}

// Report is an audit, and what it says beyond what is kept of it.
type Report struct {
	slo.Audit
	// Repeats is how many spans were found to be repeats of counted ones.
	Repeats int64
	// Unknown are series that were not compared: the journal does not tell what
	// they mean any more, or the ledger not for which records they were counted.
	Unknown []slo.SeriesID
}

// attempts bounds how often one audit is begun: anew after a difference, after
// the journal turned out to lack a stretch, or to tell meanings of series.
const attempts = 5

// audit compares the slices [from, to) as far as there is evidence, keeps the
// result, and raises the alarm if it differs. Differences are believed when a
// second snapshot and recount have them, too: nothing but faulty hardware
// should make the two disagree.
func (a *Auditor) audit(ctx context.Context, from, to slo.Slice, sealed bool, pace func() error) (Report, error) {
	var first *Report
	for range attempts {
		report, again, err := a.compare(ctx, from, to, pace)
		if missing, ok := errors.AsType[missingError](err); ok && missing.found.Offset != 0 {
			a.skipTo(ctx, missing)
			continue
		}
		switch {
		case err != nil:
			return Report{}, err
		case again:
			continue
		case report.Differing > 0 && first == nil:
			a.settings.Logger.ErrorContext(ctx, "an audit counts otherwise than the ledger, it is repeated to be sure",
				"shard", a.settings.Shard, "buckets", report.Differing, "first", describe(report.Differences[0]))
			first = &report
			continue
		case first != nil:
			a.settings.Logger.ErrorContext(ctx, "the repeated audit is done",
				"shard", a.settings.Shard, "buckets_first", first.Differing, "buckets_now", report.Differing)
		}
		if report.Sealed = sealed; !sealed {
			report.SealedThrough = 0
		}
		return report, a.keep(ctx, report)
	}
	return Report{}, fmt.Errorf("audit slices %d to %d: it was begun %d times and never came to an end, the journal changes too fast",
		from, to, attempts)
}

func (a *Auditor) skipTo(ctx context.Context, missing missingError) {
	a.settings.Logger.WarnContext(ctx, "the audit begins anew after records that the journal lacks",
		"shard", a.settings.Shard, "error", missing)
	a.mu.Lock()
	a.lost = max(a.lost, missing.found.Offset)
	a.mu.Unlock()
}

// keep stores an audit that has compared something, and raises the alarm.
func (a *Auditor) keep(ctx context.Context, r Report) error {
	if r.From >= r.To {
		return nil
	}
	var messages []slo.Notification
	if r.Differing > 0 && a.settings.Messages != nil {
		messages = a.settings.Messages(r.Audit)
	}
	if err := a.settings.Ledger.SaveAudit(ctx, r.Audit, messages); err != nil {
		return fmt.Errorf("keep the audit of slices %d to %d: %w", r.From, r.To, err)
	}
	a.mu.Lock()
	a.totals.Audits++
	a.totals.Buckets += r.Buckets
	a.totals.Spans += r.Spans
	a.totals.Differing += r.Differing
	a.mu.Unlock()
	if len(r.Unknown) > 0 {
		a.settings.Logger.WarnContext(ctx, "series were not audited, what they mean or for which records they were counted is not known any more",
			"shard", a.settings.Shard, "series", r.Unknown)
	}
	if r.Differing > 0 && a.settings.Alarm != nil {
		a.settings.Alarm(ctx, r.Audit)
	}
	return nil
}

// compare takes a snapshot, recounts exactly the records that it has counted,
// and compares. again reports that it has only learned what series mean and
// must be begun anew.
func (a *Auditor) compare(ctx context.Context, from, to slo.Slice, pace func() error) (_ Report, again bool, err error) {
	e, empty, err := a.evidence(ctx)
	if err != nil {
		return Report{}, false, err
	}
	if from = max(from, a.firstSlice(e)); empty || from >= to {
		return Report{Audit: slo.Audit{Shard: a.settings.Shard, At: a.settings.Now()}}, false, nil
	}
	// The snapshot comes before the walk, which ends where the snapshot does:
	// what is counted meanwhile is in neither.
	snapshot, err := a.settings.Ledger.Snapshot(ctx, a.settings.Shard, from, to)
	if err != nil {
		return Report{}, false, fmt.Errorf("read slices %d to %d of the ledger: %w", from, to, err)
	}
	// Minutes cannot be compared with slices. They are kept for so long that
	// only settings that changed let the journal reach back to minutes.
	if from = max(from, snapshot.Fine); from >= to {
		return Report{Audit: slo.Audit{Shard: a.settings.Shard, At: a.settings.Now()}}, false, nil
	}
	if err := a.learn(snapshot.Cursor); err != nil {
		return Report{}, false, err
	}
	r := &recount{Settings: &a.settings, from: from, to: to, through: snapshot.Cursor.Offset, pace: pace}
	r.after, err = a.before(ctx, e, snapshot.Cursor, r.needs())
	if err != nil {
		return Report{}, false, err
	}
	unplaced := a.choose(r, snapshot)
	if err := r.run(ctx); err != nil {
		return Report{}, false, err
	}
	if a.remember(r.met, r.wanted) {
		return Report{}, true, nil
	}
	return a.report(r, snapshot, union(r.wanted, unplaced)), false, nil
}

// learn remembers the meanings of the series in force at the cursor.
func (a *Auditor) learn(cursor slo.Cursor) error {
	if cursor.Definitions == nil {
		return nil
	}
	set, err := slo.DecodeSeries(cursor.Definitions)
	if err != nil {
		return fmt.Errorf("read the series in force at record %d: %w", cursor.Offset, err)
	}
	met := map[slo.SeriesID]slo.Indicator{}
	for _, s := range set {
		met[s.ID] = s.Indicator
	}
	a.remember(met, nil)
	return nil
}

// remember adds meanings, and reports whether one of the wanted is among them.
func (a *Auditor) remember(met map[slo.SeriesID]slo.Indicator, wanted []slo.SeriesID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.Copy(a.meanings, met)
	return slices.ContainsFunc(wanted, func(id slo.SeriesID) bool {
		_, ok := met[id]
		return ok
	})
}

// choose gives the recount the series that were counted for some of its
// records, and those whose meaning it should look for. It returns those that
// nobody knows for which records they were counted.
func (a *Auditor) choose(r *recount, snapshot slo.Snapshot) (unplaced []slo.SeriesID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, stretches := range snapshot.Stretches {
		touches := slices.ContainsFunc(stretches, func(s slo.Stretch) bool {
			return s.After < r.through && (s.Through == 0 || s.Through > r.after)
		})
		nowhere := slices.ContainsFunc(stretches, func(s slo.Stretch) bool {
			return s.Unplaced && (s.To.IsZero() || !s.To.Before(r.needs()))
		})
		meaning, known := a.meanings[id]
		switch {
		case nowhere:
			unplaced = append(unplaced, id)
		case !touches: // It has counted none of these records, whatever it means.
		case known:
			r.series = append(r.series, &counted{id: id, indicator: meaning, stretches: stretches})
		default:
			r.wanted = append(r.wanted, id)
		}
	}
	slices.SortFunc(r.series, func(x, y *counted) int { return strings.Compare(string(x.id), string(y.id)) })
	return unplaced
}
