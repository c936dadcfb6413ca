package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// Commits returns the commits after the given sequence of each shard (0 for a
// shard that is not named), those of one shard in sequence without gaps, at
// most limit together. They hold what a follower needs: Shard, Sequence, From,
// To, MeasuredUntil, Deltas (without corrections), Watermarks, Gaps, Started,
// Stopped, and of Recounted Series, Since and Until. It returns slo.ErrRebuild
// if commits that the follower lacks are no longer kept, a shard went back
// behind what the follower has, or went back and came by it again: then the
// commit that the store returned last under that sequence was another one.
func (s *Store) Commits(ctx context.Context, after map[string]int64, limit int) ([]slo.Commit, error) {
	shards, sequences := make([]string, 0, len(after)), make([]int64, 0, len(after))
	for shard, sequence := range after {
		shards, sequences = append(shards, shard), append(sequences, sequence)
	}
	reached := make(map[string]int64)
	var rows []commitRow
	had := make(map[string]mark)
	batch := &pgx.Batch{}
	// The cursors are read first: what is committed in between is then only more.
	batch.Queue(`SELECT shard, sequence FROM cursors`).Query(func(r pgx.Rows) error {
		var shard string
		var sequence int64
		_, err := pgx.ForEachRow(r, []any{&shard, &sequence}, func() error {
			reached[shard] = sequence
			return nil
		})
		return err
	})
	batch.Queue(`SELECT c.shard, k.sequence, k.from_position, k.to_position, k.measured_until_ns,
			k.series, k.slices, k.good, k.bad, k.unknown, k.watermark_series, k.watermark_ns,
			k.gap_from_ns, k.gap_to_ns, k.started_series, k.started_ns, k.stopped_series, k.stopped_ns,
			k.recounted_series, k.recounted_since_ns, k.recounted_until_ns, k.committed_at
		FROM cursors c LEFT JOIN unnest($1::text[], $2::bigint[]) AS seen (shard, sequence) ON seen.shard = c.shard
		JOIN commits k ON k.shard = c.id AND k.sequence > COALESCE(seen.sequence, 0)
		ORDER BY k.sequence - COALESCE(seen.sequence, 0), c.shard LIMIT $3`, shards, sequences, limit).
		Query(func(r pgx.Rows) (err error) {
			rows, err = pgx.CollectRows(r, pgx.RowToStructByPos[commitRow])
			return err
		})
	batch.Queue(`SELECT c.shard, k.sequence, k.committed_at FROM unnest($1::text[], $2::bigint[]) AS seen (shard, sequence)
		JOIN cursors c ON c.shard = seen.shard JOIN commits k ON k.shard = c.id AND k.sequence = seen.sequence`, shards, sequences).
		Query(func(r pgx.Rows) error {
			var shard string
			var m mark
			_, err := pgx.ForEachRow(r, []any{&shard, &m.sequence, &m.at}, func() error {
				had[shard] = m
				return nil
			})
			return err
		})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read the newest commits: %w", err)
	}
	if err := continues(after, reached, rows, limit); err != nil {
		return nil, err
	}
	if err := s.sameStory(had); err != nil {
		return nil, err
	}
	commits, err := s.decodeCommits(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("read the newest commits: %w", err)
	}
	for _, row := range rows {
		s.follow(row.Shard, mark{row.Sequence, row.CommittedAt})
	}
	return commits, nil
}

// mark is the commit that the store has shown last of a shard.
type mark struct {
	sequence int64
	at       time.Time
}

func (s *Store) follow(shard string, m mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followed[shard] = m
}

// sameStory checks that the commits that a follower has are those that it was
// shown. After a failover to an older state the shard counts the same records
// under the same sequences, but in commits that are cut otherwise.
func (s *Store) sameStory(had map[string]mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for shard, m := range had {
		if shown := s.followed[shard]; shown.sequence == m.sequence && !shown.at.Equal(m.at) {
			return fmt.Errorf("%w: shard %s went back, and commit %d is another one now", slo.ErrRebuild, shard, m.sequence)
		}
	}
	return nil
}

