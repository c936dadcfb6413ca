package audit

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
)

// Walk shows the durable records after an offset to visit, in their order, and
// returns nil after the newest. Where records were deleted it goes on with those
// that follow. It MUST return at once when visit returns an
// error, which errors.Is MUST find in what it returns, or when ctx ends.
type Walk func(ctx context.Context, after slo.Offset, visit func(slo.Record) error) error

// Ledger is what is audited, and where the verdicts are kept.
type Ledger interface {
	// Snapshot returns what the ledger says of the slices [from, to), all of
	// one moment. Cursor and stretches are given for an empty range, too.
	Snapshot(ctx context.Context, shard string, from, to slo.Slice) (slo.Snapshot, error)
	// SaveAudit keeps an audit and the messages that tell of it together.
	SaveAudit(ctx context.Context, a slo.Audit, messages []slo.Notification) error
}

// Conditions evaluates OTTL. known is false when the text does not compile or
// its evaluation fails. A value that is a number MUST be an int64 or a float64.
type Conditions interface {
	Holds(condition string, resource ptrace.ResourceSpans, scope ptrace.ScopeSpans, span ptrace.Span) (holds, known bool)
	Value(expression string, resource ptrace.ResourceSpans, scope ptrace.ScopeSpans, span ptrace.Span) (value any, known bool)
}

// Settings are what an Auditor works with; those without a default are required.
type Settings struct {
	// Shard names the journal in the ledger.
	Shard string
	Walk  Walk
	// Oldest is the first record that the journal still holds. nil means that
	// Walk after 0 begins with it.
	Oldest     func() (slo.Offset, error)
	Ledger     Ledger
	Conditions Conditions
	Logger     *slog.Logger
	// Scratch is a folder for the files of sorting: 37 bytes for each span of
	// the newest two horizons of the stretch that is read.
	Scratch string

	// Since is the first record that was counted by the bounds below; those
	// before it cannot be judged. 0 means that all were.
	Since slo.Offset
	// Horizon is that of deduplication; 0 means slo.Horizon.
	Horizon time.Duration
	// Late and Future bound how far the end of a span that the ledger counts may
	// lie from its arrival; 0 means 24 hours and 10 minutes.
	Late, Future time.Duration
	// Ahead is how far ahead spans in the journal really are: what the receiver
	// lets in, where the ledger would count more; 0 means Future.
	Ahead time.Duration

	// Messages writes what receivers are told of an audit that differs; it is
	// kept in one transaction with the audit. May be nil.
	Messages func(slo.Audit) []slo.Notification
	// Alarm is told of an audit that differs, after it was kept. May be nil.
	Alarm func(context.Context, slo.Audit)

	// Every is the pause between two audits in the background; 0 means a minute.
	Every time.Duration
	// Stretch is how much event time one of them compares; 0 means an hour.
	Stretch time.Duration
	// Share is how much of one processor audits in the background may use, and
	// SealShare seals; 0 means 0.1 and 0.25.
	Share, SealShare float64
	// SealAhead is how much more event time a seal takes in than was asked for,
	// as each reads most of the journal; 0 means three hours.
	SealAhead time.Duration
	// MaxBuckets bounds the buckets that are compared at once, in memory; 0
	// means 400,000. More are compared in several goes.
	MaxBuckets int
	// SortInMemory is how many sightings are sorted at once in memory, of 48
	// bytes each; 0 means 500,000.
	SortInMemory int
	// Seed makes the choice of random stretches repeatable.
	Seed uint64
	// Now is the clock for the instants of audits; nil means time.Now.
	Now func() time.Time
}

func (s *Settings) defaults() error {
	if s.Shard == "" || s.Walk == nil || s.Ledger == nil || s.Conditions == nil || s.Logger == nil || s.Scratch == "" {
		return errors.New("an audit needs a shard, a journal to walk, a ledger, conditions, a logger and a scratch folder")
	}
	s.Horizon = cmp.Or(s.Horizon, slo.Horizon)
	s.Late = cmp.Or(s.Late, 24*time.Hour)
	s.Future = cmp.Or(s.Future, 10*time.Minute)
	s.Ahead = cmp.Or(s.Ahead, s.Future)
	s.Every = cmp.Or(s.Every, time.Minute)
	s.Stretch = cmp.Or(s.Stretch, time.Hour)
	s.Share = cmp.Or(s.Share, 0.1)
	s.SealShare = cmp.Or(s.SealShare, 0.25)
	s.SealAhead = cmp.Or(s.SealAhead, 3*time.Hour)
	s.MaxBuckets = cmp.Or(s.MaxBuckets, 400_000)
	s.SortInMemory = cmp.Or(s.SortInMemory, 500_000)
	if s.Now == nil {
		s.Now = time.Now
	}
	return nil
}
