package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// ErrNewerSchema says that a newer program has used the database.
var ErrNewerSchema = errors.New("the database was used by a newer Slowburn")

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationsTable is where the applied migrations are written down.
const migrationsTable = "slowburn_migrations"

// migrate brings the schema up to date. Each file is one transaction with its
// version, so that a migration that was interrupted has either happened or not,
// and the next start completes it. Several programs may do so at once: an
// advisory lock lets one work while the others wait, up to five minutes.
func migrate(ctx context.Context, pool *pgx.ConnConfig, logger *slog.Logger) error {
	config := pool.Copy()
	config.RuntimeParams["statement_timeout"] = "0" // A migration takes as long as it takes.
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	err = checkServer(ctx, conn)
	if closeErr := conn.Close(ctx); err == nil && closeErr != nil {
		err = fmt.Errorf("open the database: %w", closeErr)
	}
	if err != nil {
		return err
	}
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return fmt.Errorf("read the embedded migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("prepare the migration lock: %w", err)
	}
	config.Tracer = betweenStatements{}
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker),
		goose.WithTableName(migrationsTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the embedded migrations: %w", err)
	}
	applied, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	for _, m := range applied {
		logger.InfoContext(ctx, "database migrated", "migration", m.Source.Path, "took", m.Duration)
	}
	version, known, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	if version > known {
		return fmt.Errorf("%w: its schema has version %d, this program knows up to %d: start the newer program, or restore a backup",
			ErrNewerSchema, version, known)
	}
	return nil
}

// betweenStatements lets the crash harness kill the process after any statement
// of a migration.
type betweenStatements struct{}

// TraceQueryStart does nothing.
func (betweenStatements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd passes the failpoint.
func (betweenStatements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {
	failpoint.Here(failpoint.InMigration)
}
