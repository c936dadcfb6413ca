package web

import (
	"context"

	"github.com/slowburn-slo/slowburn/slo"
)

// Statuses knows what the engine concluded.
type Statuses interface {
	// Statuses returns a snapshot of every SLO, sorted by name. The caller
	// does not change it.
	Statuses() []slo.Status
	// Status returns the SLO of that name, or an error that is slo.ErrNotFound.
	Status(name string) (slo.Status, error)
}

// Definitions changes what is measured, and knows what of it was refused.
type Definitions interface {
	// Apply brings the OpenSLO documents in data (YAML or JSON, one or many)
	// into force, all or none, and returns their definitions. File names the
	// source in errors. Faults of the documents are slo.DocumentErrors; an SLO
	// that belongs to a file is refused with slo.ErrReadOnly.
	Apply(ctx context.Context, file string, data []byte) ([]slo.Definition, error)
	// Delete ends the SLO of that name. It refuses with slo.ErrNotFound and
	// slo.ErrReadOnly.
	Delete(ctx context.Context, name string) error
	// Problems says why the files of SLOs, as they are now, are not in force:
	// slo.DocumentErrors, or what else stood in the way. It is nil while they
	// are.
	Problems() error
}

// Ledger reads what was counted.
type Ledger interface {
	// Buckets returns the buckets of a series with from <= slice < to, sorted
	// by slice; slices without events have none.
	Buckets(ctx context.Context, series slo.SeriesID, from, to slo.Slice) ([]slo.Bucket, error)
	// Services returns the services seen in the telemetry, sorted by name.
	Services(ctx context.Context) ([]slo.Service, error)
	// Refused returns how many spans were refused, by reason: late, future,
	// no_end_time, or undecodable for a record that cannot be read.
	Refused(ctx context.Context) (map[string]int64, error)
}

// Episodes reads the history of alerts.
type Episodes interface {
	// Episodes returns at most limit episodes, the open ones (firing, pending)
	// before the closed ones, and the newest first within each.
	Episodes(ctx context.Context, limit int) ([]slo.Episode, error)
}

// Health knows whether every part works.
type Health interface {
	// Ready returns nil when telemetry is accepted and counted, else what is
	// missing.
	Ready(ctx context.Context) error
}
