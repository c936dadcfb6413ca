package postgres

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// commitRows are the columns of a commit, as arrays that one statement unnests.
// Rows are sorted, so that two shards lock what they share in the same order.
type commitRows struct {
	deltas             []slo.Delta
	series             []int32
	slices             []int64
	good, bad, unknown []int64
	watermarks         instants
	started, stopped   instants
	gapFrom, gapTo     []int64
}

// instants are pairs of a series and a time.
type instants struct {
	hashes []slo.SeriesID
	series []int32
	ns     []int64
}

func newInstants(of map[slo.SeriesID]time.Time) instants {
	i := instants{hashes: slices.Sorted(maps.Keys(of)), series: []int32{}, ns: make([]int64, 0, len(of))}
	for _, hash := range i.hashes {
		i.ns = append(i.ns, of[hash].UnixNano())
	}
	return i
}

func newCommitRows(c slo.Commit) *commitRows {
	n := len(c.Deltas)
	r := &commitRows{
		deltas: slices.Clone(c.Deltas), slices: make([]int64, n),
		good: make([]int64, n), bad: make([]int64, n), unknown: make([]int64, n),
		watermarks: newInstants(c.Watermarks), started: newInstants(c.Started), stopped: newInstants(c.Stopped),
		gapFrom: make([]int64, len(c.Gaps)), gapTo: make([]int64, len(c.Gaps)),
	}
	slices.SortFunc(r.deltas, func(a, b slo.Delta) int {
		return cmp.Or(cmp.Compare(a.Series, b.Series), cmp.Compare(a.Slice, b.Slice))
	})
	for i, d := range r.deltas {
		r.slices[i], r.good[i], r.bad[i], r.unknown[i] = int64(d.Slice), d.Counts.Good, d.Counts.Bad, d.Counts.Unknown
	}
	for i, gap := range c.Gaps {
		r.gapFrom[i], r.gapTo[i] = gap.From.UnixNano(), gap.To.UnixNano()
	}
	return r
}

// number fills in the small ids of every series named in the commit.
func (r *commitRows) number(look func([]slo.SeriesID) ([]int32, error)) error {
	all := make([]slo.SeriesID, 0, len(r.deltas)+len(r.watermarks.hashes)+len(r.started.hashes)+len(r.stopped.hashes))
	for _, d := range r.deltas {
		all = append(all, d.Series)
	}
	for _, i := range []*instants{&r.watermarks, &r.started, &r.stopped} {
		all = append(all, i.hashes...)
	}
	ids, err := look(all)
	if err != nil {
		return err
	}
	r.series, ids = ids[:len(r.deltas)], ids[len(r.deltas):]
	for _, i := range []*instants{&r.watermarks, &r.started, &r.stopped} {
		i.series, ids = ids[:len(i.hashes)], ids[len(i.hashes):]
	}
	return nil
}

// batch queues every statement after the cursor's, to be sent at once.
func (r *commitRows) batch(shard int32, c slo.Commit) *pgx.Batch {
	b := &pgx.Batch{}
	if len(r.series) > 0 {
		b.Queue(`INSERT INTO buckets (shard, series, slice, good, bad, unknown)
			SELECT $1::integer, * FROM unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
			ON CONFLICT (series, slice, shard) DO UPDATE SET
				good = buckets.good + excluded.good, bad = buckets.bad + excluded.bad, unknown = buckets.unknown + excluded.unknown`,
			shard, r.series, r.slices, r.good, r.bad, r.unknown)
	}
	if len(r.watermarks.series) > 0 {
		b.Queue(`UPDATE series SET watermark_ns = new.ns FROM unnest($1::integer[], $2::bigint[]) AS new (id, ns)
			WHERE series.id = new.id AND (series.watermark_ns IS NULL OR series.watermark_ns < new.ns)`,
			r.watermarks.series, r.watermarks.ns)
	}
	r.queueCounted(b, shard)
	r.queueSeen(b, shard, c)
	b.Queue(`INSERT INTO commits (shard, sequence, from_position, to_position, measured_until_ns,
			series, slices, good, bad, unknown, watermark_series, watermark_ns, gap_from_ns, gap_to_ns,
			started_series, started_ns, stopped_series, stopped_ns)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		shard, c.Sequence, c.From, c.To, nanos(c.MeasuredUntil),
		r.series, r.slices, r.good, r.bad, r.unknown, r.watermarks.series, r.watermarks.ns, r.gapFrom, r.gapTo,
		r.started.series, r.started.ns, r.stopped.series, r.stopped.ns)
	if c.Sequence%pruneEvery == 0 {
		b.Queue(`DELETE FROM commits WHERE shard = $1 AND (sequence <= $2 OR (sequence < $3 AND committed_at < now() - $4::interval))`,
			shard, c.Sequence-keptCommits, c.Sequence, keptCommitsFor)
	}
	b.Queue(`SELECT pg_notify($1, $2)`, commitsChannel, c.Shard)
	return b
}

// queueCounted writes down which series came and went. A series that did both
// within the commit is told by the instants: the later one stands.
func (r *commitRows) queueCounted(b *pgx.Batch, shard int32) {
	const start = `INSERT INTO series_counted (series, shard, from_ns)
		SELECT id, $1::integer, ns FROM unnest($2::integer[], $3::bigint[]) AS new (id, ns)
		WHERE NOT EXISTS (SELECT FROM series_counted o WHERE o.series = new.id AND o.shard = $1 AND o.to_ns IS NULL)
		ON CONFLICT (series, shard, from_ns) DO UPDATE SET to_ns = NULL`
	const stop = `UPDATE series_counted SET to_ns = GREATEST(from_ns, new.ns)
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
		b.Queue(stop, shard, before.series, before.ns)
	}
	if len(r.started.series) > 0 {
		b.Queue(start, shard, r.started.series, r.started.ns)
	}
	if len(after.series) > 0 {
		b.Queue(stop, shard, after.series, after.ns)
	}
}

// split parts the pairs by a condition.
func (i instants) split(first func(id int32, ns int64) bool) (yes, no instants) {
	for k, id := range i.series {
		into := &no
		if first(id, i.ns[k]) {
			into = &yes
		}
		into.series, into.ns = append(into.series, id), append(into.ns, i.ns[k])
	}
	return yes, no
}

// queueSeen writes down gaps, refusals and services.
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
