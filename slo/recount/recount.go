// Package recount judges what is already in the journal: a Recounter previews
// what an indicator would have counted in the newest part, a Background counts
// for every new series what lies before it.
package recount

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// firstBlock is how many of the newest records a preview reads first; each
	// block before it is three times as long.
	firstBlock = 1000
	growth     = 3
	// waiting bounds the previews that wait for the one that runs.
	waiting = 8
)

// ErrBusy says that too many previews wait already.
var ErrBusy = errors.New("too many previews run at the moment: try again in a few seconds")

// Reader reads the records of a journal in order (see slo/ledger).
type Reader interface {
	Next(ctx context.Context) (slo.Record, error)
	Close() error
}

// Journal says which records there are.
type Journal interface {
	Oldest() slo.Offset
	Durable() slo.Offset
}

// Judge counts the spans of records by one indicator, and keeps samples.
type Judge interface {
	// Judge counts a record, all of it or, with an error, none.
	Judge(r slo.Record) error
	// Preview is what was counted so far, without the stretch.
	Preview() slo.Preview
}

// Settings are what a Recounter works with; those without a default are required.
type Settings struct {
	Journal    Journal
	OpenReader func(after slo.Offset) (Reader, error)
	// NewJudge refuses an indicator that cannot be judged.
	NewJudge func(slo.Indicator) (Judge, error)
	// Budget is how long a preview reads; 0 means two seconds.
	Budget time.Duration
}

// Recounter reads the journal again.
type Recounter struct {
	settings Settings
	turn     chan struct{}
	queue    chan struct{}
}

// New returns a recounter.
func New(settings Settings) (*Recounter, error) {
	if settings.Journal == nil || settings.OpenReader == nil || settings.NewJudge == nil {
		return nil, errors.New("a recount needs a journal, a reader and a judge")
	}
	if settings.Budget == 0 {
		settings.Budget = 2 * time.Second
	}
	return &Recounter{settings: settings, turn: make(chan struct{}, 1), queue: make(chan struct{}, waiting)}, nil
}

// Preview judges the newest records by an indicator, block by block back in
// time, until it has read for as long as it may, or all that is kept; a block
// that was begun is read to its end within twice that time. One preview runs
// at a time; the others wait for it.
func (r *Recounter) Preview(ctx context.Context, indicator slo.Indicator) (slo.Preview, error) {
	judge, err := r.settings.NewJudge(indicator)
	if err != nil {
		return slo.Preview{}, err
	}
	select {
	case r.queue <- struct{}{}:
		defer func() { <-r.queue }()
	default:
		return slo.Preview{}, ErrBusy
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return slo.Preview{}, ctx.Err()
	}
	return r.read(ctx, judge)
}

// read goes back block by block.
func (r *Recounter) read(ctx context.Context, judge Judge) (slo.Preview, error) {
	begin := time.Now()
	limited, cancel := context.WithDeadline(ctx, begin.Add(2*r.settings.Budget))
	defer cancel()
	var from, to time.Time
	end, size, whole := r.settings.Journal.Durable(), slo.Offset(firstBlock), false
	for time.Since(begin) < r.settings.Budget && !whole {
		oldest := max(r.settings.Journal.Oldest(), 1)
		start := oldest - 1
		if end > start+size {
			start = end - size
		}
		first, last, err := r.block(limited, judge, start, end)
		if err != nil && limited.Err() == nil {
			return slo.Preview{}, fmt.Errorf("read the journal for a preview: %w", err)
		}
		if !first.IsZero() && (from.IsZero() || first.Before(from)) {
			from = first
		}
		if to.IsZero() {
			to = last
		}
		if limited.Err() != nil {
			break // The block is known in part, which is no less true.
		}
		whole = start < oldest
		end, size = start, size*growth
	}
	if err := ctx.Err(); err != nil {
		return slo.Preview{}, err
	}
	preview := judge.Preview()
	preview.From, preview.To, preview.Whole = from, to, whole
	return preview, nil
}

// block judges the records after start up to end, and returns the arrivals of
// the first and the last. A record that cannot be decoded counts nothing, as in
// the ledger.
func (r *Recounter) block(ctx context.Context, judge Judge, start, end slo.Offset) (first, last time.Time, err error) {
	if start >= end {
		return first, last, nil
	}
	reader, err := r.settings.OpenReader(start)
	if err != nil {
		return first, last, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	for at := start; at < end; {
		record, err := reader.Next(ctx)
		if err != nil {
			return first, last, err
		}
		at = record.Offset
		if first.IsZero() {
			first = record.Arrival
		}
		last = record.Arrival
		if record.Kind == slo.RecordTraces {
			_ = judge.Judge(record)
		}
	}
	return first, last, nil
}
