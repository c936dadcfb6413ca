package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/slowburn-slo/slowburn/slo"
)

// ErrUnsafe says that the server would lose what it confirmed, or is too old
// to be used.
var ErrUnsafe = errors.New("the database server cannot be used")

const (
	// minServerVersion is the oldest server, as server_version_num counts: 15.0.
	minServerVersion = 150000
	defaultMaxConns  = 10
)

// Options are what Open needs beside the address.
type Options struct {
	// Logger gets the few things worth telling; nil discards them.
	Logger *slog.Logger
	// MaxConns bounds the connections to the server; 0 means 10.
	MaxConns int
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	logger *slog.Logger
	// holder is how the leadership knows this store from any other, epoch the
	// newest that it has led in.
	holder string
	epoch  atomic.Int64

	mu sync.Mutex
	// ids and hashes translate series both ways; days are the partitions known
	// to exist. Both only hold what was committed, and are forgotten with each
	// new connection, since that may lead to a server that lacks some of it.
	ids    map[slo.SeriesID]int32
	hashes map[int32]slo.SeriesID
	days   map[int64]bool
	// followed are the newest commits that followers were shown, by shard.
	followed map[string]mark
}

// Open connects to the server at the URL (or keyword/value string), brings its
// schema up to date and returns the store. It refuses, as ErrUnsafe, a server
// older than 15, a database whose encoding is not UTF8, and one with fsync,
// full_page_writes or synchronous_commit off; and, as ErrNewerSchema, a
// database that a newer program has used. The caller MUST Close the store.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database address: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxConns <= 0 {
		o.MaxConns = defaultMaxConns
	}
	s := &Store{logger: o.Logger, holder: newHolder(), followed: make(map[string]mark)}
	s.forget()
	config.MaxConns = int32(min(o.MaxConns, 1000))
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		s.forget()
		return checkServer(ctx, conn)
	}
	watchCommits(&config.ConnConfig.Config)
	setDefaults(config.ConnConfig.RuntimeParams)
	if err := migrate(ctx, config.ConnConfig, o.Logger); err != nil {
		return nil, err
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := s.Ping(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends every connection, after what is under way is done. It may be
// called twice.
func (s *Store) Close() { s.pool.Close() }

// Ping asks the server for an answer.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	return nil
}

// setDefaults bounds what one statement may take, where the address does not
// say otherwise: a hung statement would hold locks that the ledger waits for.
func setDefaults(parameters map[string]string) {
	for name, value := range map[string]string{
		"application_name":                    "slowburn",
		"statement_timeout":                   "30s",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "60s",
	} {
		if _, set := parameters[name]; !set {
			parameters[name] = value
		}
	}
}

// checkServer refuses a server that would break the promise: what was
// committed is on its disk.
func checkServer(ctx context.Context, conn *pgx.Conn) error {
	names := []string{"server_version_num", "server_version", "server_encoding", "fsync", "full_page_writes", "synchronous_commit"}
	var values []string
	err := conn.QueryRow(ctx, `SELECT array_agg(current_setting(name) ORDER BY position)
		FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, position)`, names).Scan(&values)
	if err != nil {
		return fmt.Errorf("read the settings of the database server: %w", err)
	}
	if version, err := strconv.Atoi(values[0]); err != nil || version < minServerVersion {
		return fmt.Errorf("%w: it is PostgreSQL %s, but 15 or newer is needed", ErrUnsafe, values[1])
	}
	if values[2] != "UTF8" {
		return fmt.Errorf("%w: the encoding of the database is %s: create it with ENCODING 'UTF8'", ErrUnsafe, values[2])
	}
	var off []string
	for i, name := range names {
		if values[i] == "off" {
			off = append(off, name)
		}
	}
	if len(off) > 0 {
		return fmt.Errorf("%w: %s is off, so that it may lose what it has confirmed: turn it on", ErrUnsafe, strings.Join(off, ", "))
	}
	return nil
}

// forget empties what was learnt of the server's content.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = make(map[slo.SeriesID]int32)
	s.hashes = make(map[int32]slo.SeriesID)
	s.days = make(map[int64]bool)
}
