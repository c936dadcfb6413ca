package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// splicer puts answers of the API together as budgets are: of each objective the
// buckets of the series of now, and before an edit those of the series of then.
type splicer struct {
	definition slo.SLO
	// revisions are those of each objective, newest first, as far as they are known.
	revisions map[int][]slo.SeriesRevision
	buckets   simulate.Series
}

// spliced is what a backtest takes from before an edit.
type spliced struct {
	Objective int          `json:"objective"`
	Revision  int          `json:"revision"`
	Series    slo.SeriesID `json:"series"`
	Until     time.Time    `json:"until"`
	// Buckets is how many there were in the time that was asked for.
	Buckets int `json:"buckets"`
}

func newSplicer(definition slo.SLO) *splicer {
	return &splicer{definition: definition, revisions: map[int][]slo.SeriesRevision{}, buckets: simulate.Series{}}
}

// add takes an answer, of now or of before an edit.
func (s *splicer) add(a bucketsAnswer) error {
	now := a.Series
	if len(a.Revisions) > 0 { // Servers that know no revisions give the series of now.
		now = a.Revisions[0].Series
	}
	objective, counts := s.objective(now, a.Objective)
	if !counts {
		return fmt.Errorf("it has series %s, by which no objective of %s counts: its indicator is another one", strconv.Quote(string(now)), s.definition.Name)
	}
	var all []slo.SeriesRevision
	for _, r := range a.Revisions {
		one := slo.SeriesRevision{Revision: r.Revision, Series: r.Series}
		if r.Until != nil {
			one.Until = *r.Until
		}
		all = append(all, one)
	}
	if len(all) > 0 {
		s.revisions[objective] = all
	}
	for _, b := range a.Buckets {
		s.buckets[a.Series] = append(s.buckets[a.Series], slo.Bucket{
			Slice: slo.SliceOf(b.Start), Minute: b.End.Sub(b.Start) == time.Minute, Counts: slo.Counts{Good: b.Good, Bad: b.Bad, Unknown: b.Unknown},
		})
	}
	return nil
}

// objective is one that counts by a series now, that at the place if it does.
func (s *splicer) objective(id slo.SeriesID, place int) (int, bool) {
	if place >= 0 && place < len(s.definition.Objectives) && s.definition.SeriesOf(place).ID == id {
		return place, true
	}
	for i := range s.definition.Objectives {
		if s.definition.SeriesOf(i).ID == id {
			return i, true
		}
	}
	return 0, false
}

// splice gives the buckets of each series of now, with what comes from before
// edits, and up to when something is left out: objectives that count by one
// series now had several then.
func (s *splicer) splice() (series simulate.Series, before []spliced, leftOut time.Time) {
	series = simulate.Series{}
	for i := range s.definition.Objectives {
		id := s.definition.SeriesOf(i).ID
		if _, done := series[id]; done {
			continue
		}
		revisions, since := s.agreed(id)
		series[id] = []slo.Bucket{}
		if since > 0 {
			leftOut = later(leftOut, since.Start())
		}
		for k, r := range revisions {
			from, until := since, slo.SliceOf(r.Until)
			if k+1 < len(revisions) {
				from = slo.SliceOf(revisions[k+1].Until)
			}
			part := slices.DeleteFunc(slices.Clone(s.buckets[r.Series]), func(b slo.Bucket) bool {
				return b.Slice < from || !r.Until.IsZero() && b.Slice >= until
			})
			series[id] = append(series[id], part...)
			if k > 0 {
				before = append(before, spliced{Objective: i, Revision: r.Revision, Series: r.Series, Until: r.Until, Buckets: len(part)})
			}
		}
	}
	return series, before, leftOut
}

// agreed are the revisions of the objectives that count by a series now, as far
// back as these counted the same, and the first slice of that time; 0 if all did.
func (s *splicer) agreed(id slo.SeriesID) (all []slo.SeriesRevision, since slo.Slice) {
	for i := range s.definition.Objectives {
		own := s.revisions[i]
		if s.definition.SeriesOf(i).ID != id || own == nil {
			continue
		}
		if all == nil {
			all = own
			continue
		}
		same := 1
		for same < min(len(all), len(own)) && all[same].Series == own[same].Series && all[same].Until.Equal(own[same].Until) {
			same++
		}
		for _, differing := range [][]slo.SeriesRevision{all[same:], own[same:]} {
			if len(differing) > 0 {
				since = max(since, slo.SliceOf(differing[0].Until))
			}
		}
		all = all[:same]
	}
	if all == nil {
		all = []slo.SeriesRevision{{Series: id}}
	}
	return all, since
}
