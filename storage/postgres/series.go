package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/slowburn-slo/slowburn/slo"
)

// seriesIDs returns the small ids of the series, new ones included, in the
// order asked for. New ones are committed at once, on their own: an id that
// stays unused does no harm, an id in memory that was rolled back would.
func (s *Store) seriesIDs(ctx context.Context, conn *pgxpool.Conn, series []slo.SeriesID) ([]int32, error) {
	ids := make([]int32, len(series))
	missing := s.knownIDs(series, ids)
	if len(missing) == 0 {
		return ids, nil
	}
	learnt := make(map[slo.SeriesID]int32)
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO series (hash) SELECT DISTINCT hash FROM unnest($1::text[]) AS new (hash)
		WHERE NOT EXISTS (SELECT FROM series WHERE series.hash = new.hash) ORDER BY hash ON CONFLICT (hash) DO NOTHING`, missing)
	batch.Queue(`SELECT id, hash FROM series WHERE hash = ANY ($1)`, missing).Query(func(rows pgx.Rows) error {
		return s.learnSeries(rows, func(id int32, hash slo.SeriesID) { learnt[hash] = id })
	})
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("register %d series: %w", len(missing), err)
	}
	for i, hash := range series {
		if id, new := learnt[hash]; new {
			ids[i] = id
		}
	}
	return ids, nil
}

// knownIDs fills in the ids that are in memory and names the other series.
func (s *Store) knownIDs(series []slo.SeriesID, ids []int32) (missing []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, hash := range series {
		id, known := s.ids[hash]
		if !known {
			missing = append(missing, string(hash))
		}
		ids[i] = id
	}
	return missing
}

// seriesHashes returns a function that translates small ids back, having read
// those that were unknown.
func (s *Store) seriesHashes(ctx context.Context, ids []int32) (func(int32) slo.SeriesID, error) {
	found := make(map[int32]slo.SeriesID, len(ids))
	if missing := s.knownHashes(ids, found); len(missing) > 0 {
		rows, err := s.pool.Query(ctx, `SELECT id, hash FROM series WHERE id = ANY ($1)`, missing)
		if err != nil {
			return nil, fmt.Errorf("read series: %w", err)
		}
		if err := s.learnSeries(rows, func(id int32, hash slo.SeriesID) { found[id] = hash }); err != nil {
			return nil, err
		}
	}
	return func(id int32) slo.SeriesID { return found[id] }, nil
}

// knownHashes fills in the series that are in memory and names the other ids.
func (s *Store) knownHashes(ids []int32, found map[int32]slo.SeriesID) (missing []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if hash, known := s.hashes[id]; known {
			found[id] = hash
		} else {
			missing = append(missing, id)
		}
	}
	return missing
}

// learnSeries remembers rows of id and hash, and hands each on.
func (s *Store) learnSeries(rows pgx.Rows, each func(id int32, hash slo.SeriesID)) error {
	var id int32
	var hash slo.SeriesID
	_, err := pgx.ForEachRow(rows, []any{&id, &hash}, func() error {
		each(id, hash)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ids[hash], s.hashes[id] = id, hash
		return nil
	})
	if err != nil {
		return fmt.Errorf("read series: %w", err)
	}
	return nil
}
