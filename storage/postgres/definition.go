package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// Definitions returns the SLOs in force, by name, each with the revisions before
// it that measured something else, as far as windows may reach back to them. A
// name that was archived for a while has none of before. Of one that was edited
// for longer than any window CreatedAt may be later than it was, but not within
// a window of now.
func (s *Store) Definitions(ctx context.Context) ([]slo.Definition, error) {
	// Of each live name the revisions that followed on each other without a gap.
	rows, err := s.pool.Query(ctx, `SELECT d.name, d.revision, d.origin, CASE WHEN d.archived_at_ns IS NULL THEN d.document ELSE ''::bytea END,
			d.spec, d.applied_at_ns, d.archived_at_ns, d.retire_now
		FROM definitions d JOIN definitions live ON live.name = d.name AND live.archived_at_ns IS NULL
		WHERE d.archived_at_ns IS NULL OR d.archived_at_ns >= live.applied_at_ns - $1
		ORDER BY d.name COLLATE "C", d.revision`, int64(slo.MaxWindow))
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	var definitions []slo.Definition
	var before revisionRow
	for rows.Next() {
		row, err := scanRevision(rows)
		if err != nil {
			rows.Close()
			return nil, fmt.Errorf("read the definitions: %w", err)
		}
		if before.follows(row) {
			row.Definition = row.After(&before.Definition)
		} else {
			row.Definition = row.After(nil)
		}
		if before = row; row.archived == nil {
			definitions = append(definitions, row.Definition)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	return definitions, nil
}

// revisionRow is one revision, with when it ended.
type revisionRow struct {
	slo.Definition

	applied, archived *int64
}

// follows reports whether the next revision took the place of this one.
func (r revisionRow) follows(next revisionRow) bool {
	return r.SLO.Name == next.SLO.Name && r.archived != nil && next.applied != nil && *r.archived == *next.applied
}

func scanRevision(rows pgx.Rows) (revisionRow, error) {
	var row revisionRow
	var name string
	var spec []byte
	err := rows.Scan(&name, &row.Revision, &row.Origin, &row.Document, &spec, &row.applied, &row.archived, &row.RetireNow)
	if err != nil {
		return row, err
	}
	row.AppliedAt = instant(row.applied)
	if row.SLO, err = decodeSLO(spec); err != nil {
		return row, fmt.Errorf("revision %d of %s: %w", row.Revision, name, err)
	}
	return row, nil
}

// insertDefinitions makes each definition the newest of its name.
const insertDefinitions = `INSERT INTO definitions (name, revision, origin, document, spec, applied_at_ns, retire_now)
	SELECT n.name, COALESCE((SELECT max(d.revision) FROM definitions AS d WHERE d.name = n.name), 0) + 1,
		n.origin, COALESCE(n.document, ''::bytea), n.spec::json, $6, n.retire_now
	FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::boolean[]) AS n (name, origin, document, spec, retire_now)
	RETURNING name, revision`

// saveDefinitions puts new revisions into force and fills in which they are.
func saveDefinitions(ctx context.Context, tx pgx.Tx, definitions []slo.Definition, at time.Time) error {
	var names, origins, specs []string
	var documents [][]byte
	var retire []bool
	for _, d := range definitions {
		spec, err := encodeSLO(d.SLO)
		if err != nil {
			return fmt.Errorf("%s: %w", d.SLO.Name, err)
		}
		names, origins = append(names, d.SLO.Name), append(origins, d.Origin)
		documents, specs, retire = append(documents, d.Document), append(specs, string(spec)), append(retire, d.RetireNow)
	}
	if err := archiveDefinitions(ctx, tx, names, at); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, insertDefinitions, names, origins, documents, specs, retire, at.UnixNano())
	if err != nil {
		return err
	}
	revisions := make(map[string]int, len(definitions))
	var name string
	var revision int
	if _, err := pgx.ForEachRow(rows, []any{&name, &revision}, func() error {
		revisions[name] = revision
		return nil
	}); err != nil {
		return err
	}
	for i := range definitions {
		definitions[i].Revision, definitions[i].AppliedAt = revisions[definitions[i].SLO.Name], at
	}
	return nil
}

// archiveDefinitions ends those of the names that are in force.
func archiveDefinitions(ctx context.Context, tx pgx.Tx, names []string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE definitions SET archived_at_ns = $2 WHERE name = ANY ($1) AND archived_at_ns IS NULL`,
		names, at.UnixNano())
	return err
}
