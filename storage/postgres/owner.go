package postgres

import (
	"context"
	"errors"
	"fmt"
)

// ErrForeign says that the database has counted another journal, so that its
// cursor says nothing about this one.
var ErrForeign = errors.New("the database belongs to another journal")

// Own makes the database that of a journal, known by an identity, or refuses
// with ErrForeign if it is another's already. Two programs on one database, or
// a journal that was replaced, would be counted by one cursor.
func (s *Store) Own(ctx context.Context, journal string) error {
	var owner string
	err := s.pool.QueryRow(ctx, `INSERT INTO owner (id) VALUES ($1)
		ON CONFLICT (single) DO UPDATE SET id = owner.id RETURNING id`, journal).Scan(&owner)
	if err != nil {
		return fmt.Errorf("read to whom the database belongs: %w", err)
	}
	if owner != journal {
		return fmt.Errorf("%w (%s, this one is %s): start with the data folder that holds it, or use another database",
			ErrForeign, owner, journal)
	}
	return nil
}
