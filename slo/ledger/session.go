package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// idleInterval is how often the cursor moves when nothing is counted, so
	// that "measured until" advances: with every heartbeat of an idle journal.
	idleInterval = time.Second
	// longestPause is the longest time between two arrivals that still counts
	// as measured; the journal has a heartbeat each second.
	longestPause = 5 * time.Second
	// stopGrace is how long the last commit may take once a stop was asked for.
	stopGrace = 5 * time.Second
)

// session is one reading of the journal, from a cursor of the store until
// something fails: what it has judged is dropped then, and the next session
// begins at the cursor of that time.
type session struct {
	*Projection
	reader Reader
	// set are the series in force after the record read last.
	set map[slo.SeriesID]bool
	// commit is what has been read since the last commit; To is the record
	// read last.
	commit slo.Commit
	// committed is when the last commit began; zero before the first of the
	// session, so that this one is due at once. It therefore holds one record,
	// which makes the first commit of all say when the coverage began.
	committed time.Time
	// changed says that the commit holds a change of definitions.
	changed bool
	// refusals are those of the commit by what they have in common.
	refusals map[slo.Refusal]int64
	// unreadable is the first record of the commit that was refused, and why.
	unreadable error
}

func newSession(p *Projection, r Reader, cursor slo.Cursor, set map[slo.SeriesID]bool) *session {
	s := &session{Projection: p, reader: r, set: set}
	s.begin(cursor.Offset, cursor.Sequence, cursor.MeasuredUntil)
	return s
}

// begin starts the commit that follows a sequence.
func (s *session) begin(after slo.Offset, sequence int64, measuredUntil time.Time) {
	s.commit = slo.Commit{
		Shard: s.settings.Shard, Sequence: sequence + 1, From: after, To: after, MeasuredUntil: measuredUntil,
	}
	s.changed, s.unreadable, s.refusals = false, nil, nil
}

// run takes records and commits them as they become due, until ctx ends.
func (s *session) run(ctx context.Context) error {
	for {
		if err := s.takeRecount(ctx); err != nil {
			return err
		}
		due, pending := s.due()
		if pending && !time.Now().Before(due) {
			if err := s.flush(ctx); err != nil {
				return err
			}
			continue
		}
		record, waited, err := s.next(ctx, due, pending)
		switch {
		case ctx.Err() != nil: // A record read just now is read again.
			return s.flush(ctx)
		case waited:
			continue
		case err != nil:
			return fmt.Errorf("read the journal of shard %q after record %d: %w", s.settings.Shard, s.commit.To, err)
		}
		if err := s.take(ctx, record); err != nil {
			return err
		}
	}
}

// due is when the records read so far are to be committed, and false if there
// are none. Counts wait for the interval since the last commit, so that a
// single batch after a rest does not wait at all; a cursor that moves alone
// may take a second.
//
// A change of definitions is due at once: a commit then holds at most one, and
// a series cannot have both started and stopped in it.
func (s *session) due() (time.Time, bool) {
	pending := s.settings.Judge.Pending()
	switch {
	case s.commit.To == s.commit.From:
		return time.Time{}, false
	case s.changed || pending >= s.settings.MaxPending:
		return time.Time{}, true
	case pending > 0 || len(s.commit.Refused) > 0:
		return s.committed.Add(s.settings.CommitInterval), true
	default:
		return s.committed.Add(max(idleInterval, s.settings.CommitInterval)), true
	}
}

// next reads a record. It reports true, and no record, if a commit became due
// meanwhile or a recount was handed in.
func (s *session) next(ctx context.Context, due time.Time, pending bool) (slo.Record, bool, error) {
	wait, cancel := context.WithCancel(ctx)
	if pending {
		wait, cancel = context.WithDeadline(ctx, due)
	}
	defer cancel()
	if s.recounts.interrupt(cancel) {
		return slo.Record{}, true, nil
	}
	defer s.recounts.interrupt(nil)
	record, err := s.reader.Next(wait)
	return record, err != nil && wait.Err() != nil, err
}

