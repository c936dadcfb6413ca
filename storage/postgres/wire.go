//go:build !crash

package postgres

import "github.com/jackc/pgx/v5/pgconn"

// watchCommits does something in builds of the crash harness only.
func watchCommits(*pgconn.Config) {}
