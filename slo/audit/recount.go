package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
)

// pacing is how many steps of a loop pass between two looks at the clock.
const pacing = 4096

// errEnough ends a walk that has seen what it wants.
var errEnough = errors.New("enough was read")

// missingError says that the journal does not hold a record any more. What was
// read instead, or the zero Record, is the first that it holds.
type missingError struct {
	want  slo.Offset
	found slo.Record
}

func (e missingError) Error() string {
	return fmt.Sprintf("the journal has record %d where record %d follows: those between were deleted or lost", e.found.Offset, e.want)
}

// counted is a series with the records that it was counted for.
type counted struct {
	id        slo.SeriesID
	indicator slo.Indicator
	stretches []slo.Stretch
}

func (c *counted) covers(record slo.Offset) bool {
	for _, s := range c.stretches {
		if s.After < record && (s.Through == 0 || record <= s.Through) {
			return true
		}
	}
	return false
}

// cell is one bucket.
type cell struct {
	series slo.SeriesID
	slice  slo.Slice
}

// recount counts the records after one offset up to another for a range of
// slices.
type recount struct {
	*Settings
	from, to slo.Slice
	// after and through bound the records that are read.
	after, through slo.Offset
	series         []*counted
	// wanted are series whose meaning is not known: perhaps the journal tells it.
	wanted []slo.SeriesID
	// bySource are the series by the service that their events come from; those
	// of every service are under "".
	bySource map[string][]*counted
	pace     func() error

	cells map[cell]slo.Counts
	// spans were counted or sighted, taken were taken back as repeats.
	spans, taken int64
	// released is the newest record that the slices from to on do not rest on.
	released slo.Offset
	// met are the series that definitions on the way gave a meaning to.
	met map[slo.SeriesID]slo.Indicator
}

// needs is the arrival from which on the slices rest on records.
func (r *recount) needs() time.Time { return r.from.Start().Add(-r.Ahead - r.Horizon) }

// run counts every span that is accepted, finds the repeats among them, and
// takes back what those have counted. Repeats are seldom, so that this decodes
// most records once only.
func (r *recount) run(ctx context.Context) (err error) {
	r.cells, r.met, r.bySource = map[cell]slo.Counts{}, map[slo.SeriesID]slo.Indicator{}, map[string][]*counted{}
	for _, s := range r.series {
		service := s.indicator.Total.Service
		r.bySource[service] = append(r.bySource[service], s)
	}
	found := newRepeats(r.Scratch, r.SortInMemory, r.Horizon, r.pace)
	defer func() { err = errors.Join(err, found.close()) }()
	if err := r.walk(ctx, r.after, func(record slo.Record) error { return r.count(record, found) }); err != nil {
		return err
	}
	places, err := found.finish()
	if err != nil {
		return err
	}
	return r.takeBack(ctx, places)
}