// take judges one record.
func (s *session) take(ctx context.Context, r slo.Record) error {
	lost := r.Offset != s.commit.To+1
	if lost && !s.givenUp(r.Offset) {
		return fmt.Errorf("the journal of shard %q gave record %d where record %d follows", s.settings.Shard, r.Offset, s.commit.To+1)
	}
	switch r.Kind {
	case slo.RecordTraces:
		if err := s.settings.Judge.Judge(r); errors.Is(err, slo.ErrUnjudged) {
			return storeError{err}
		} else if err != nil {
			s.refuse(r, err)
		}
	case slo.RecordRefusals:
		if err := s.refused(r); err != nil {
			return err
		}
	case slo.RecordDefinitions:
		if err := s.define(ctx, r); err != nil {
			return err
		}
	case slo.RecordMetrics, slo.RecordHeartbeat: // They only move the cursor.
	default:
		return fmt.Errorf("record %d of shard %q is of kind %d, which this program does not know: "+
			"run the version that wrote it, or a newer one", r.Offset, s.settings.Shard, r.Kind)
	}
	if before := s.commit.MeasuredUntil; !before.IsZero() && (lost || r.Arrival.Sub(before) > longestPause) {
		s.commit.Gaps = append(s.commit.Gaps, slo.Interval{From: before, To: r.Arrival})
	}
	s.commit.To, s.commit.MeasuredUntil = r.Offset, r.Arrival
	return nil
}

// givenUp reports whether the records between the one read last and this one
// were lost, and given up by the operator. What arrived then is unmeasured.
func (s *session) givenUp(next slo.Offset) bool {
	return slices.ContainsFunc(s.settings.Journal.Holes(), func(h slo.Hole) bool {
		return h.After <= s.commit.To && s.commit.To < h.Through && next == h.Through+1
	})
}

func (s *session) refuse(r slo.Record, err error) {
	s.note(slo.Refusal{Signal: "traces", Reason: slo.RefusedUndecodable, Items: 1})
	if s.unreadable == nil {
		s.unreadable = fmt.Errorf("record %d: %w", r.Offset, err)
	}
}

// define puts the set of a definitions record in force from here on. A set
// equal to the one in force changes nothing.
func (s *session) define(ctx context.Context, r slo.Record) error {
	set, err := slo.DecodeSeries(r.Payload)
	if err != nil {
		return fmt.Errorf("read the series of record %d of shard %q: %w", r.Offset, s.settings.Shard, err)
	}
	failpoint.Here(failpoint.SetActivating)
	before := s.set
	s.set = s.use(ctx, set)
	if maps.Equal(before, s.set) {
		return nil
	}
	s.changed = true
	s.commit.Definitions = slices.Clone(r.Payload)
	s.commit.Started = missing(s.set, before, r.Arrival)
	s.commit.Stopped = missing(before, s.set, r.Arrival)
	return nil
}

// missing are the series of a set that another lacks, with an instant; nil if none.
func missing(set, other map[slo.SeriesID]bool, at time.Time) map[slo.SeriesID]time.Time {
	var found map[slo.SeriesID]time.Time
	for id := range set {
		if !other[id] {
			if found == nil {
				found = map[slo.SeriesID]time.Time{}
			}
			found[id] = at
		}
	}
	return found
}

// flush commits what was read, if anything was.
func (s *session) flush(ctx context.Context) error {
	if s.commit.To == s.commit.From {
		return nil
	}
	s.committed = time.Now()
	s.settings.Judge.Drain(&s.commit)
	s.commit.Refusals = s.listRefusals()
	lasting, cancel := outlive(ctx, stopGrace)
	defer cancel()
	if err := s.settings.Store.Commit(lasting, s.commit); err != nil {
		return storeError{fmt.Errorf("commit records %d to %d of shard %q: %w",
			s.commit.From+1, s.commit.To, s.settings.Shard, err)}
	}
	s.recovered(ctx)
	if s.settings.Memory != nil {
		if err := s.settings.Memory.Settle(s.commit.To); err != nil {
			return storeError{err}
		}
	}
	if s.unreadable != nil {
		s.settings.Logger.WarnContext(ctx, "records that cannot be decoded were refused",
			"shard", s.settings.Shard, "records", s.commit.Refused[slo.RefusedUndecodable], "first", s.unreadable)
	}
	s.moved(s.commit.To, s.commit.Sequence, s.commit.MeasuredUntil)
	s.settings.Committed(s.commit)
	s.begin(s.commit.To, s.commit.Sequence, s.commit.MeasuredUntil)
	return nil
}
