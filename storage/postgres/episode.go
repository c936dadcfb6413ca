package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

// episodeColumns are the columns that scanEpisode expects.
const episodeColumns = `id, slo, objective, tier, severity, state, pending_since_ns, fired_at_ns, resolved_at_ns, last_over_ns, labels`

func scanEpisode(row pgx.CollectableRow) (slo.Episode, error) {
	var e slo.Episode
	var pending, fired, resolved, over *int64
	err := row.Scan(&e.ID, &e.SLO, &e.Objective, &e.Tier, &e.Severity, &e.State, &pending, &fired, &resolved, &over, &e.Labels)
	e.PendingSince, e.FiredAt, e.ResolvedAt, e.LastOver = instant(pending), instant(fired), instant(resolved), instant(over)
	return e, err
}

// OpenEpisodes returns the episodes that are pending or firing, the oldest first.
func (s *Store) OpenEpisodes(ctx context.Context) ([]slo.Episode, error) {
	return s.episodes(ctx, `SELECT `+episodeColumns+` FROM episodes WHERE state IN ('pending', 'firing') ORDER BY began_ns, id`)
}

func (s *Store) episodes(ctx context.Context, query string, args ...any) ([]slo.Episode, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read episodes: %w", err)
	}
	episodes, err := pgx.CollectRows(rows, scanEpisode)
	if err != nil {
		return nil, fmt.Errorf("read episodes: %w", err)
	}
	return episodes, nil
}

// SaveTransitions stores the transitions with their evidence, and the messages
// about them, in one transaction. What is already stored is left as it is, so
// that a repeat does no harm, and an episode never goes back to an earlier state.
// It returns slo.ErrFenced, having stored nothing, unless this store leads, and
// leads in that epoch (see Lead): what an older Term decided is void.
func (s *Store) SaveTransitions(
	ctx context.Context, epoch int64, transitions []slo.Transition, notifications []slo.Notification,
) error {
	batch := &pgx.Batch{}
	for _, t := range transitions {
		if err := queueTransition(batch, t); err != nil {
			return fmt.Errorf("save transitions: episode %s: %w", t.Episode.ID, err)
		}
	}
	queueNotifications(batch, notifications)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.fence(ctx, tx, epoch); err != nil {
			return err
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return fmt.Errorf("save transitions: %w", err)
	}
	failpoint.Here(failpoint.EpisodeStored)
	return nil
}

func queueNotifications(batch *pgx.Batch, notifications []slo.Notification) {
	for _, n := range notifications {
		batch.Queue(`INSERT INTO outbox (id, receiver, episode, state, payload, created_ns, due_ns)
			VALUES ($1, $2, $3, $4, COALESCE($5, ''::bytea), $6, $6) ON CONFLICT (id) DO NOTHING`,
			n.ID, n.Receiver, n.Episode, n.State, n.Payload, n.CreatedAt.UnixNano())
	}
}

func queueTransition(batch *pgx.Batch, t slo.Transition) error {
	evidence, err := json.Marshal(newEvidence(t))
	if err != nil {
		return err
	}
	e := t.Episode
	labels, err := json.Marshal(e.Labels)
	if err != nil {
		return err
	}
	began := e.PendingSince
	if began.IsZero() {
		began = t.At
	}
	batch.Queue(`INSERT INTO episodes (id, slo, objective, tier, severity, state,
			began_ns, pending_since_ns, fired_at_ns, resolved_at_ns, last_over_ns, labels)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, severity = excluded.severity,
			pending_since_ns = excluded.pending_since_ns, fired_at_ns = excluded.fired_at_ns,
			resolved_at_ns = excluded.resolved_at_ns, last_over_ns = excluded.last_over_ns,
			labels = excluded.labels
		WHERE episodes.state = 'pending' AND excluded.state IN ('firing', 'lapsed')
			OR episodes.state IN ('pending', 'firing') AND excluded.state = 'resolved'`,
		e.ID, e.SLO, e.Objective, e.Tier, e.Severity, e.State,
		began.UnixNano(), nanos(e.PendingSince), nanos(e.FiredAt), nanos(e.ResolvedAt), nanos(e.LastOver), labels)
	batch.Queue(`INSERT INTO transitions (episode, state, at_ns, evidence) VALUES ($1, $2, $3, $4)
		ON CONFLICT (episode, state) DO NOTHING`, e.ID, e.State, t.At.UnixNano(), evidence)
	return nil
}

