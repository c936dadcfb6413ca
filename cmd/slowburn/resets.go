package main

import (
	"context"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web"
)

var _ web.Resets = resets{}

// resets begins budgets anew: what is stored, the engine learns at once.
type resets struct{ *platform }

// Reset implements web.Resets.
func (r resets) Reset(ctx context.Context, name string, objectives []int, reason string) ([]slo.Reset, error) {
	made := make([]slo.Reset, len(objectives))
	at := time.Now().UTC()
	for i, objective := range objectives {
		made[i] = slo.Reset{SLO: name, Objective: objective, At: at, Reason: reason}
	}
	if err := r.store.SaveResets(ctx, made); err != nil {
		return nil, err
	}
	r.engine.AddResets(made)
	for _, one := range made {
		r.logger.InfoContext(ctx, "the budget was begun anew", "slo", one.SLO, "objective", one.Objective, "reason", one.Reason)
	}
	return made, nil
}
