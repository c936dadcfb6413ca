package main

import (
	"context"
	"errors"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

const (
	packEvery = 5 * time.Minute
	// packAfter is how long after its end an hour is packed. Most of what is
	// late has come by then; the rest is packed by a later pass.
	packAfter = 2 * time.Hour
	// keepSlices is how long slices of ten seconds are kept at least, keepHours
	// how long anything is.
	keepSlices = 48 * time.Hour
	keepHours  = slo.MaxWindow
	// packRest bounds the rest after each transaction, which else is as long as
	// that took: half of the time belongs to others.
	packRest = time.Second
)

// errLater ends a pass that would keep the ledger from its work.
var errLater = errors.New("the ledger is behind")

// pack packs closed hours, again and again. What goes wrong is logged once,
// until a pass succeeds.
func (p *platform) pack(ctx context.Context) error {
	ticker := time.NewTicker(time.Duration(failpoint.Number("PACK_SECONDS", int64(packEvery/time.Second))) * time.Second)
	defer ticker.Stop()
	troubled := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if p.behind() || !p.engine.Leading() {
			continue
		}
		begin := time.Now()
		packed, err := p.store.Pack(ctx, p.packing(begin))
		p.packed.Add(packed.Buckets)
		p.logger.Debug("closed hours packed", "buckets", packed.Buckets, "hours", packed.Hours, "to_minutes", packed.Coarsened,
			"dropped", packed.Dropped, "took", time.Since(begin))
		harmless := err == nil || ctx.Err() != nil || errors.Is(err, errLater) || errors.Is(err, slo.ErrFenced)
		if !harmless && !troubled {
			p.logger.Error("closed hours could not be packed; they take more room, and it tries again", "error", err)
		}
		troubled = !harmless
	}
}

// packing is what may be packed at an instant.
func (p *platform) packing(now time.Time) postgres.Packing {
	var longest time.Duration
	for _, d := range p.catalog.Definitions() {
		longest = max(longest, d.SLO.Window.Duration)
	}
	after := time.Duration(failpoint.Number("PACK_AFTER_SECONDS", int64(packAfter/time.Second))) * time.Second
	packing := packingAt(now, p.journal.Since(), after, p.config.lateness, longest)
	packing.Between = p.rest
	return packing
}

// rest lets others work between two transactions.
func (p *platform) rest(ctx context.Context, took time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(min(took, packRest)):
	}
	if p.behind() {
		return errLater
	}
	return nil
}

// packingAt keeps slices for as long as audits and recounts can ask for them:
// as far back as the journal reaches. Hours are kept for the longest window and
// the one before it; a calendar's may be a little longer than it is called.
func packingAt(now, journalSince time.Time, after, lateness, longest time.Duration) postgres.Packing {
	packing := postgres.Packing{
		Closed: now.Add(-after),
		Days:   now.Add(-max(keepSlices, lateness+packAfter)),
		Oldest: now.Add(-max(keepHours, 2*longest+7*24*time.Hour)),
	}
	packing.Minutes = packing.Days
	if journalSince.Before(packing.Minutes) {
		packing.Minutes = journalSince
	}
	return packing
}