// evidence is what an episode was judged by when it entered a state, kept for
// whoever asks later. Its names are stable: old rows are never rewritten.
type evidence struct {
	Objective     string             `json:"objective,omitempty"`
	Target        string             `json:"target"`
	Window        string             `json:"window"`
	From          time.Time          `json:"from"`
	To            time.Time          `json:"to"`
	Counts        countsRow          `json:"counts"`
	Budget        budgetRow          `json:"budget"`
	MeasuredRatio float64            `json:"measured_ratio"`
	BurnRates     map[string]float64 `json:"burn_rates"`
	Tier          tierRow            `json:"tier"`
	Reason        string             `json:"reason,omitempty"`
}

type countsRow struct {
	Good    int64 `json:"good"`
	Bad     int64 `json:"bad"`
	Unknown int64 `json:"unknown"`
}

type budgetRow struct {
	Total          float64 `json:"total"`
	Spent          int64   `json:"spent"`
	RemainingRatio float64 `json:"remaining_ratio"`
	Exhausted      bool    `json:"exhausted"`
	Unit           string  `json:"unit,omitempty"`
}

type tierRow struct {
	Name      string      `json:"name"`
	Severity  string      `json:"severity"`
	Factor    float64     `json:"factor"`
	MinBad    int64       `json:"min_bad"`
	Long      lookBackRow `json:"long"`
	Short     lookBackRow `json:"short"`
	LongOver  bool        `json:"long_over"`
	ShortOver bool        `json:"short_over"`
	Frozen    bool        `json:"frozen"`
	Kind      string      `json:"kind,omitempty"`
	Op        string      `json:"op,omitempty"`
	Chance    float64     `json:"chance,omitempty"`
	// Explanation is what people read.
	Explanation string `json:"explanation,omitempty"`
}

type lookBackRow struct {
	Length   string    `json:"length"`
	Counts   countsRow `json:"counts"`
	BurnRate float64   `json:"burn_rate"`
}

func newEvidence(t slo.Transition) evidence {
	status, tier := t.Status, t.Tier
	e := evidence{
		Objective: status.DisplayName, Target: status.Target.String(), Window: status.Window.String(),
		From: status.From.UTC(), To: status.To.UTC(), Counts: countsRow(status.Counts), Budget: budgetRow{
			Total: status.Budget.Total, Spent: status.Budget.Spent, RemainingRatio: status.Budget.RemainingRatio,
			Exhausted: status.Budget.Exhausted, Unit: string(status.Unit),
		},
		MeasuredRatio: status.MeasuredRatio, BurnRates: make(map[string]float64, len(status.BurnRates)), Reason: t.Reason,
		Tier: tierRow{
			Name: tier.Name, Severity: string(tier.Severity), Factor: tier.Factor, MinBad: tier.MinBad,
			Long:     lookBackRow{slo.FormatDuration(tier.Tier.Long), countsRow(tier.Long.Counts), tier.Long.Rate},
			Short:    lookBackRow{slo.FormatDuration(tier.Tier.Short), countsRow(tier.Short.Counts), tier.Short.Rate},
			LongOver: tier.LongOver, ShortOver: tier.ShortOver, Frozen: tier.Frozen,
			Kind: string(tier.Kind), Op: string(tier.Op), Chance: tier.Chance, Explanation: tier.Explain(),
		},
	}
	for _, lookBack := range status.BurnRates {
		e.BurnRates[slo.FormatDuration(lookBack.Length)] = lookBack.Rate
	}
	return e
}
