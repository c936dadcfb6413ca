package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

// maxCause bounds what is kept of the reason why an attempt came to nothing.
const maxCause = 1024

func scanNotification(row pgx.CollectableRow) (slo.Notification, error) {
	var n slo.Notification
	var created int64
	err := row.Scan(&n.ID, &n.Receiver, &n.Episode, &n.State, &n.Payload, &created, &n.Attempt)
	n.CreatedAt = instant(&created)
	return n, err
}

// Claim hands out at most limit undelivered messages whose time has come, and
// leases them until now+lease: nobody else gets them before, and whoever holds
// an older attempt can no longer settle it. The attempt is on disk before the
// caller sends.
//
// Of the messages about one episode to one receiver only the oldest is handed
// out, so that "resolved" never overtakes "firing". The receivers take turns,
// so that a long queue of one leaves room for the others.
func (s *Store) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]slo.Notification, error) {
	// The first query picks in turns; the second locks, and skips what another
	// claim has locked; both look at the order within the episode.
	rows, err := s.pool.Query(ctx, `
		WITH oldest AS (
			SELECT DISTINCT ON (receiver, episode) id, receiver, due_ns, position
			FROM outbox WHERE done_ns IS NULL ORDER BY receiver, episode, position
		), turns AS (
			SELECT id, row_number() OVER (PARTITION BY receiver ORDER BY due_ns, position) AS turn, position
			FROM oldest WHERE due_ns <= $1 ORDER BY turn, position LIMIT $3
		), claimed AS (
			SELECT id FROM outbox WHERE id IN (SELECT id FROM turns) AND done_ns IS NULL AND due_ns <= $1
			FOR UPDATE SKIP LOCKED
		), leased AS (
			UPDATE outbox SET attempt = attempt + 1, due_ns = $2 FROM claimed WHERE outbox.id = claimed.id
			RETURNING outbox.id, receiver, episode, state, payload, created_ns, attempt, outbox.position
		), begun AS (
			INSERT INTO attempts (notification, attempt, begun_ns, outcome) SELECT id, attempt, $1, 'begun' FROM leased
		)
		SELECT id, receiver, episode, state, payload, created_ns, attempt FROM leased ORDER BY position`,
		now.UnixNano(), now.Add(lease).UnixNano(), limit)
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	claimed, err := pgx.CollectRows(rows, scanNotification)
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	if len(claimed) > 0 {
		failpoint.Here(failpoint.OutboxClaimed)
	}
	if failpoint.Planted(failpoint.DeliveredBeforeSent) {
		for _, n := range claimed {
			if err := s.Delivered(ctx, n, now); err != nil {
				return nil, err
			}
		}
	}
	return claimed, nil
}

// Delivered settles the message: its receiver has it. Nothing happens if
// n.Attempt is no longer the current attempt; the newer one settles it.
func (s *Store) Delivered(ctx context.Context, n slo.Notification, at time.Time) error {
	return s.settle(ctx, n, at, "delivered", nil, "")
}

// Retry gives the message back, to be claimed again from next on. Nothing
// happens if n.Attempt is no longer the current attempt.
func (s *Store) Retry(ctx context.Context, n slo.Notification, next time.Time, cause string) error {
	return s.settle(ctx, n, time.Now(), "retry", &next, cause)
}

// Abandon gives the message up, so that those after it get their turn. Nothing
// happens if n.Attempt is no longer the current attempt.
func (s *Store) Abandon(ctx context.Context, n slo.Notification, at time.Time, cause string) error {
	return s.settle(ctx, n, at, "abandoned", nil, cause)
}

// settle ends the attempt; a nil next ends the message with it.
func (s *Store) settle(ctx context.Context, n slo.Notification, at time.Time, outcome string, next *time.Time, cause string) error {
	var due, done *int64
	if next != nil {
		ns := next.UnixNano()
		due = &ns
	} else {
		ns := at.UnixNano()
		done = &ns
	}
	_, err := s.pool.Exec(ctx, `
		WITH settled AS (
			UPDATE outbox SET done_ns = $3, due_ns = COALESCE($4, due_ns)
			WHERE id = $1 AND attempt = $2 AND done_ns IS NULL RETURNING id, attempt
		)
		UPDATE attempts SET ended_ns = $5, outcome = $6, cause = $7
		FROM settled WHERE attempts.notification = settled.id AND attempts.attempt = settled.attempt`,
		n.ID, n.Attempt, done, due, at.UnixNano(), outcome, printable(cause))
	if err != nil {
		return fmt.Errorf("settle message %s as %s: %w", n.ID, outcome, err)
	}
	return nil
}

// printable makes text of what a receiver answered: PostgreSQL takes neither
// NUL nor what is not UTF-8.
func printable(text string) string {
	if len(text) > maxCause {
		text = text[:maxCause]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// Firing returns the "firing" messages to the receiver whose episodes still
// fire, the oldest first, delivered or not.
func (s *Store) Firing(ctx context.Context, receiver string) ([]slo.Notification, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT o.id, o.receiver, o.episode, o.state, o.payload, o.created_ns, o.attempt
		FROM episodes e JOIN outbox o ON o.episode = e.id
		WHERE e.state = 'firing' AND o.state = 'firing' AND o.receiver = $1 ORDER BY o.position`, receiver)
	if err != nil {
		return nil, fmt.Errorf("read firing messages of %s: %w", receiver, err)
	}
	firing, err := pgx.CollectRows(rows, scanNotification)
	if err != nil {
		return nil, fmt.Errorf("read firing messages of %s: %w", receiver, err)
	}
	return firing, nil
}

// Undelivered counts the messages that are neither delivered nor given up, and
// says when the oldest was made; the zero time if there is none.
func (s *Store) Undelivered(ctx context.Context) (count int64, oldest time.Time, err error) {
	var created *int64
	err = s.pool.QueryRow(ctx, `SELECT count(*), min(created_ns) FROM outbox WHERE done_ns IS NULL`).Scan(&count, &created)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count undelivered messages: %w", err)
	}
	return count, instant(created), nil
}

// NextDue says when Claim can next hand out a message, which may lie in the
// past, and reports false if nothing waits.
func (s *Store) NextDue(ctx context.Context) (time.Time, bool, error) {
	var due *int64
	err := s.pool.QueryRow(ctx, `SELECT min(due_ns) FROM (
			SELECT DISTINCT ON (receiver, episode) due_ns FROM outbox WHERE done_ns IS NULL ORDER BY receiver, episode, position
		) AS oldest`).Scan(&due)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, false, fmt.Errorf("look for the next message: %w", err)
	}
	return instant(due), due != nil, nil
}
