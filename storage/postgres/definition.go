package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// specRow is an SLO as the column spec holds it. It stands apart from slo.SLO,
// so that a name changed there does not change what is stored.
type specRow struct {
	Name        string              `json:"name"`
	DisplayName string              `json:"display_name"`
	Description string              `json:"description"`
	Service     string              `json:"service"`
	Labels      map[string][]string `json:"labels"`
	Annotations map[string]string   `json:"annotations"`
	Indicator   indicatorRow        `json:"indicator"`
	WindowNS    int64               `json:"window_ns"`
	Objectives  []objectiveRow      `json:"objectives"`
}

type indicatorRow struct {
	Total sourceRow  `json:"total"`
	Good  *sourceRow `json:"good"`
	Bad   *sourceRow `json:"bad"`
}

type sourceRow struct {
	Service       string `json:"service"`
	Condition     string `json:"condition"`
	MaxDurationNS int64  `json:"max_duration_ns"`
}

// objectiveRow holds the target as an exact decimal: "0.999".
type objectiveRow struct {
	DisplayName string `json:"display_name"`
	Target      string `json:"target"`
}

func newSourceRow(s *slo.SpanSource) *sourceRow {
	if s == nil {
		return nil
	}
	return &sourceRow{Service: s.Service, Condition: s.Condition, MaxDurationNS: int64(s.MaxDuration)}
}

func (r *sourceRow) source() *slo.SpanSource {
	if r == nil {
		return nil
	}
	return &slo.SpanSource{Service: r.Service, Condition: r.Condition, MaxDuration: time.Duration(r.MaxDurationNS)}
}

func encodeSLO(s slo.SLO) ([]byte, error) {
	row := specRow{
		Name: s.Name, DisplayName: s.DisplayName, Description: s.Description, Service: s.Service,
		Labels: s.Labels, Annotations: s.Annotations, WindowNS: int64(s.Window.Duration),
		Indicator: indicatorRow{
			Total: *newSourceRow(&s.Indicator.Total), Good: newSourceRow(s.Indicator.Good), Bad: newSourceRow(s.Indicator.Bad),
		},
	}
	for _, o := range s.Objectives {
		row.Objectives = append(row.Objectives, objectiveRow{DisplayName: o.DisplayName, Target: o.Target.String()})
	}
	return json.Marshal(row)
}

func decodeSLO(spec []byte) (slo.SLO, error) {
	var row specRow
	if err := json.Unmarshal(spec, &row); err != nil {
		return slo.SLO{}, err
	}
	s := slo.SLO{
		Name: row.Name, DisplayName: row.DisplayName, Description: row.Description, Service: row.Service,
		Labels: row.Labels, Annotations: row.Annotations, Window: slo.Window{Duration: time.Duration(row.WindowNS)},
		Indicator: slo.Indicator{
			Total: *row.Indicator.Total.source(), Good: row.Indicator.Good.source(), Bad: row.Indicator.Bad.source(),
		},
	}
	for _, o := range row.Objectives {
		target, err := slo.ParseTarget(o.Target, false)
		if err != nil {
			return slo.SLO{}, err
		}
		s.Objectives = append(s.Objectives, slo.Objective{DisplayName: o.DisplayName, Target: target})
	}
	return s, nil
}

// Definitions returns the SLOs in force, by name.
func (s *Store) Definitions(ctx context.Context) ([]slo.Definition, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, revision, origin, document, spec, applied_at_ns
		FROM definitions WHERE archived_at_ns IS NULL ORDER BY name COLLATE "C"`)
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	definitions, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (slo.Definition, error) {
		var d slo.Definition
		var name string
		var spec []byte
		var applied *int64
		if err := row.Scan(&name, &d.Revision, &d.Origin, &d.Document, &spec, &applied); err != nil {
			return d, err
		}
		d.AppliedAt = instant(applied)
		if d.SLO, err = decodeSLO(spec); err != nil {
			return d, fmt.Errorf("revision %d of %s: %w", d.Revision, name, err)
		}
		return d, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	return definitions, nil
}

// SaveDefinitions archives the named SLOs and puts a new revision of each
// given one into force, all in one transaction. It returns the definitions as
// saved, in the order given: Revision is one more than the newest ever of that
// name, AppliedAt is at. A name to archive that is not in force is ignored.
func (s *Store) SaveDefinitions(
	ctx context.Context, upsert []slo.Definition, archive []string, at time.Time,
) ([]slo.Definition, error) {
	saved := make([]slo.Definition, 0, len(upsert))
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// One at a time: two at once would give the same revision twice.
		if _, err := tx.Exec(ctx, `LOCK TABLE definitions IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		const archiveLive = `UPDATE definitions SET archived_at_ns = $2 WHERE name = ANY ($1) AND archived_at_ns IS NULL`
		if len(archive) > 0 {
			if _, err := tx.Exec(ctx, archiveLive, archive, at.UnixNano()); err != nil {
				return fmt.Errorf("archive: %w", err)
			}
		}
		for _, d := range upsert {
			spec, err := encodeSLO(d.SLO)
			if err != nil {
				return fmt.Errorf("%s: %w", d.SLO.Name, err)
			}
			if _, err := tx.Exec(ctx, archiveLive, []string{d.SLO.Name}, at.UnixNano()); err != nil {
				return fmt.Errorf("%s: %w", d.SLO.Name, err)
			}
			err = tx.QueryRow(ctx, `INSERT INTO definitions (name, revision, origin, document, spec, applied_at_ns)
				SELECT $1, COALESCE(max(revision), 0) + 1, $2, COALESCE($3, ''::bytea), $4, $5 FROM definitions WHERE name = $1
				RETURNING revision`, d.SLO.Name, d.Origin, d.Document, spec, at.UnixNano()).Scan(&d.Revision)
			if err != nil {
				return fmt.Errorf("%s: %w", d.SLO.Name, err)
			}
			d.AppliedAt = at
			saved = append(saved, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("save definitions: %w", err)
	}
	return saved, nil
}