// continues checks that the rows follow on what the reader has.
func continues(after, reached map[string]int64, rows []commitRow, limit int) error {
	last := make(map[string]int64, len(reached))
	for shard, sequence := range after {
		last[shard] = sequence
		if reached[shard] < sequence {
			return fmt.Errorf("%w: shard %s stands at commit %d, after it stood at %d", slo.ErrRebuild, shard, reached[shard], sequence)
		}
	}
	for _, row := range rows {
		if row.Sequence != last[row.Shard]+1 {
			return fmt.Errorf("%w: shard %s continues with commit %d, not %d", slo.ErrRebuild, row.Shard, row.Sequence, last[row.Shard]+1)
		}
		last[row.Shard] = row.Sequence
	}
	if len(rows) >= limit {
		return nil
	}
	for shard, sequence := range reached {
		if last[shard] < sequence {
			return fmt.Errorf("%w: shard %s stands at commit %d, but what follows %d is not kept", slo.ErrRebuild, shard, sequence, last[shard])
		}
	}
	return nil
}

// commitRow is a row of commits, in the order of its query.
type commitRow struct {
	Shard              string
	Sequence           int64
	From, To           slo.Offset
	MeasuredUntil      *int64
	Series             []int32
	Slices             []int64
	Good, Bad, Unknown []int64
	WatermarkSeries    []int32
	WatermarkNS        []int64
	GapFromNS, GapToNS []int64
	StartedSeries      []int32
	StartedNS          []int64
	StoppedSeries      []int32
	StoppedNS          []int64
	RecountedSeries    []int32
	RecountedSinceNS   []int64
	RecountedUntilNS   []int64
	CommittedAt        time.Time
}

func (s *Store) decodeCommits(ctx context.Context, rows []commitRow) ([]slo.Commit, error) {
	named := make(map[int32]bool)
	var ids []int32
	for _, r := range rows {
		for _, series := range [][]int32{r.Series, r.WatermarkSeries, r.StartedSeries, r.StoppedSeries, r.RecountedSeries} {
			for _, id := range series {
				if !named[id] {
					named[id] = true
					ids = append(ids, id)
				}
			}
		}
	}
	hash, err := s.seriesHashes(ctx, ids)
	if err != nil {
		return nil, err
	}
	commits := make([]slo.Commit, len(rows))
	for i, r := range rows {
		commits[i] = r.commit(hash)
	}
	return commits, nil
}

func (r commitRow) commit(hash func(int32) slo.SeriesID) slo.Commit {
	times := func(series []int32, ns []int64) map[slo.SeriesID]time.Time {
		if len(series) == 0 {
			return nil
		}
		m := make(map[slo.SeriesID]time.Time, len(series))
		for i, id := range series {
			m[hash(id)] = instant(&ns[i])
		}
		return m
	}
	c := slo.Commit{
		Shard: r.Shard, Sequence: r.Sequence, From: r.From, To: r.To, MeasuredUntil: instant(r.MeasuredUntil),
		Watermarks: times(r.WatermarkSeries, r.WatermarkNS),
		Started:    times(r.StartedSeries, r.StartedNS), Stopped: times(r.StoppedSeries, r.StoppedNS),
	}
	if len(r.Series) > 0 {
		c.Deltas = make([]slo.Delta, len(r.Series))
	}
	for i, id := range r.Series {
		c.Deltas[i] = slo.Delta{
			Series: hash(id), Slice: slo.Slice(r.Slices[i]),
			Counts: slo.Counts{Good: r.Good[i], Bad: r.Bad[i], Unknown: r.Unknown[i]},
		}
	}
	for i, id := range r.RecountedSeries {
		c.Recounted = append(c.Recounted, slo.Recounted{
			Series: hash(id), Since: instant(&r.RecountedSinceNS[i]), Until: instant(&r.RecountedUntilNS[i]),
		})
	}
	for i := range r.GapFromNS {
		c.Gaps = append(c.Gaps, slo.Interval{From: instant(&r.GapFromNS[i]), To: instant(&r.GapToNS[i])})
	}
	return c
}
