package web

import (
	"context"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// newestAudits is how many audits pages look at: those before are over.
const newestAudits = 200

// alarms are what every page says on top.
func (s *Server) alarms(ctx context.Context, all []slo.Status) []view.Alarm {
	audits, _ := s.audits(ctx) // Those of before are worth more than none.
	return view.Alarms(all, audits, s.clock())
}

// audits are the newest audits, the newest first: with an error, those of
// before.
func (s *Server) audits(ctx context.Context) ([]slo.Audit, error) {
	if s.settings.Audits == nil {
		return nil, nil
	}
	return s.audited.get(struct{}{}, s.clock(), func() ([]slo.Audit, error) {
		ctx, cancel := forAll(ctx)
		defer cancel()
		audits, err := s.settings.Audits.LatestAudits(ctx, newestAudits)
		if err != nil {
			s.logger.ErrorContext(ctx, "read_audits", "error", err)
		}
		return audits, err
	})
}
