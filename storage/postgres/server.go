package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// readyTimeout is how long a server may take until it answers; after a
	// crash it first reads up to a gigabyte of its log again.
	readyTimeout = 5 * time.Minute
	answerWithin = 5 * time.Second
	askEvery     = 25 * time.Millisecond

	restartBackoff    = 100 * time.Millisecond
	restartBackoffMax = 10 * time.Second
	rotateEvery       = time.Minute
)

// ServerOptions are what StartServer needs.
type ServerOptions struct {
	// DataDir is the data folder of the product; the database lives in its
	// folder "postgres", or where its file "postgres.location" says.
	DataDir string
	// Logger hears of starts, stops and crashes; nil discards them.
	Logger *slog.Logger
}

// Server is a PostgreSQL server of our own: it listens on a Unix socket in a
// private folder only, and survives this process if that is killed.
type Server struct {
	cluster
	logger *slog.Logger
	// life ends with Stop; what is being started then is given up.
	life context.Context //nolint:containedctx // It is the life of the server, not of a call.
	end  context.CancelFunc
	// starting is held while a server is started, so that Stop finds it.
	starting sync.Mutex
	process  atomic.Pointer[process]
	socket   atomic.Pointer[string]
}

// StartServer starts the database server of the data folder, whose files it
// creates if there are none, and returns when the server answers. One that
// survived an earlier process is taken over. ctx bounds the start only; the
// server runs until Stop.
//
// As root it runs the server as the user postgres, or nobody; if that user
// cannot enter the data folder, the files are in a folder below
// /var/lib/slowburn, which postgres.location names. It returns ErrNoServer
// if PostgreSQL is not installed.
func StartServer(ctx context.Context, o ServerOptions) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := prepareCluster(ctx, o.DataDir, o.Logger)
	if err != nil {
		return nil, err
	}
	s := &Server{cluster: c, logger: o.Logger}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.start(ctx); err != nil {
		s.end()
		return nil, err
	}
	if err := s.createDatabase(ctx); err != nil {
		s.end()
		return nil, errors.Join(err, s.process.Load().stop(ctx))
	}
	return s, nil
}

// URL is the address for Open. It stays the same when the server is started again.
func (s *Server) URL() string { return socketURL(*s.socket.Load(), database) }

// Dir is the folder of the database's files.
func (s *Server) Dir() string { return s.dir }

// PID is the number of the server's process.
func (s *Server) PID() int { return s.process.Load().pid }

// Run starts the server again whenever it dies, until ctx ends (it returns the
// error of ctx) or the server is stopped (nil). It does not stop the server.
func (s *Server) Run(ctx context.Context) error {
	rotate := time.NewTicker(rotateEvery)
	defer rotate.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("watch the database server: %w", ctx.Err())
		case <-s.life.Done():
			return nil
		case <-rotate.C:
			if err := rotateLog(s.logFile(), maxLogSize); err != nil {
				s.logger.WarnContext(ctx, "database log kept", "error", err)
			}
		case <-s.process.Load().gone:
			s.restart(ctx)
		}
	}
}

// restart starts the server until it runs, or ctx or its life ends.
func (s *Server) restart(ctx context.Context) {
	if s.life.Err() == nil {
		s.logger.WarnContext(ctx, "database server died, starting it again", "pid", s.PID())
	}
	for backoff := restartBackoff; ctx.Err() == nil && s.life.Err() == nil; backoff = min(2*backoff, restartBackoffMax) {
		err := s.start(ctx)
		if err == nil || s.life.Err() != nil {
			return
		}
		s.logger.ErrorContext(ctx, "database server not started", "error", err, "next_try_in", backoff)
		select {
		case <-ctx.Done():
		case <-s.life.Done():
		case <-time.After(backoff):
		}
	}
}

// Stop ends the server, in order while ctx lasts and without order after that,
// and waits until it is gone. It may be called again.
func (s *Server) Stop(ctx context.Context) error {
	s.end()
	s.starting.Lock()
	defer s.starting.Unlock()
	if err := s.process.Load().stop(ctx); err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "database server stopped")
	return nil
}

func (s *Server) logFile() string { return filepath.Join(s.home, logName) }

