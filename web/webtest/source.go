package webtest

import (
	"context"
	"errors"
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
	// Applied is what Apply and Try return, unless ApplyError is set.
	Applied    slo.Applied
	ApplyError error
	// Others are the objects that are no SLOs, sorted, UsedBy what uses them.
	Others []slo.Object
	UsedBy map[slo.ObjectRef][]slo.ObjectRef
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
	// what Check reads and Warned what it warns of unless ApplyError is set, Previewed what Preview finds.
	Drafted   slo.SLO
	Document  []byte
	Checked   []slo.SLO
	Warned    slo.DocumentWarnings
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
	// got is the last Apply, Try or Check, deleted the objects of all Deletes.
	got     slo.Documents
	deleted []slo.ObjectRef
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
func (s *Source) Apply(ctx context.Context, documents slo.Documents) (slo.Applied, error) {
	if err := s.take(documents); err != nil {
		return slo.Applied{}, err
	}
	if s.Refuses != nil {
		return slo.Applied{}, s.Refuses
	}
	return s.Applied, s.trouble(ctx)
}

// Try returns what was prepared, too.
func (s *Source) Try(ctx context.Context, documents slo.Documents) (slo.Applied, error) {
	return s.Applied, errors.Join(s.take(documents), s.trouble(ctx))
}

// take keeps documents.
func (s *Source) take(documents slo.Documents) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	documents.Data = slices.Clone(documents.Data)
	s.got = documents
	return s.ApplyError
}

// Got are the documents of the last Apply, Try or Check, nil if there was none.
func (s *Source) Got() []byte { return s.GotDocuments().Data }

// GotDocuments is Got with all that came with it.
func (s *Source) GotDocuments() slo.Documents {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.got
}

// Delete notes the objects. One with an origin is read-only, one with users in
// use.
func (s *Source) Delete(ctx context.Context, refs ...slo.ObjectRef) error {
	refused := slo.DeleteError{}
	for _, ref := range refs {
		if err := s.delete(ref); err != nil {
			refused[ref] = err
		}
	}
	if len(refused) > 0 {
		return refused
	}
	return s.trouble(ctx)
}

func (s *Source) delete(ref slo.ObjectRef) error {
	origin, err := s.origin(ref)
	switch {
	case err != nil:
		return err
	case origin != "":
		return fmt.Errorf("delete %s, from %s: %w", ref, origin, slo.ErrReadOnly)
	case len(s.Users(ref)) > 0:
		return fmt.Errorf("delete %s, used by %s: %w", ref, s.Users(ref)[0], slo.ErrInUse)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.deleted = append(s.deleted, ref)
	return nil
}

func (s *Source) origin(ref slo.ObjectRef) (string, error) {
	if ref.Kind == slo.KindSLO {
		status, err := s.Status(ref.Name)
		return status.Definition.Origin, err
	}
	o, err := s.Object(ref)
	return o.Origin, err
}

// Objects returns Others.
func (s *Source) Objects() []slo.Object { return s.Others }

// Object finds one of Others.
func (s *Source) Object(ref slo.ObjectRef) (slo.Object, error) {
	for _, o := range s.Others {
		if o.ObjectRef == ref {
			return o, nil
		}
	}
	return slo.Object{}, fmt.Errorf("%s: %w", ref, slo.ErrNoObject)
}

// Users returns those of UsedBy.
func (s *Source) Users(ref slo.ObjectRef) []slo.ObjectRef { return s.UsedBy[ref] }

// Deleted are the objects of all successful calls of Delete.
func (s *Source) Deleted() []slo.ObjectRef {
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
func (s *Source) Check(ctx context.Context, documents slo.Documents) ([]slo.SLO, slo.DocumentWarnings, error) {
	if err := s.take(documents); err != nil {
		return nil, nil, err
	}
	return s.Checked, s.Warned, s.trouble(ctx)
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