// walk shows the records after an offset up to through, and checks that none
// is missing and that time does not go back.
func (r *recount) walk(ctx context.Context, after slo.Offset, visit func(slo.Record) error) error {
	last := slo.Record{Offset: after}
	if after >= r.through {
		return nil
	}
	err := r.Walk(ctx, after, func(record slo.Record) error {
		switch {
		case record.Offset != last.Offset+1:
			return missingError{want: last.Offset + 1, found: record}
		case record.Arrival.Before(last.Arrival):
			return fmt.Errorf("record %d arrived at %s, before the record before it: the journal is damaged",
				record.Offset, record.Arrival.Format(time.RFC3339Nano))
		}
		last = slo.Record{Offset: record.Offset, Arrival: record.Arrival}
		if err := r.pace(); err != nil {
			return err
		}
		if err := visit(record); err != nil {
			return err
		}
		if record.Offset >= r.through {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err != nil:
		return fmt.Errorf("read the journal again after record %d: %w", last.Offset, err)
	default:
		return fmt.Errorf("the journal ends with record %d, but the ledger has counted up to record %d: "+
			"records that were acknowledged are missing", last.Offset, r.through)
	}
}

// count counts a record, and adds its spans to the sightings.
func (r *recount) count(record slo.Record, found *repeats) error {
	arrival := record.Arrival
	if arrival.Before(r.to.Start().Add(-r.Ahead - r.Horizon)) {
		r.released = record.Offset - 1 // With this one the journal may begin.
	}
	over := !arrival.Before(r.to.Start().Add(r.Late)) // It is too late for the slices, and so is all that follows.
	if over && len(r.wanted) == 0 {
		return errEnough
	}
	switch record.Kind {
	case slo.RecordDefinitions:
		return r.meet(record)
	case slo.RecordTraces:
		if over {
			return nil
		}
		return r.judge(record, 1, nil, func(it item, events bool) error {
			r.spans++
			if !it.identified() {
				return nil
			}
			return found.add(sighting{id: it.identity(), place: it.place, arrival: arrival.UnixNano(), counted: events})
		})
	case slo.RecordMetrics, slo.RecordHeartbeat, slo.RecordRefusals: // Nothing of them is counted in buckets.
	}
	return nil
}

// meet learns the meanings of series that were in force once.
func (r *recount) meet(record slo.Record) error {
	set, err := slo.DecodeSeries(record.Payload)
	if err != nil {
		return fmt.Errorf("read the series of record %d: %w", record.Offset, err)
	}
	for _, s := range set {
		r.met[s.ID] = s.Indicator
	}
	return nil
}

// takeBack takes away what the spans at these places have counted.
func (r *recount) takeBack(ctx context.Context, places *merged[place]) error {
	next, more, err := places.next()
	if err != nil || !more {
		return err
	}
	return r.walk(ctx, next.record-1, func(record slo.Record) error {
		if record.Offset < next.record {
			return nil
		}
		only := map[uint32]bool{}
		for more && next.record == record.Offset {
			only[next.number] = true
			if next, more, err = places.next(); err != nil {
				return err
			}
		}
		err := r.judge(record, -1, only, func(item, bool) error {
			r.taken++
			return nil
		})
		if err == nil && !more {
			return errEnough
		}
		return err
	})
}

// judge counts each accepted span of a record sign times in every series and
// slice that it belongs to, only those at certain places if any are given, and
// tells whether it counted anywhere. A record that cannot be decoded has no spans.
func (r *recount) judge(record slo.Record, sign int64, only map[uint32]bool, visit func(it item, events bool) error) error {
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(record.Payload)
	if err != nil {
		return nil //nolint:nilerr // The ledger has counted it among the undecodable ones, and no span of it.
	}
	within := bounds{late: int64(r.Late), future: int64(r.Future)}
	return eachItem(place{record: record.Offset}, traces, func(it item) error {
		at, accepted := within.eventTime(it.span, record.Arrival.UnixNano())
		if !accepted || (only != nil && !only[it.place.number]) {
			return nil
		}
		events := false
		slice := slo.SliceOf(time.Unix(0, at))
		if r.from <= slice && slice < r.to {
			events = r.add(it, slice, sign)
		}
		return visit(it, events)
	})
}

// add counts a span sign times in a slice of every series that it belongs to.
func (r *recount) add(it item, slice slo.Slice, sign int64) (events bool) {
	lists := [2][]*counted{r.bySource[""], nil}
	if it.service != "" {
		lists[1] = r.bySource[it.service]
	}
	for _, list := range lists {
		for _, s := range list {
			if !s.covers(it.place.record) {
				continue
			}
			v := verdict(r.Conditions, s.indicator, it)
			if v == (slo.Counts{}) {
				continue
			}
			events = true
			key := cell{series: s.id, slice: slice}
			r.cells[key] = r.cells[key].Plus(slo.Counts{Good: sign * v.Good, Bad: sign * v.Bad, Unknown: sign * v.Unknown})
			if r.cells[key] == (slo.Counts{}) {
				delete(r.cells, key) // Nothing but repeats: the ledger has no such bucket.
			}
		}
	}
	return events
}
