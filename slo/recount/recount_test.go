package recount_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/recount"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// journal holds the records after oldest up to durable; each takes a while to
// be read.
type journal struct {
	oldest, durable slo.Offset
	takes           time.Duration
	broken          error
}

func (j journal) Oldest() slo.Offset  { return j.oldest }
func (j journal) Durable() slo.Offset { return j.durable }

func (j journal) open(after slo.Offset) (recount.Reader, error) { return &reader{j, after}, nil }

type reader struct {
	j  journal
	at slo.Offset
}

func (r *reader) Next(ctx context.Context) (slo.Record, error) {
	if r.j.broken != nil {
		return slo.Record{}, r.j.broken
	}
	select {
	case <-time.After(r.j.takes):
	case <-ctx.Done():
		return slo.Record{}, ctx.Err()
	}
	r.at++
	kind := slo.RecordTraces
	if r.at%2 == 0 {
		kind = slo.RecordHeartbeat
	}
	return slo.Record{Offset: r.at, Kind: kind, Arrival: noon.Add(time.Duration(r.at) * time.Second)}, nil
}

func (r *reader) Close() error { return nil }

// judge remembers what it was given.
type judge struct{ seen map[slo.Offset]int }

func (j *judge) Judge(r slo.Record) error {
	j.seen[r.Offset]++
	return nil
}

func (j *judge) Preview() slo.Preview { return slo.Preview{Spans: int64(len(j.seen))} }

func preview(t *testing.T, j journal) (slo.Preview, *judge, error) {
	t.Helper()
	judged := &judge{seen: map[slo.Offset]int{}}
	r, err := recount.New(recount.Settings{
		Journal: j, OpenReader: j.open, NewJudge: func(slo.Indicator) (recount.Judge, error) { return judged, nil },
	})
	require.NoError(t, err)
	found, err := r.Preview(t.Context(), slo.Indicator{})
	return found, judged, err
}

func TestAPreviewJudgesEveryRecordOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ oldest, durable slo.Offset }{
		"an empty journal":    {1, 0},
		"a short one":         {1, 7},
		"a block exactly":     {1, 1000},
		"several blocks":      {1, 12_345},
		"one that was cut":    {500, 9000},
		"one that begins new": {9000, 9000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				found, judged, err := preview(t, journal{oldest: c.oldest, durable: c.durable})
				require.NoError(t, err)
				require.True(t, found.Whole)
				for at := c.oldest; at <= c.durable; at++ {
					require.Equal(t, int(at%2), judged.seen[at], "record %d", at)
				}
				if c.durable >= c.oldest {
					require.Equal(t, noon.Add(time.Duration(c.oldest)*time.Second), found.From)
					require.Equal(t, noon.Add(time.Duration(c.durable)*time.Second), found.To)
				}
			})
		})
	}
}

func TestAPreviewEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		found, judged, err := preview(t, journal{oldest: 1, durable: 1_000_000, takes: 500 * time.Microsecond})
		require.NoError(t, err)
		require.False(t, found.Whole)
		require.LessOrEqual(t, time.Since(begin), 4*time.Second)
		require.Equal(t, 1, judged.seen[999_999], "the newest come first")
		require.Zero(t, judged.seen[1])
	})
}

func TestATroubledJournalIsReported(t *testing.T) {
	t.Parallel()
	_, _, err := preview(t, journal{oldest: 1, durable: 5, broken: errors.New("damaged")})
	require.ErrorContains(t, err, "damaged")
}

func TestPreviewsWaitForEachOtherAndNotForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := journal{oldest: 1, durable: 1_000_000, takes: time.Millisecond}
		r, err := recount.New(recount.Settings{
			Journal: j, OpenReader: j.open, NewJudge: func(slo.Indicator) (recount.Judge, error) { return &judge{seen: map[slo.Offset]int{}}, nil },
		})
		require.NoError(t, err)
		outcomes := make(chan error, 20)
		for range 20 {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				_, err := r.Preview(ctx, slo.Indicator{})
				outcomes <- err
			}()
		}
		var worked, busy, late int
		for range 20 {
			switch err := <-outcomes; {
			case err == nil:
				worked++
			case errors.Is(err, recount.ErrBusy):
				busy++
			case errors.Is(err, context.DeadlineExceeded):
				late++
			}
		}
		require.Equal(t, 12, busy, "eight wait")
		require.Positive(t, worked)
		require.Equal(t, 8, worked+late)
	})
}
