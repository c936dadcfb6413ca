package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// leaderLock is held by the connection of who leads.
	leaderLock = 0x736c6f7764 // "slowd"
	// Whoever leads speaks every leaderQuiet, and is given up by the server
	// after leaderIdle of silence: a stopped process keeps its connections, and
	// would keep the lock with them. After leaderAnswer it gives itself up.
	leaderQuiet  = 2 * time.Second
	leaderAnswer = 5 * time.Second
	leaderIdle   = "10s"
)

// Term is one time that a store leads. A store that leads again has a new Term
// with a new epoch; the older stays lost.
type Term struct {
	epoch int64
	conn  *pgx.Conn
	end   context.CancelFunc
	// lost is closed as soon as it is known, over when the connection is gone.
	lost, over chan struct{}
}

// Lead lets the store lead if no other does, and returns slo.ErrNotLeading if
// one does. It holds a connection of its own until the Term is closed or lost;
// the caller MUST Close it.
//
// The lock of that connection only says who is alive. That nobody else decides
// is held by the epoch: every transaction that decides locks its row first, and
// stores nothing (slo.ErrFenced) unless it is the store's.
func (s *Store) Lead(ctx context.Context) (*Term, error) {
	term, err := s.lead(ctx)
	if err != nil {
		return nil, fmt.Errorf("take the lead: %w", err)
	}
	return term, nil
}

func (s *Store) lead(ctx context.Context) (_ *Term, err error) {
	conn, err := pgx.ConnectConfig(ctx, s.leaderConfig())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			closeSoon(ctx, conn)
		}
	}()
	var free bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(leaderLock)).Scan(&free); err != nil {
		return nil, err
	}
	if !free {
		return nil, slo.ErrNotLeading
	}
	s.noticeDeath(ctx, conn)
	epoch, err := s.raiseEpoch(ctx, conn)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	term := &Term{epoch: epoch, conn: conn, end: end, lost: make(chan struct{}), over: make(chan struct{})}
	go term.watch(life, s.holder)
	return term, nil
}

// leaderConfig is for a connection whose end is noticed on either side.
func (s *Store) leaderConfig() *pgx.ConnConfig {
	config := s.pool.Config().ConnConfig
	config.RuntimeParams["application_name"] = "slowburn leader"
	config.RuntimeParams["idle_session_timeout"] = leaderIdle
	dialer := &net.Dialer{
		Timeout:         leaderAnswer,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: leaderQuiet, Interval: leaderQuiet, Count: 3},
	}
	config.DialFunc = dialer.DialContext
	return config
}

// noticeDeath lets the server look whether the other end still lives, where it
// can: over a socket of the same machine there is nothing to set.
func (s *Store) noticeDeath(ctx context.Context, conn *pgx.Conn) {
	for name, value := range map[string]string{
		"tcp_user_timeout": leaderIdle, "tcp_keepalives_idle": "2", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
		"client_connection_check_interval": "5s",
	} {
		if _, err := conn.Exec(ctx, `SELECT set_config($1, $2, false)`, name, value); err != nil {
			s.logger.DebugContext(ctx, "the database server does not look after its connections", "setting", name, "error", err)
		}
	}
}

// raiseEpoch fences off whoever led before. It waits for what they are just
// storing. Where a failover has undone takeovers, epochs of this store are
// still never given twice, and those of others have another holder.
func (s *Store) raiseEpoch(ctx context.Context, conn querier) (epoch int64, err error) {
	err = conn.QueryRow(ctx, `INSERT INTO leadership AS l (epoch, holder) VALUES ($1 + 1, $2)
		ON CONFLICT (single) DO UPDATE SET epoch = GREATEST(l.epoch, $1) + 1, holder = $2, taken_at = now()
		RETURNING epoch`, s.epoch.Load(), s.holder).Scan(&epoch)
	if err != nil {
		return 0, fmt.Errorf("raise the epoch: %w", err)
	}
	s.epoch.Store(epoch)
	return epoch, nil
}

// Epoch rises with every Term.
func (t *Term) Epoch() int64 { return t.epoch }

// Lost is closed when the Term has ended, because its connection broke, another
// store leads, or it was closed.
func (t *Term) Lost() <-chan struct{} { return t.lost }

// Close gives the lead up, so that another can have it at once. It may be
// called again, and after the Term was lost.
func (t *Term) Close() error {
	t.end()
	<-t.over
	return nil
}

// watch asks again and again whether the store still leads, and sees at once
// when the connection breaks.
func (t *Term) watch(life context.Context, holder string) {
	defer close(t.over)
	defer closeSoon(life, t.conn)
	for t.holds(life, holder) {
		quiet, cancel := context.WithTimeout(life, leaderQuiet)
		_, err := t.conn.WaitForNotification(quiet)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) || t.conn.IsClosed() {
			break
		}
	}
	close(t.lost)
	if !t.conn.IsClosed() {
		unlock, cancel := context.WithTimeout(context.WithoutCancel(life), time.Second)
		defer cancel()
		// If it fails, the end of the connection does it.
		_, _ = t.conn.Exec(unlock, `SELECT pg_advisory_unlock_all()`)
	}
}

func (t *Term) holds(ctx context.Context, holder string) bool {
	ctx, cancel := context.WithTimeout(ctx, leaderAnswer)
	defer cancel()
	var ours bool
	err := t.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM leadership WHERE epoch = $1 AND holder = $2)`, t.epoch, holder).Scan(&ours)
	return err == nil && ours
}

// closeSoon ends a connection, in order if that takes no time.
func closeSoon(ctx context.Context, conn *pgx.Conn) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(closing)
}

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
// has locked. It returns slo.ErrFenced otherwise. A process that is stopped in
// such a transaction loses it, so that the others need not wait for it.
func (s *Store) fence(ctx context.Context, tx pgx.Tx, epoch int64) error {
	if failpoint.Planted(failpoint.NoFence) {
		return nil
	}
	var set string
	err := tx.QueryRow(ctx, `SELECT set_config('idle_in_transaction_session_timeout', $3, true)
		FROM leadership WHERE epoch = $1 AND holder = $2 FOR SHARE`, epoch, s.holder, leaderIdle).Scan(&set)
	if errors.Is(err, pgx.ErrNoRows) {
		return slo.ErrFenced
	}
	if err != nil {
		return fmt.Errorf("read who leads: %w", err)
	}
	return nil
}
