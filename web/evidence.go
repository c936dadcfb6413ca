package web

import (
	"context"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// windowKey is what is kept of one window: SLOs may share a series.
type windowKey struct {
	series slo.SeriesID
	window string
}

// addEvidence adds what the counts of an objective rest on, as far as it is
// known: the page is worth showing without.
func (s *Server) addEvidence(ctx context.Context, scene *view.Scene, o slo.ObjectiveStatus) {
	if o.Composite {
		return // It has no counts of its own; those of its members have.
	}
	key := windowKey{series: scene.Status.Definition.SLO.SeriesOf(o.Index).ID, window: o.Window.String()}
	from, to := slo.SliceOf(o.From), slo.SliceOf(o.To)+1
	if s.settings.Recounts != nil {
		if state, found := s.settings.Recounts.RecountState(scene.Status.Definition.SLO.Name); found {
			scene.Recount = &state
		}
	}
	if s.settings.Corrections != nil {
		if sum, err := s.correctionsOf(ctx, key, from, to); err == nil {
			scene.Corrections = &sum
		}
	}
	if s.settings.Audits != nil {
		if compared, err := s.comparedOf(ctx, key, from, to); err == nil {
			scene.Compared = &compared
		}
	}
}

func (s *Server) correctionsOf(ctx context.Context, key windowKey, from, to slo.Slice) (slo.Corrections, error) {
	return s.corrected.get(key, s.clock(), func() (slo.Corrections, error) {
		ctx, cancel := forAll(ctx)
		defer cancel()
		sum, err := s.settings.Corrections.Corrections(ctx, key.series, from, to)
		if err != nil {
			s.logger.ErrorContext(ctx, "read_corrections", "series", key.series, "error", err)
		}
		return sum, err
	})
}

func (s *Server) comparedOf(ctx context.Context, key windowKey, from, to slo.Slice) (view.Compared, error) {
	return s.compared.get(key, s.clock(), func() (view.Compared, error) {
		ctx, cancel := forAll(ctx)
		defer cancel()
		verdicts, err := s.verdicts(ctx, key.series, from, to)
		if err != nil {
			s.logger.ErrorContext(ctx, "read_audit_verdicts", "series", key.series, "error", err)
		}
		return verdicts.sum(), err
	})
}
