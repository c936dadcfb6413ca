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
	Series  slo.SeriesID `json:"series"`
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

func (a bucketsAnswer) addTo(series simulate.Series) {
	for _, b := range a.Buckets {
		series[a.Series] = append(series[a.Series], slo.Bucket{
			Slice: slo.SliceOf(b.Start), Minute: b.End.Sub(b.Start) == time.Minute, Counts: slo.Counts{Good: b.Good, Bad: b.Bad, Unknown: b.Unknown},
		})
	}
}

// counts are the buckets of the SLO's series, and where the backtest begins and
// ends: with the first event of the last time that was asked for.
func (b *backtest) counts(ctx context.Context, definition slo.SLO, since time.Duration) (series simulate.Series, from, to time.Time, err error) {
	if len(b.buckets) > 0 {
		series, err = bucketsOfFiles(b.buckets, definition)
	} else {
		to = time.Now().UTC().Truncate(slo.SliceLength)
		series, err = b.fetch(ctx, definition, to.Add(-since), to)
	}
	if err != nil {
		return nil, from, to, err
	}
	first, last := reachOf(series)
	if first.IsZero() {
		return nil, from, to, errors.New("nothing was counted in that time: there is nothing to try policies on")
	}
	if to.IsZero() {
		to = last
	}
	if from = to.Add(-since); from.Before(first) {
		from = first
	}
	return series, from, to, nil
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

// fetch reads the buckets from the server, page by page.
func (b *backtest) fetch(ctx context.Context, definition slo.SLO, from, to time.Time) (simulate.Series, error) {
	series := simulate.Series{}
	known := map[slo.SeriesID]bool{}
	for i := range definition.Objectives {
		id := definition.SeriesOf(i).ID
		if known[id] {
			continue
		}
		known[id] = true
		for at := from; at.Before(to); at = at.Add(pageOfBuckets) {
			end := at.Add(pageOfBuckets)
			if end.After(to) {
				end = to
			}
			query := url.Values{
				"objective": {strconv.Itoa(i)}, "from": {at.Format(time.RFC3339)}, "to": {end.Format(time.RFC3339)},
			}
			var answer bucketsAnswer
			if err := b.api.do(ctx, "GET", pathOf(slo.ObjectRef{Kind: slo.KindSLO, Name: definition.Name})+"/buckets?"+query.Encode(), &answer); err != nil {
				return nil, err
			}
			if answer.Series != id {
				return nil, fmt.Errorf("objective %d of %s was changed meanwhile: try again", i, definition.Name)
			}
			answer.addTo(series)
		}
	}
	return series, nil
}

// bucketsOfFiles reads answers of the API, one or more in each file.
func bucketsOfFiles(files []string, definition slo.SLO) (simulate.Series, error) {
	series := simulate.Series{}
	for _, file := range files {
		if err := bucketsOfFile(file, definition, series); err != nil {
			return nil, fmt.Errorf("--buckets %s: %w", file, err)
		}
	}
	return series, nil
}

func bucketsOfFile(file string, definition slo.SLO, series simulate.Series) error {
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
		if !counts(definition, answer.Series) {
			return fmt.Errorf("answer %d has series %s, by which no objective of %s counts: its indicator is another one", n, strconv.Quote(string(answer.Series)), definition.Name)
		}
		if err := answer.check(); err != nil {
			return fmt.Errorf("answer %d: %w", n, err)
		}
		answer.addTo(series)
	}
}

// counts reports whether an objective counts by a series.
func counts(definition slo.SLO, id slo.SeriesID) bool {
	for i := range definition.Objectives {
		if definition.SeriesOf(i).ID == id {
			return true
		}
	}
	return false
}
