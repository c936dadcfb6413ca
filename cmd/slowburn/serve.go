package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/oklog/run"
	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// handOverBytes bounds the records that are kept in memory for the ledger, by
// their encoded size; decoded they take several times as much.
const handOverBytes = 16 << 20

func newServe(getenv func(string) string) *cobra.Command {
	var c config
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Take in OTLP, count objectives, page",
		Long: "Take in OTLP, count objectives, page.\n\n" +
			"Every flag is also a variable SLOWBURN_… of the environment (SLOWBURN_DATA_DIR of --data-dir)\n" +
			"and a key of the file of --config (data-dir); the command line wins over the environment, and that over the file.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.complete(cmd.Flags(), getenv); err != nil {
				return usageError{err}
			}
			logger, err := newLogger(cmd.ErrOrStderr(), c.logLevel)
			if err != nil {
				return usageError{err}
			}
			return serve(cmd.Context(), c, cmd.OutOrStdout(), logger)
		},
	}
	c.bind(cmd.Flags())
	return cmd
}

func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: expected debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: least})), nil
}

// quiet keeps what a chatty library tells for information out of the log,
// unless debugging was asked for.
type quiet struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	least := slog.LevelWarn
	if q.Handler.Enabled(ctx, slog.LevelDebug) {
		least = slog.LevelDebug
	}
	return level >= least && q.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

// serve runs the platform until ctx ends, then drains it: what was accepted is
// counted and committed, transitions under way are stored, the database is
// stopped. Every refusal to start is one sentence.
func serve(ctx context.Context, c config, out io.Writer, logger *slog.Logger) (err error) {
	if err := prepareDataDir(c.dataDir); err != nil {
		return err
	}
	page, err := listen(ctx, "--http", c.http)
	if err != nil {
		return err
	}
	defer func() { _ = page.Close() }()
	var tlsConfig *tls.Config
	if c.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(c.tlsCert, c.tlsKey)
		if err != nil {
			return fmt.Errorf("read --tls-cert and --tls-key: %w", err)
		}
		tlsConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	// The journal's lock keeps a second process out before the database is touched.
	j, err := journal.Open(filepath.Join(c.dataDir, "journal"), journal.Options{
		Logger: logger.With("part", "journal"), RecentBytes: handOverBytes,
		MaxBytes: int64(c.journalMaxSize), AcceptLoss: c.acceptLoss,
		SegmentBytes: failpoint.Number("SEGMENT_BYTES", 0), // The journal's own default.
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()

	p, err := assemble(ctx, c, j, logger)
	if err != nil {
		return err
	}
	defer p.close()
	var group run.Group
	p.addTo(&group, page, tlsConfig)
	running, stop := context.WithCancel(ctx)
	defer stop()
	group.Add(func() error {
		p.announce(running, out)
		<-running.Done()
		logger.Info("draining")
		return nil
	}, func(error) { stop() })
	err = group.Run()
	if err == nil {
		logger.Info("stopped")
	}
	return err
}

// journalID is the identity of the journal in a folder: random, made at the
// first start and kept in the file "id" beside the segments, so that a database
// can tell which journal it has counted.
func journalID(dir string) (string, error) {
	path := filepath.Join(dir, "id")
	text, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(text)); err == nil && id != "" {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the identity of the journal: %w", err)
	}
	id := strings.ToLower(rand.Text())
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the identity of the journal: %w", err)
	}
	return id, nil
}

// prepareDataDir creates the data folder, closed to others. Root lets others
// pass through it (not look into it), since the database runs as another user.
func prepareDataDir(dir string) error {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("create the data folder: %w (choose another with --data-dir)", err)
	}
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("the data folder cannot be written: %w (choose another with --data-dir)", err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// listen opens a port, or says in one sentence why not.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s %s: the port is in use by another program; choose another address", flag, address)
	default:
		return nil, fmt.Errorf("%s %s: %w", flag, address, err)
	}
}

// actor is a part that runs until its context ends. The group interrupts its
// actors one after the other and waits for each, so that they stop in the
// order of the data: receivers first, then what counts, judges and tells.
func actor(group *run.Group, logger *slog.Logger, name string, execute func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	group.Add(func() error {
		defer close(done)
		if err := execute(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		<-ctx.Done() // A part that ends early without an error does not end the others.
		return nil
	}, func(error) {
		begin := time.Now()
		cancel()
		<-done
		logger.Debug("part stopped", "part", name, "took", time.Since(begin))
	})
}