// start takes over the server that runs on the cluster, or starts one, and
// waits until it answers.
func (s *Server) start(ctx context.Context) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	adopted, err := s.adopt(ctx)
	if err != nil || adopted {
		return err
	}
	awaitOrphans(ctx, s.dir)
	dir, err := s.keepSocketDir(ctx)
	if err != nil {
		return err
	}
	if err := clearSocketLock(dir, s.dir); err != nil {
		return err
	}
	if err := rotateLog(s.logFile(), maxLogSize); err != nil {
		return err
	}
	child, logged, err := s.spawn(dir)
	if err != nil {
		return fmt.Errorf("start the database server: %w", err)
	}
	if err := awaitReady(ctx, child, dir, s.dir); err != nil {
		cut, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
		defer cancel()
		_ = child.stop(cut) // What counts is why it was not ready.
		return fmt.Errorf("start the database server: %w; its log %s ends: %s", err, s.logFile(), tail(s.logFile(), logged))
	}
	s.process.Store(child)
	s.socket.Store(&dir)
	s.logger.InfoContext(ctx, "database server started", "pid", child.pid, "version", s.major, "user", s.account.name, "database_dir", s.dir)
	return nil
}

// keepSocketDir is the folder of the socket: once chosen it stays, since the
// address is in use.
func (s *Server) keepSocketDir(ctx context.Context) (string, error) {
	chosen := s.socket.Load()
	if chosen == nil {
		return s.socketDir(ctx)
	}
	if *chosen == s.dir {
		return s.dir, nil
	}
	return *chosen, s.ownPrivate(*chosen)
}

// adopt takes over the server that survived its parent, if it answers, and
// stops it if it does not.
func (s *Server) adopt(ctx context.Context) (bool, error) {
	file, found := readPIDFile(s.dir)
	if !found {
		return false, nil
	}
	if file.dir != s.dir || !isServerOf(file.pid, s.dir) {
		return false, clearStale(file, s.dir)
	}
	survivor := newSurvivor(file.pid, s.dir)
	patience, cancel := context.WithTimeout(ctx, 6*answerWithin) // It may be recovering.
	defer cancel()
	if err := awaitReady(patience, survivor, file.socketDir, s.dir); err != nil {
		s.logger.WarnContext(ctx, "database server of an earlier process does not answer, stopping it", "pid", file.pid, "error", err)
		cut, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		_ = survivor.stop(cut)
		select {
		case <-survivor.gone:
			return false, nil
		default:
			return false, fmt.Errorf("stop the database server of an earlier process (process %d): it does not end", file.pid)
		}
	}
	s.process.Store(survivor)
	s.socket.Store(&file.socketDir)
	s.logger.InfoContext(ctx, "database server of an earlier process taken over", "pid", file.pid, "database_dir", s.dir)
	return true, nil
}

// spawn starts a server and returns where its part of the log begins.
func (s *Server) spawn(socketDir string) (*process, int64, error) {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = log.Close() }() // The server has its own copy.
	info, err := log.Stat()
	if err != nil {
		return nil, 0, err
	}
	// Not bound to a context: the end of one would kill it.
	cmd := s.account.command(context.Background(), s.dir, s.program("postgres"), "-D", s.dir,
		"-c", "listen_addresses=", "-c", "port="+strconv.Itoa(socketPort), "-c", "unix_socket_permissions=0700",
		"-c", `unix_socket_directories="`+strings.ReplaceAll(socketDir, `"`, `""`)+`"`)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	return newChild(cmd), info.Size(), nil
}

// awaitReady waits until the server behind the socket answers, and is the one
// that runs on the cluster.
func awaitReady(ctx context.Context, p *process, socketDir, dir string) error {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		answered, err := askDir(ctx, socketDir)
		if err == nil {
			if answered != dir {
				return fmt.Errorf("the server behind %s runs on %s", socketDir, answered)
			}
			return nil
		}
		select {
		case <-p.gone:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("it did not answer in time (%w)", err)
		case <-ticker.C:
		}
	}
}

// askDir asks the server behind the socket for its data directory.
func askDir(ctx context.Context, socketDir string) (dir string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	err = withConn(ctx, socketDir, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SHOW data_directory`).Scan(&dir)
	})
	return dir, err
}

// createDatabase makes the database that Slowburn uses, once.
func (s *Server) createDatabase(ctx context.Context) error {
	err := withConn(ctx, *s.socket.Load(), func(conn *pgx.Conn) error {
		var exists bool
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&exists)
		if err != nil || exists {
			return err
		}
		_, err = conn.Exec(ctx, `CREATE DATABASE `+database)
		return err
	})
	if err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return nil
}

// withConn lends a connection to the server's first database.
func withConn(ctx context.Context, socketDir string, use func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, socketURL(socketDir, "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return use(conn)
}
