package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// Definitions returns the SLOs in force, by name.
func (s *Store) Definitions(ctx context.Context) ([]slo.Definition, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, revision, origin, document, spec, applied_at_ns
		FROM definitions WHERE archived_at_ns IS NULL ORDER BY name COLLATE "C"`)
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	definitions, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (slo.Definition, error) {
		var d slo.Definition
		var name string
		var spec []byte
		var applied *int64
		if err := row.Scan(&name, &d.Revision, &d.Origin, &d.Document, &spec, &applied); err != nil {
			return d, err
		}
		d.AppliedAt = instant(applied)
		if d.SLO, err = decodeSLO(spec); err != nil {
			return d, fmt.Errorf("revision %d of %s: %w", d.Revision, name, err)
		}
		return d, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	return definitions, nil
}

// insertDefinitions makes each definition the newest of its name.
const insertDefinitions = `INSERT INTO definitions (name, revision, origin, document, spec, applied_at_ns)
	SELECT n.name, COALESCE((SELECT max(d.revision) FROM definitions AS d WHERE d.name = n.name), 0) + 1,
		n.origin, COALESCE(n.document, ''::bytea), n.spec::json, $5
	FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) AS n (name, origin, document, spec)
	RETURNING name, revision`

// saveDefinitions puts new revisions into force and fills in which they are.
func saveDefinitions(ctx context.Context, tx pgx.Tx, definitions []slo.Definition, at time.Time) error {
	var names, origins, specs []string
	var documents [][]byte
	for _, d := range definitions {
		spec, err := encodeSLO(d.SLO)
		if err != nil {
			return fmt.Errorf("%s: %w", d.SLO.Name, err)
		}
		names, origins = append(names, d.SLO.Name), append(origins, d.Origin)
		documents, specs = append(documents, d.Document), append(specs, string(spec))
	}
	if err := archiveDefinitions(ctx, tx, names, at); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, insertDefinitions, names, origins, documents, specs, at.UnixNano())
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
