package web

import (
	"context"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// Statuses knows what the engine concluded.
type Statuses interface {
	// Statuses returns a snapshot of every SLO, sorted by name. The caller
	// does not change it.
	Statuses() []slo.Status
	// Status returns the SLO of that name, or an error that is slo.ErrNotFound.
	Status(name string) (slo.Status, error)
	// Timeline returns what an objective saw in [from, to), in at most this
	// many points; the stretch is cut to what is kept.
	Timeline(name string, objective int, from, to time.Time, points int) (slo.Timeline, error)
	// Evaluations counts the verdicts since the start: while it stands still,
	// no page can have changed.
	Evaluations() uint64
}

// Definitions changes what is measured, and knows what of it was refused.
type Definitions interface {
	// Apply brings OpenSLO documents of any kind into force, all or none, and
	// says what changed by them. Faults of the documents are slo.DocumentErrors;
	// what belongs to a file is refused with slo.ErrReadOnly.
	Apply(ctx context.Context, documents slo.Documents) (slo.Applied, error)
	// Try says what Apply would do, and changes nothing.
	Try(ctx context.Context, documents slo.Documents) (slo.Applied, error)
	// Delete ends SLOs and other objects, at once. The error is slo.DeleteError for
	// those that stay, for slo.ErrNotFound, slo.ErrNoObject, slo.ErrReadOnly and
	// slo.ErrInUse; the others end all the same.
	Delete(ctx context.Context, refs ...slo.ObjectRef) error
	// Problems says why the files of SLOs, as they are now, are not in force:
	// slo.DocumentErrors, or what else stood in the way. It is nil while they
	// are.
	Problems() error
}

// Objects knows what SLOs refer to.
type Objects interface {
	// Objects returns all that are no SLOs, sorted by kind and name. The caller
	// does not change them, and shows no document of a DataSource.
	Objects() []slo.Object
	// Object finds one, or returns an error that is slo.ErrNoObject.
	Object(ref slo.ObjectRef) (slo.Object, error)
	// Users are what refers to an object, directly or through others, sorted.
	Users(ref slo.ObjectRef) []slo.ObjectRef
}

// Drafts helps to write an SLO before it is applied.
type Drafts interface {
	// Draft proposes an SLO for an operation, with a target that its newest
	// spans would have met, and returns what it counted of them. It always
	// proposes one, with usual figures if nothing is known of the operation.
	Draft(ctx context.Context, operation slo.Operation) (slo.SLO, slo.Preview, error)
	// Format writes an SLO as an OpenSLO document.
	Format(definition slo.SLO) ([]byte, error)
	// Check reads documents as Apply would, and changes nothing. It returns their
	// SLOs, of which there may be none. Faults are slo.DocumentErrors.
	Check(ctx context.Context, documents slo.Documents) ([]slo.SLO, slo.DocumentWarnings, error)
	// Preview judges the newest spans of the journal by an indicator. It takes
	// seconds.
	Preview(ctx context.Context, indicator slo.Indicator) (slo.Preview, error)
}

// Traffic knows the rate, errors and latency of what services do for others.
// It is best effort: it may lag, and forgets after a day.
type Traffic interface {
	// Operations returns the operations of a service, those of every service
	// if it is empty, by service and then the busiest first.
	Operations(service string, over time.Duration) []slo.Traffic
	// Services returns the traffic of each service, by kind, sorted by name.
	Services(over time.Duration) []slo.Traffic
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
	// FindEpisodes returns the open episodes (firing, then pending) before the
	// closed ones, and the newest first within each.
	FindEpisodes(ctx context.Context, query slo.EpisodeQuery) ([]slo.Episode, error)
	// CountEpisodes counts what the query selects, whatever its Offset and Limit.
	CountEpisodes(ctx context.Context, query slo.EpisodeQuery) (int, error)
}

// Health knows whether every part works.
type Health interface {
	// Ready returns nil when telemetry is accepted and counted, else what is
	// missing.
	Ready(ctx context.Context) error
	// Facts says how the program is set and how its parts are.
	Facts(ctx context.Context) view.Facts
}
