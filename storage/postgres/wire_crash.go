//go:build crash

package postgres

import (
	"bytes"
	"context"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// watchCommits lets the harness kill the process when a COMMIT is on its way
// and nobody has read what became of it.
func watchCommits(config *pgconn.Config) {
	config.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
		return wire{conn}, nil
	}
}

// wire is a connection to the server, without encryption.
type wire struct{ net.Conn }

// Write passes the failpoint after a query that is just "commit".
func (w wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if err == nil && bytes.Equal(b, []byte("Q\x00\x00\x00\x0bcommit\x00")) {
		failpoint.Here(failpoint.CommitSent)
	}
	return n, err
}
