package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

// newHolder is a name that no other store has: a takeover that a failover has
// undone may give an epoch again, and then the name tells who it is.
func newHolder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text())
}

// fence lets a transaction go on only if the store leads in that epoch, and
// keeps others from taking over before it ends: they change the row that it
// has locked. It returns slo.ErrFenced otherwise.
func (s *Store) fence(ctx context.Context, tx pgx.Tx, epoch int64) error {
	if failpoint.Planted(failpoint.NoFence) {
		return nil
	}
	var ours bool
	err := tx.QueryRow(ctx, `SELECT true FROM leadership WHERE epoch = $1 AND holder = $2 FOR SHARE`, epoch, s.holder).Scan(&ours)
	if errors.Is(err, pgx.ErrNoRows) {
		return slo.ErrFenced
	}
	if err != nil {
		return fmt.Errorf("read who leads: %w", err)
	}
	return nil
}
