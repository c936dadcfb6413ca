package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// refusalsPerHour bounds the rows of one hour: names of services come from
	// whoever sends. What is beyond goes into the rows of otherServices.
	refusalsPerHour = 300
	otherServices   = "(other services)"
	refusalsKept    = 31 * 24 // hours
	maxService      = 200     // bytes
)

func hourOf(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }

// queueRefusals writes down who was refused what in the hour of the commit.
// The totals by reason are kept beside it, for ever.
func queueRefusals(b *pgx.Batch, c slo.Commit) {
	if len(c.Refusals) == 0 {
		return
	}
	n := len(c.Refusals)
	signals, reasons, services, items := make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	sorted := slices.SortedFunc(slices.Values(c.Refusals), func(a, b slo.Refusal) int {
		return cmp.Or(cmp.Compare(a.Signal, b.Signal), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Service, b.Service))
	})
	for i, r := range sorted {
		service := r.Service
		if len(service) > maxService {
			service = service[:maxService]
		}
		signals[i], reasons[i], services[i], items[i] = printable(r.Signal), printable(r.Reason), printable(service), r.Items
	}
	hour := hourOf(c.MeasuredUntil)
	// A row that is there goes on; new ones get what room is left.
	b.Queue(`INSERT INTO refusals AS r (hour, signal, reason, service, items)
		SELECT $1::bigint, signal, reason, CASE WHEN place <= $6 THEN service ELSE $7 END AS service, sum(items)
		FROM (SELECT new.*, CASE WHEN old.hour IS NOT NULL THEN 0 ELSE
					(SELECT count(*) FROM refusals WHERE hour = $1)
					+ row_number() OVER (PARTITION BY old.hour ORDER BY new.signal, new.reason, new.service)
				END AS place
			FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS new (signal, reason, service, items)
			LEFT JOIN refusals AS old ON old.hour = $1 AND old.signal = new.signal AND old.reason = new.reason
				AND old.service = new.service) AS placed
		GROUP BY 2, 3, 4 ORDER BY 2, 3, 4
		ON CONFLICT (hour, signal, reason, service) DO UPDATE SET items = r.items + excluded.items`,
		hour, signals, reasons, services, items, refusalsPerHour, otherServices)
	b.Queue(`DELETE FROM refusals WHERE hour < $1`, hour-refusalsKept)
}

// Refusals returns how many items were refused since an instant (its hour
// included) by signal, reason and service, the most first. It goes back a
// month; Refused has the totals of ever.
func (s *Store) Refusals(ctx context.Context, since time.Time) ([]slo.Refusal, error) {
	rows, err := s.pool.Query(ctx, `SELECT signal, reason, service, sum(items)::bigint FROM refusals WHERE hour >= $1
		GROUP BY signal, reason, service ORDER BY 4 DESC, signal, reason, service`, hourOf(since))
	if err != nil {
		return nil, fmt.Errorf("read refusals: %w", err)
	}
	refusals, err := pgx.CollectRows(rows, pgx.RowToStructByPos[slo.Refusal])
	if err != nil {
		return nil, fmt.Errorf("read refusals: %w", err)
	}
	return refusals, nil
}

// Repeated returns how many items were not counted because they had been seen
// before: repeats and conflicts, of all shards and of ever.
func (s *Store) Repeated(ctx context.Context) (repeats, conflicts int64, err error) {
	err = s.pool.QueryRow(ctx, `SELECT COALESCE(sum(repeats), 0)::bigint, COALESCE(sum(conflicts), 0)::bigint FROM cursors`).
		Scan(&repeats, &conflicts)
	if err != nil {
		return 0, 0, fmt.Errorf("read how many items were repeated: %w", err)
	}
	return repeats, conflicts, nil
}
