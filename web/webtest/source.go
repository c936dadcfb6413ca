package webtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// Source serves fixtures in place of the engine, the ledger and the stores.
// Its fields are set before it is used.
type Source struct {
	// List are the SLOs, sorted by name.
	List []slo.Status
	// Applied is what Apply returns, unless ApplyError is set.
	Applied    []slo.Definition
	ApplyError error
	// Rows are the buckets of every series.
	Rows []slo.Bucket
	// Seen are the services.
	Seen []slo.Service
	// Outside are the refused spans by reason.
	Outside map[string]int64
	// Closed are episodes beside those that are open in List.
	Closed []slo.Episode
	// Moving is what the operations of the services do.
	Moving Traffic
	// Drafted is what Draft proposes, Document what Format writes, Checked
	// what Check reads unless ApplyError is set, Previewed what Preview finds.
	Drafted   slo.SLO
	Document  []byte
	Checked   []slo.SLO
	Previewed slo.Preview
	// Known is what Facts says.
	Known view.Facts
	// Refusal is what Problems returns.
	Refusal error
	// NotReady is what Ready returns.
	NotReady error
	// Refuses is what Apply fails with, though the documents are sound.
	Refuses error
	// Trouble is returned by whatever reads or writes the store.
	Trouble error

	judged atomic.Uint64
	lock   sync.Mutex
	// readings are the histories of the scenarios that were asked for.
	readings map[string]slo.Reading
	// got is the body of the last Apply, deleted the names of all Deletes.
	got     []byte
	deleted []string
	asked   [2]slo.Slice
}

// NewSource serves the statuses, sorted by name.
func NewSource(list ...slo.Status) *Source {
	slices.SortFunc(list, func(a, b slo.Status) int {
		return strings.Compare(a.Definition.SLO.Name, b.Definition.SLO.Name)
	})
	return &Source{List: list}
}

// Statuses returns the list.
func (s *Source) Statuses() []slo.Status { return s.List }

// Status finds an SLO by its name.
func (s *Source) Status(name string) (slo.Status, error) {
	for _, status := range s.List {
		if status.Definition.SLO.Name == name {
			return status, nil
		}
	}
	return slo.Status{}, fmt.Errorf("%q: %w", name, slo.ErrNotFound)
}

// Apply keeps the documents and returns what was prepared.
func (s *Source) Apply(ctx context.Context, _ string, data []byte) ([]slo.Definition, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.got = slices.Clone(data)
	if s.ApplyError != nil {
		return nil, s.ApplyError
	}
	if s.Refuses != nil {
		return nil, s.Refuses
	}
	return s.Applied, s.trouble(ctx)
}

// Got is the body of the last Apply, nil if there was none.
func (s *Source) Got() []byte {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.got
}

// Delete notes the name. An SLO with an origin is read-only.
func (s *Source) Delete(ctx context.Context, name string) error {
	status, err := s.Status(name)
	if err != nil {
		return err
	}
	if status.Definition.Origin != "" {
		return fmt.Errorf("%s of %s: %w", name, status.Definition.Origin, slo.ErrReadOnly)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.deleted = append(s.deleted, name)
	return s.trouble(ctx)
}

// Deleted are the names of all successful calls of Delete.
func (s *Source) Deleted() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return slices.Clone(s.deleted)
}

// Problems returns Refusal.
func (s *Source) Problems() error { return s.Refusal }

// Buckets returns the rows within the range.
func (s *Source) Buckets(ctx context.Context, _ slo.SeriesID, from, to slo.Slice) ([]slo.Bucket, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.asked = [2]slo.Slice{from, to}
	var rows []slo.Bucket
	for _, row := range s.Rows {
		if row.Slice >= from && row.Slice < to {
			rows = append(rows, row)
		}
	}
	return rows, s.trouble(ctx)
}

// Asked is the range of the last call of Buckets.
func (s *Source) Asked() (from, to slo.Slice) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.asked[0], s.asked[1]
}

// Services returns the services seen.
func (s *Source) Services(ctx context.Context) ([]slo.Service, error) { return s.Seen, s.trouble(ctx) }

// Refused returns the refused spans.
func (s *Source) Refused(ctx context.Context) (map[string]int64, error) {
	return s.Outside, s.trouble(ctx)
}

// FindEpisodes returns the open episodes of List, the firing before the
// pending, and then the closed ones, as far as the query selects them.
func (s *Source) FindEpisodes(ctx context.Context, query slo.EpisodeQuery) ([]slo.Episode, error) {
	found := s.find(query)
	found = found[min(query.Offset, len(found)):]
	return found[:min(query.Limit, len(found))], s.trouble(ctx)
}

// CountEpisodes counts what the query selects.
func (s *Source) CountEpisodes(ctx context.Context, query slo.EpisodeQuery) (int, error) {
	return len(s.find(query)), s.trouble(ctx)
}

func (s *Source) find(query slo.EpisodeQuery) []slo.Episode {
	var firing, pending []slo.Episode
	for _, status := range s.List {
		for _, o := range status.Objectives {
			firing, pending = append(firing, o.Firing...), append(pending, o.Pending...)
		}
	}
	return slices.DeleteFunc(slices.Concat(firing, pending, s.Closed), func(e slo.Episode) bool {
		began := e.PendingSince
		if began.IsZero() {
			began = e.FiredAt
		}
		return (query.SLO != "" && e.SLO != query.SLO) ||
			(len(query.States) > 0 && !slices.Contains(query.States, e.State)) ||
			(!query.To.IsZero() && !began.Before(query.To)) ||
			(!e.ResolvedAt.IsZero() && !e.ResolvedAt.After(query.From))
	})
}

// Evaluations stands still unless Judged was called.
func (s *Source) Evaluations() uint64 { return s.judged.Load() }

// Judged says that there are new verdicts.
func (s *Source) Judged() { s.judged.Add(1) }

// Draft returns Drafted and Previewed.
func (s *Source) Draft(ctx context.Context, _ slo.Operation) (slo.SLO, slo.Preview, error) {
	return s.Drafted, s.Previewed, s.trouble(ctx)
}

// Format returns Document.
func (s *Source) Format(slo.SLO) ([]byte, error) { return s.Document, s.Trouble }

// Check returns Checked, or ApplyError.
func (s *Source) Check(ctx context.Context, _ string, data []byte) ([]slo.SLO, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.got = slices.Clone(data)
	if s.ApplyError != nil {
		return nil, s.ApplyError
	}
	return s.Checked, s.trouble(ctx)
}

// Preview returns Previewed.
func (s *Source) Preview(ctx context.Context, _ slo.Indicator) (slo.Preview, error) {
	return s.Previewed, s.trouble(ctx)
}

// Facts returns Known.
func (s *Source) Facts(context.Context) view.Facts { return s.Known }

// Ready returns NotReady.
func (s *Source) Ready(context.Context) error { return s.NotReady }

// trouble is what the store says: its own fault, or that time is up.
func (s *Source) trouble(ctx context.Context) error {
	if s.Trouble != nil {
		return s.Trouble
	}
	return ctx.Err()
}

// Find gives the status of an SLO, false if there is none.
func (s *Source) Find(name string) (slo.Status, bool) {
	status, err := s.Status(name)
	return status, err == nil
}
