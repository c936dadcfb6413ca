package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// refRow names an object as the columns of type json hold it.
type refRow struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

func newRefRow(r slo.ObjectRef) refRow { return refRow{Kind: string(r.Kind), Name: r.Name} }

func (r refRow) ref() slo.ObjectRef { return slo.ObjectRef{Kind: slo.Kind(r.Kind), Name: r.Name} }

// Objects returns the objects in force that are no SLOs, by kind and name.
func (s *Store) Objects(ctx context.Context) ([]slo.Object, error) {
	rows, err := s.pool.Query(ctx, `SELECT kind, name, revision, origin, document, refs, applied_at_ns
		FROM objects WHERE archived_at_ns IS NULL ORDER BY kind COLLATE "C", name COLLATE "C"`)
	if err != nil {
		return nil, fmt.Errorf("read the objects: %w", err)
	}
	objects, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (slo.Object, error) {
		var o slo.Object
		var kind string
		var encoded []byte
		var applied *int64
		if err := row.Scan(&kind, &o.Name, &o.Revision, &o.Origin, &o.Document, &encoded, &applied); err != nil {
			return o, err
		}
		o.Kind, o.AppliedAt = slo.Kind(kind), instant(applied)
		var refs []refRow
		if err := json.Unmarshal(encoded, &refs); err != nil {
			return o, fmt.Errorf("revision %d of %s: %w", o.Revision, o, err)
		}
		o.References = each(refs, refRow.ref)
		return o, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the objects: %w", err)
	}
	return objects, nil
}

// insertObjects makes each object the newest of its kind and name.
const insertObjects = `INSERT INTO objects (kind, name, revision, origin, document, refs, applied_at_ns)
	SELECT n.kind, n.name,
		COALESCE((SELECT max(o.revision) FROM objects AS o WHERE o.kind = n.kind AND o.name = n.name), 0) + 1,
		n.origin, COALESCE(n.document, ''::bytea), n.refs::json, $6
	FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[]) AS n (kind, name, origin, document, refs)
	RETURNING kind, name, revision`

// saveObjects puts new revisions into force and fills in which they are.
func saveObjects(ctx context.Context, tx pgx.Tx, objects []slo.Object, at time.Time) error {
	var kinds, names, origins, refs []string
	var documents [][]byte
	for _, o := range objects {
		encoded, err := json.Marshal(each(o.References, newRefRow))
		if err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
		kinds, names, origins = append(kinds, string(o.Kind)), append(names, o.Name), append(origins, o.Origin)
		documents, refs = append(documents, o.Document), append(refs, string(encoded))
	}
	if err := archiveObjects(ctx, tx, kinds, names, at); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, insertObjects, kinds, names, origins, documents, refs, at.UnixNano())
	if err != nil {
		return err
	}
	revisions := make(map[slo.ObjectRef]int, len(objects))
	var kind, name string
	var revision int
	if _, err := pgx.ForEachRow(rows, []any{&kind, &name, &revision}, func() error {
		revisions[slo.ObjectRef{Kind: slo.Kind(kind), Name: name}] = revision
		return nil
	}); err != nil {
		return err
	}
	for i := range objects {
		objects[i].Revision, objects[i].AppliedAt = revisions[objects[i].ObjectRef], at
	}
	return nil
}

// archiveObjects ends those of the kinds and names that are in force.
func archiveObjects(ctx context.Context, tx pgx.Tx, kinds, names []string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE objects AS o SET archived_at_ns = $3 FROM unnest($1::text[], $2::text[]) AS gone (kind, name)
		WHERE o.kind = gone.kind AND o.name = gone.name AND o.archived_at_ns IS NULL`, kinds, names, at.UnixNano())
	return err
}
