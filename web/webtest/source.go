package webtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/slowburn-slo/slowburn/slo"
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
	// Refusal is what Problems returns.
	Refusal error
	// NotReady is what Ready returns.
	NotReady error
	// Trouble is returned by whatever reads or writes the store.
	Trouble error

	lock sync.Mutex
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

// Episodes returns the closed episodes and then, to see that they are put
// first, the open ones.
func (s *Source) Episodes(ctx context.Context, limit int) ([]slo.Episode, error) {
	episodes := slices.Clone(s.Closed)
	for _, status := range s.List {
		for _, o := range status.Objectives {
			episodes = append(append(episodes, o.Pending...), o.Firing...)
		}
	}
	return episodes[:min(limit, len(episodes))], s.trouble(ctx)
}

// Ready returns NotReady.
func (s *Source) Ready(context.Context) error { return s.NotReady }

// trouble is what the store says: its own fault, or that time is up.
func (s *Source) trouble(ctx context.Context) error {
	if s.Trouble != nil {
		return s.Trouble
	}
	return ctx.Err()
}
