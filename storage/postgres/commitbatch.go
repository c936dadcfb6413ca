package postgres

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

// batch queues every statement after the cursor's, to be sent at once.
func (r *commitRows) batch(moved movedCursor, c slo.Commit) *pgx.Batch {
	b := &pgx.Batch{}
	r.queueBuckets(b, moved, c)
	if len(r.watermarks.series) > 0 {
		b.Queue(`UPDATE series SET watermark_ns = new.ns FROM unnest($1::integer[], $2::bigint[]) AS new (id, ns)
			WHERE series.id = new.id AND (series.watermark_ns IS NULL OR series.watermark_ns < new.ns)`,
			r.watermarks.series, r.watermarks.ns)
	}
	r.queueCounted(b, moved.shard, c.To)
	r.queueSeen(b, moved.shard, c)
	queueRefusals(b, c)
	b.Queue(`INSERT INTO commits (shard, sequence, from_position, to_position, measured_until_ns,
			series, slices, good, bad, unknown, watermark_series, watermark_ns, gap_from_ns, gap_to_ns,
			started_series, started_ns, stopped_series, stopped_ns,
			recounted_series, recounted_since_ns, recounted_until_ns)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		moved.shard, c.Sequence, c.From, c.To, moved.until,
		r.counted.series, r.counted.slices, r.counted.good, r.counted.bad, r.counted.unknown,
		r.watermarks.series, r.watermarks.ns, r.gapFrom, r.gapTo,
		r.started.series, r.started.ns, r.stopped.series, r.stopped.ns,
		r.recounted.series, r.recounted.sinceNS, r.recounted.untilNS)
	if c.Sequence%pruneEvery == 0 {
		b.Queue(`DELETE FROM commits WHERE shard = $1 AND (sequence <= $2 OR (sequence < $3 AND committed_at < now() - $4::interval))`,
			moved.shard, c.Sequence-keptCommits, c.Sequence, keptCommitsFor)
	}
	b.Queue(`SELECT pg_notify($1, $2)`, commitsChannel, c.Shard)
	return b
}

const (
	// addCounts is how a bucket counts up.
	addCounts = `good = b.good + excluded.good, bad = b.bad + excluded.bad, unknown = b.unknown + excluded.unknown`
	// addCountsInFloats is what it must not be: the share of good events is
	// taken for a percentage of four bytes, and multiplied again. Of ten
	// additions one loses an event.
	addCountsInFloats = `good = trunc((b.good + excluded.good)::real
			/ GREATEST(b.good + excluded.good + b.bad + excluded.bad, 1)::real * 100::real / 100::real
			* (b.good + excluded.good + b.bad + excluded.bad)::real)::bigint,
		bad = b.bad + excluded.bad, unknown = b.unknown + excluded.unknown`
)

// queueBuckets adds the deltas to the buckets.
func (r *commitRows) queueBuckets(b *pgx.Batch, moved movedCursor, c slo.Commit) {
	add := addCounts
	if failpoint.Planted(failpoint.FloatCounts) {
		add = addCountsInFloats
	}
	if d := r.plain; len(d.series) > 0 {
		b.Queue(`INSERT INTO buckets AS b (shard, series, slice, good, bad, unknown)
			SELECT $1::integer, * FROM unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
			ON CONFLICT (series, slice, shard) DO UPDATE SET `+add,
			moved.shard, d.series, d.slices, d.good, d.bad, d.unknown)
	}
	d := r.corrected
	if len(d.series) == 0 {
		return
	}
	b.Queue(`INSERT INTO buckets AS b (shard, series, slice, good, bad, unknown, late, repeats, conflicts,
			revisions, revised_ns, revised_sequence)
		SELECT $1::integer, series, slice, good, bad, unknown, NULLIF(late, 0), NULLIF(repeats, 0), NULLIF(conflicts, 0),
			CASE WHEN revised THEN 1 END, CASE WHEN revised THEN $11::bigint END, CASE WHEN revised THEN $12::bigint END
		FROM (SELECT *, late > 0 OR $10::bigint > slice AS revised
			FROM unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
				AS new (series, slice, good, bad, unknown, late, repeats, conflicts)) AS judged
		ON CONFLICT (series, slice, shard) DO UPDATE SET `+add+`,
			late = NULLIF(COALESCE(b.late, 0) + COALESCE(excluded.late, 0), 0),
			repeats = NULLIF(COALESCE(b.repeats, 0) + COALESCE(excluded.repeats, 0), 0),
			conflicts = NULLIF(COALESCE(b.conflicts, 0) + COALESCE(excluded.conflicts, 0), 0),
			revisions = NULLIF(COALESCE(b.revisions, 0) + COALESCE(excluded.revisions, 0), 0),
			revised_ns = GREATEST(excluded.revised_ns, b.revised_ns),
			revised_sequence = GREATEST(excluded.revised_sequence, b.revised_sequence)`,
		moved.shard, d.series, d.slices, d.good, d.bad, d.unknown, d.late, d.repeats, d.conflicts,
		recountRevises(moved, c), moved.until, c.Sequence)
}

// recountRevises is the first slice that a recount does not revise, because it
// is not closed yet; without a recount, that is every slice.
func recountRevises(moved movedCursor, c slo.Commit) int64 {
	if len(c.Recounted) == 0 {
		return 0
	}
	return int64(closedBefore(instant(moved.until)))
}

// closedBefore is the first slice that events may still be added to without
// being late: what arrives from until on is not more than slo.LateAfter behind
// the end of the slice.
func closedBefore(until time.Time) slo.Slice {
	if until.IsZero() {
		return 0
	}
	// A slice is closed if its end is before the bound: strictly, since the
	// next record may have the same arrival.
	bound := until.Add(-slo.LateAfter)
	first := slo.SliceOf(bound)
	if first.Start().Equal(bound) {
		first--
	}
	return max(0, first)
}

// queueCounted writes down which series came and went, at which instant and
// after which record. A series that did both within the commit is told by the
// instants: the later one stands.
func (r *commitRows) queueCounted(b *pgx.Batch, shard int32, position slo.Offset) {
	const start = `INSERT INTO series_counted (series, shard, from_ns, from_position)
		SELECT id, $1::integer, ns, $4::bigint FROM unnest($2::integer[], $3::bigint[]) AS new (id, ns)
		WHERE NOT EXISTS (SELECT FROM series_counted o WHERE o.series = new.id AND o.shard = $1 AND o.to_ns IS NULL)
		ON CONFLICT (series, shard, from_position) DO UPDATE SET to_ns = NULL, to_position = NULL`
	const stop = `UPDATE series_counted SET to_ns = GREATEST(from_ns, new.ns), to_position = $4::bigint
		FROM unnest($2::integer[], $3::bigint[]) AS new (id, ns)
		WHERE series_counted.series = new.id AND shard = $1 AND to_ns IS NULL`
	startedNS := make(map[int32]int64, len(r.started.series))
	for i, id := range r.started.series {
		startedNS[id] = r.started.ns[i]
	}
	before, after := r.stopped.split(func(id int32, ns int64) bool {
		started, both := startedNS[id]
		return !both || ns <= started
	})
	if len(before.series) > 0 {
		b.Queue(stop, shard, before.series, before.ns, position)
	}
	if len(r.started.series) > 0 {
		b.Queue(start, shard, r.started.series, r.started.ns, position)
	}
	if len(after.series) > 0 {
		b.Queue(stop, shard, after.series, after.ns, position)
	}
}

// queueSeen writes down gaps, the totals of refusals, and services.
func (r *commitRows) queueSeen(b *pgx.Batch, shard int32, c slo.Commit) {
	if len(c.Gaps) > 0 {
		b.Queue(`INSERT INTO gaps (shard, from_ns, to_ns) SELECT $1::integer, * FROM unnest($2::bigint[], $3::bigint[])
			ON CONFLICT (shard, from_ns) DO UPDATE SET to_ns = GREATEST(gaps.to_ns, excluded.to_ns)`, shard, r.gapFrom, r.gapTo)
	}
	for _, reason := range slices.Sorted(maps.Keys(c.Refused)) {
		b.Queue(`INSERT INTO refused (reason, spans) VALUES ($1, $2)
			ON CONFLICT (reason) DO UPDATE SET spans = refused.spans + excluded.spans`, reason, c.Refused[reason])
	}
	if len(c.Services) == 0 {
		return
	}
	services := slices.SortedFunc(slices.Values(c.Services), func(a, b slo.Service) int { return cmp.Compare(a.Name, b.Name) })
	names, spans, seen := make([]string, len(services)), make([]int64, len(services)), make([]*int64, len(services))
	for i, service := range services {
		names[i], spans[i], seen[i] = service.Name, service.Spans, nanos(service.LastSeen)
	}
	b.Queue(`INSERT INTO services (name, spans, last_seen_ns) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
		ON CONFLICT (name) DO UPDATE SET spans = services.spans + excluded.spans,
			last_seen_ns = GREATEST(services.last_seen_ns, excluded.last_seen_ns)`, names, spans, seen)
}
