package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/audit"
	"github.com/slowburn-slo/slowburn/slo/indicator"
	"github.com/slowburn-slo/slowburn/slo/ledger"
	"github.com/slowburn-slo/slowburn/slo/recount"
	"github.com/slowburn-slo/slowburn/storage/dedup"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// busyLag is how far the ledger may be behind before what can wait does.
const busyLag = 5 * time.Second

// limits are the bounds within which the ledger takes what the receiver
// accepted: far outside any that can be set, so that neither a change of the
// settings nor the time between accepting and counting changes a count.
func limits() indicator.Limits {
	return indicator.Limits{Late: maxLateness + 24*time.Hour, Future: time.Hour}
}

// makeLedger makes what counts: live, what was seen before, and what lies
// before an objective existed.
func (p *platform) makeLedger(compiler *indicator.Compiler) (err error) {
	p.sightings, err = dedup.Open(disk.OS{}, filepath.Join(p.config.dataDir, "sightings"), dedup.Options{
		Horizon: p.config.dedupHorizon, Logger: p.logger.With("part", "sightings"),
		TableItems: int(failpoint.Number("TABLE_ITEMS", 0)), // The store's own default.
	})
	if err != nil {
		return err
	}
	if err := p.sightings.Forget(p.journal.Oldest()); err != nil {
		return err
	}
	var memory indicator.Memory = p.sightings
	if failpoint.Number("NO_SIGHTINGS", 0) == 1 {
		memory = nil // To measure what deduplication costs.
	}
	counter := indicator.NewCounter(compiler, limits(), memory)
	p.ledger, err = ledger.New(ledger.Settings{
		Shard: shard, Journal: p.journal, Store: p.store, Judge: counter, Memory: counter,
		OpenReader: func(after slo.Offset) (ledger.Reader, error) { return follow(p.journal, after) },
		Logger:     p.logger.With("part", "ledger"), Committed: p.committed,
	})
	if err != nil {
		return err
	}
	p.recount = recount.NewBackground(recount.BackgroundSettings{
		Shard: shard, Journal: p.journal, Store: p.store, Verdicts: p.sightings, Holes: p.journal.Holes, Commit: p.ledger.CommitRecount, Busy: p.behind,
		OpenReader: func(after slo.Offset) (recount.Reader, error) { return p.journal.Reader(after) },
		NewJudge: func(set []slo.Series, repeats []slo.RepeatedItem) recount.SetJudge {
			return compiler.Recounter(set, limits(), repeats)
		},
		Logger: p.logger.With("part", "recount"),
	})
	return nil
}

// committed lets a new series be recounted.
func (p *platform) committed(c slo.Commit) {
	if len(c.Started) > 0 {
		p.recount.Wake()
	}
}

// behind reports that live counting has a backlog, and that what can wait must.
func (p *platform) behind() bool {
	progress := p.ledger.Progress()
	return progress.Offset == 0 || progress.Lag > busyLag
}

// makeAudit makes the second implementation, which checks the first.
func (p *platform) makeAudit(ctx context.Context, compiler *indicator.Compiler) error {
	scratch := filepath.Join(p.config.dataDir, "audit")
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o700)); err != nil {
		return fmt.Errorf("make the folder that audits sort in: %w", err)
	}
	dir := filepath.Join(p.config.dataDir, "journal")
	// What the journal holds beyond that is counted from now on. A database
	// that takes its time to start leaves heartbeats there, uncounted.
	counted, err := p.store.Cursor(ctx, shard)
	if err != nil {
		return err
	}
	since, err := markHorizon(dir, p.config.dedupHorizon, counted.Offset)
	if err != nil {
		return err
	}
	p.audit, err = audit.New(audit.Settings{
		Shard: shard, Walk: walkJournal(dir), Since: since,
		Oldest: func() (slo.Offset, error) { return p.journal.Oldest(), nil },
		Ledger: p.store, Conditions: indicator.NewConditions(compiler), Logger: p.logger.With("part", "audit"),
		Scratch: scratch, Horizon: p.config.dedupHorizon, Late: limits().Late, Future: limits().Future, Ahead: futureBound,
		Alarm: p.auditDiffers, Seed: uint64(p.started.UnixNano()),
	})
	return err
}

// auditDiffers raises the gravest alarm that there is.
func (p *platform) auditDiffers(_ context.Context, a slo.Audit) {
	p.alarms.Observe(slo.AlarmAuditDifference, true, fmt.Sprintf(
		"%d of %d buckets between %s and %s hold other counts than the journal says. Keep journal and database, and see slowburn audit.",
		a.Differing, a.Buckets, a.From.Start().Format(time.RFC3339), a.To.Start().Format(time.RFC3339)))
}

// recounts answers for SLOs by name what the recount knows of their series.
type recounts struct{ platform *platform }

// Recount lets the recount look for work now; it does so by itself, too.
func (r recounts) Recount(name string) error {
	if _, err := r.series(name); err != nil {
		return err
	}
	r.platform.recount.Wake()
	return nil
}

// RecountState implements web.Recounts. Of the series of several objectives it
// tells of the one that has most to do.
func (r recounts) RecountState(name string) (slo.RecountState, bool) {
	set, err := r.series(name)
	if err != nil || len(set) == 0 {
		return slo.RecountState{}, false
	}
	var last slo.RecountState
	for i, series := range set {
		state, known := r.platform.recount.State(series.ID)
		if !known { // It came into force a moment ago.
			state = slo.RecountState{Series: series.ID, Running: true}
		}
		if i == 0 || behind(state, last) {
			last = state
		}
	}
	return last, true
}

// behind reports whether a has more to do than b: one that was held up more than
// one that runs, and that more than one that is done; then the one that begins
// later, and before all one of which nothing is known yet.
func behind(a, b slo.RecountState) bool {
	rank := func(s slo.RecountState) int {
		switch {
		case s.Done:
			return 0
		case s.Running:
			return 1
		default:
			return 2
		}
	}
	if rank(a) != rank(b) {
		return rank(a) > rank(b)
	}
	if a.Since.IsZero() || b.Since.IsZero() {
		return a.Since.IsZero() && !b.Since.IsZero()
	}
	return a.Since.After(b.Since)
}

func (r recounts) series(name string) ([]slo.Series, error) {
	status, err := r.platform.engine.Status(name)
	if err != nil {
		return nil, err
	}
	return status.Definition.SLO.Series(), nil
}
