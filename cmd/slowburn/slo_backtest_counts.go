package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// pageOfBuckets is how much is asked for at a time: about 6 MB, below what the
// server gives at once and what it may take.
const pageOfBuckets = 48 * time.Hour

// bucketsAnswer is what the API says of buckets, as far as it is needed.
type bucketsAnswer struct {
	Objective int          `json:"objective"`
	Series    slo.SeriesID `json:"series"`
	// Revisions are the series that the budget is spliced of, newest first.
	Revisions []struct {
		Revision int          `json:"revision"`
		Series   slo.SeriesID `json:"series"`
		Until    *time.Time   `json:"until"`
	} `json:"revisions"`
	Buckets []struct {
		Start   time.Time `json:"start"`
		End     time.Time `json:"end"`
		Good    int64     `json:"good"`
		Bad     int64     `json:"bad"`
		Unknown int64     `json:"unknown"`
	} `json:"buckets"`
}

// check refuses counts that nobody can have counted.
func (a bucketsAnswer) check() error {
	const most = 1 << 53
	for _, b := range a.Buckets {
		if min(b.Good, b.Bad, b.Unknown) < 0 || max(b.Good, b.Bad, b.Unknown) > most {
			return fmt.Errorf("the bucket of %s has counts below 0 or above %d", b.Start.Format(time.RFC3339), int64(most))
		}
	}
	return nil
}

// recorded is what a backtest drives policies over.
type recorded struct {
	series   simulate.Series
	from, to time.Time
	// before is what of it was counted before edits; what lies before leftOut is
	// left out, zero for nothing.
	before  []spliced
	leftOut time.Time
}

// counts are the buckets of the SLO's series, and where the backtest begins and
// ends: with the first event of the last time that was asked for.
func (b *backtest) counts(ctx context.Context, definition slo.SLO, since time.Duration) (recorded, error) {
	answers := newSplicer(definition)
	var to time.Time
	var err error
	if len(b.buckets) > 0 {
		err = answers.addFiles(b.buckets)
	} else {
		to = time.Now().UTC().Truncate(slo.SliceLength)
		err = b.fetch(ctx, answers, to.Add(-since), to)
	}
	if err != nil {
		return recorded{}, err
	}
	r := recorded{to: to}
	r.series, r.before, r.leftOut = answers.splice()
	first, last := reachOf(r.series)
	if first.IsZero() {
		return recorded{}, errors.New("nothing was counted in that time: there is nothing to try policies on")
	}
	if r.to.IsZero() {
		r.to = last
	}
	if r.from = r.to.Add(-since); r.from.Before(first) {
		r.from = first
	}
	return r, nil
}

// reachOf are the beginning of the first and the end of the last bucket.
func reachOf(series simulate.Series) (first, last time.Time) {
	for _, buckets := range series {
		for _, b := range buckets {
			if start := b.Slice.Start(); first.IsZero() || start.Before(first) {
				first = start
			}
			if end := b.End(); end.After(last) {
				last = end
			}
		}
	}
	return first, last
}

// fetch reads the buckets from the server: of each series for the time in which
// the budget is made of it.
func (b *backtest) fetch(ctx context.Context, answers *splicer, from, to time.Time) error {
	read := map[slo.SeriesID]bool{}
	for i := range answers.definition.Objectives {
		id := answers.definition.SeriesOf(i).ID
		newest, err := b.page(ctx, answers.definition.Name, i, 0, to.Add(-slo.SliceLength), to)
		if err != nil {
			return err
		}
		if newest.Series != id {
			return fmt.Errorf("objective %d of %s was changed meanwhile: try again", i, answers.definition.Name)
		}
		newest.Buckets = nil
		if err := answers.add(newest); err != nil {
			return err
		}
		if read[id] {
			continue
		}
		read[id] = true
		revisions, _ := answers.agreed(id)
		for k, r := range revisions {
			begin, end, revision := from, to, 0
			if k+1 < len(revisions) {
				begin = later(begin, slo.SliceOf(revisions[k+1].Until).Start())
			}
			if k > 0 {
				end, revision = slo.SliceOf(r.Until).Start(), r.Revision
			}
			if err := b.pages(ctx, answers, i, revision, begin, end); err != nil {
				return err
			}
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// pages reads what one revision of an objective counted in [from, to).
func (b *backtest) pages(ctx context.Context, answers *splicer, objective, revision int, from, to time.Time) error {
	for at := from; at.Before(to); at = at.Add(pageOfBuckets) {
		end := at.Add(pageOfBuckets)
		if end.After(to) {
			end = to
		}
		answer, err := b.page(ctx, answers.definition.Name, objective, revision, at, end)
		if err != nil {
			return err
		}
		if err := answers.add(answer); err != nil {
			return fmt.Errorf("objective %d of %s was changed meanwhile, try again: %w", objective, answers.definition.Name, err)
		}
	}
	return nil
}

// page reads one answer; revision 0 is that of now.
func (b *backtest) page(ctx context.Context, name string, objective, revision int, from, to time.Time) (answer bucketsAnswer, err error) {
	query := url.Values{
		"objective": {strconv.Itoa(objective)}, "from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)},
	}
	if revision > 0 {
		query.Set("revision", strconv.Itoa(revision))
	}
	err = b.api.do(ctx, "GET", pathOf(slo.ObjectRef{Kind: slo.KindSLO, Name: name})+"/buckets?"+query.Encode(), &answer)
	return answer, err
}

// addFiles reads answers of the API, one or more in each file.
func (s *splicer) addFiles(files []string) error {
	for _, file := range files {
		if err := s.addFile(file); err != nil {
			return fmt.Errorf("--buckets %s: %w", file, err)
		}
	}
	return nil
}

func (s *splicer) addFile(file string) error {
	opened, err := os.Open(file)
	if err != nil {
		return err
	}
	defer opened.Close() //nolint:errcheck // It was only read.
	decoder := json.NewDecoder(opened)
	for n := 1; ; n++ {
		var answer bucketsAnswer
		err := decoder.Decode(&answer)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("answer %d is not what the API gives: %w", n, err)
		}
		if err := answer.check(); err != nil {
			return fmt.Errorf("answer %d: %w", n, err)
		}
		if err := s.add(answer); err != nil {
			return fmt.Errorf("answer %d: %w", n, err)
		}
	}
}
