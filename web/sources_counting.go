package web

import (
	"context"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Audits knows what the audits found.
type Audits interface {
	// AuditVerdicts returns what audits say of the slices of a series with
	// from <= slice < to. They MAY overlap and reach beyond the range: of those
	// that hold a slice the newest is shown. Slices in none are not audited.
	AuditVerdicts(ctx context.Context, series slo.SeriesID, from, to slo.Slice) ([]slo.SliceVerdict, error)
	// LatestAudits returns the newest audits, at most n, the newest first.
	LatestAudits(ctx context.Context, n int) ([]slo.Audit, error)
}

// Recounts counts an SLO again from the journal.
type Recounts interface {
	// Recount begins one in the background and returns; while one runs it
	// changes nothing. RecountState MUST know of it from then on. It refuses with
	// slo.ErrNotFound.
	Recount(name string) error
	// RecountState is how far the newest recount of an SLO has got, false if
	// there was none since the start.
	RecountState(name string) (slo.RecountState, bool)
}

// Corrections sums what befell the buckets of a series beside their counts.
type Corrections interface {
	// Corrections sums those of the slices with from <= slice < to. Pages ask
	// at most every ten seconds for a series.
	Corrections(ctx context.Context, series slo.SeriesID, from, to slo.Slice) (slo.Corrections, error)
}

// Refusals knows which items were refused for good.
type Refusals interface {
	// Refusals returns those since an instant, at most one for each signal,
	// reason and service. It MAY widen the range to what is kept, whole hours.
	Refusals(ctx context.Context, since time.Time) ([]slo.Refusal, error)
}

// RefusedArrivals knows when they arrived.
type RefusedArrivals interface {
	// RefusedBetween returns how many items that arrived in [from, to) were
	// refused, by reason. It MAY widen the range to what is kept, whole hours.
	RefusedBetween(ctx context.Context, from, to time.Time) (map[string]int64, error)
}
