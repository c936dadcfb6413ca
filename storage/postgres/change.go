package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxSaved is how many rows one statement writes: documents are kept in memory
// twice while it does.
const maxSaved = 500

// SaveDefinitions archives what the change names and puts a new revision of each
// given SLO and object into force, all in one transaction. It returns the change
// as saved, in the order given: Revision is one more than the newest ever of that
// kind and name, AppliedAt is at. A name to archive that is not in force is
// ignored.
func (s *Store) SaveDefinitions(ctx context.Context, change slo.Change, at time.Time) (slo.Change, error) {
	saved := slo.Change{
		Definitions: slices.Clone(change.Definitions), Objects: slices.Clone(change.Objects), Archive: change.Archive,
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// One at a time: two at once would give the same revision twice.
		if _, err := tx.Exec(ctx, `LOCK TABLE definitions, objects IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		if err := archive(ctx, tx, change.Archive, at); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		for part := range slices.Chunk(saved.Objects, maxSaved) {
			if err := saveObjects(ctx, tx, part, at); err != nil {
				return err
			}
		}
		for part := range slices.Chunk(saved.Definitions, maxSaved) {
			if err := saveDefinitions(ctx, tx, part, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return slo.Change{}, fmt.Errorf("save definitions: %w", err)
	}
	return saved, nil
}

func archive(ctx context.Context, tx pgx.Tx, refs []slo.ObjectRef, at time.Time) error {
	var definitions, kinds, names []string
	for _, ref := range refs {
		if ref.Kind == slo.KindSLO {
			definitions = append(definitions, ref.Name)
			continue
		}
		kinds, names = append(kinds, string(ref.Kind)), append(names, ref.Name)
	}
	if len(definitions) > 0 {
		if err := archiveDefinitions(ctx, tx, definitions, at); err != nil {
			return err
		}
	}
	if len(names) > 0 {
		return archiveObjects(ctx, tx, kinds, names, at)
	}
	return nil
}
