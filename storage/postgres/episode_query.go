package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// FindEpisodes returns the episodes that the query selects: those that fire,
// then the pending ones, then those that have ended, the newest first within
// each.
func (s *Store) FindEpisodes(ctx context.Context, query slo.EpisodeQuery) ([]slo.Episode, error) {
	where, args := selects(query)
	args = append(args, query.Limit, query.Offset)
	return s.episodes(ctx, fmt.Sprintf(`SELECT %s FROM episodes%s
		ORDER BY CASE state WHEN 'firing' THEN 0 WHEN 'pending' THEN 1 ELSE 2 END, began_ns DESC, id
		LIMIT $%d OFFSET $%d`, episodeColumns, where, len(args)-1, len(args)), args...)
}

// CountEpisodes counts what the query selects, whatever its Offset and Limit.
func (s *Store) CountEpisodes(ctx context.Context, query slo.EpisodeQuery) (int, error) {
	where, args := selects(query)
	var n int
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM episodes`+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count episodes: %w", err)
	}
	return n, nil
}

// selects is the condition of a query, made of fixed texts and parameters, and
// only of what it asks for, so that an index can serve it.
func selects(query slo.EpisodeQuery) (where string, args []any) {
	var conditions []string
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	if query.SLO != "" {
		add("slo = $%d", query.SLO)
	}
	if len(query.States) > 0 {
		add("state = ANY ($%d)", query.States)
	}
	if !query.From.IsZero() {
		add("(resolved_at_ns IS NULL OR resolved_at_ns > $%d)", query.From.UnixNano())
	}
	if !query.To.IsZero() {
		add("began_ns < $%d", query.To.UnixNano())
	}
	if len(conditions) > 0 {
		where = " WHERE " + strings.Join(conditions, " AND ")
	}
	return where, args
}
