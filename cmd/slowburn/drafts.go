package main

import (
	"context"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/openslo"
	"github.com/slowburn-slo/slowburn/slo/recount"
	"github.com/slowburn-slo/slowburn/slo/traffic"
)

// draftFrom is how much traffic a draft looks at.
const draftFrom = 24 * time.Hour

// drafts helps people to write an SLO: what the traffic suggests, how it is
// written, what it would count.
type drafts struct {
	catalog   *catalog.Catalog
	traffic   *traffic.Projection
	recounter *recount.Recounter
}

// Draft proposes an SLO for an operation whose target its newest spans would
// have met, and what it counted of them.
func (d drafts) Draft(ctx context.Context, operation slo.Operation) (slo.SLO, slo.Preview, error) {
	seen := slo.Traffic{Operation: operation}
	list := d.traffic.Services(draftFrom)
	if operation.Name != "" {
		list = d.traffic.Operations(operation.Service, draftFrom)
	}
	for _, t := range list {
		if t.Operation == operation {
			seen = t
		}
	}
	var preview slo.Preview
	if operation.Service != "" {
		var err error
		if preview, err = d.recounter.Preview(ctx, slo.DraftIndicator(seen)); err != nil {
			return slo.SLO{}, slo.Preview{}, err
		}
	}
	draft := slo.DraftSLO(seen, preview.Counts)
	draft.Name = d.free(draft.Name)
	return draft, preview, nil
}

// free is the name, or the name with the first number that no SLO has.
func (d drafts) free(name string) string {
	candidate := name
	for n := 2; ; n++ {
		if _, taken := d.catalog.Definition(candidate); !taken {
			return candidate
		}
		candidate = fmt.Sprintf("%s-%d", name, n)
	}
}

// Format writes an SLO as an OpenSLO document.
func (d drafts) Format(definition slo.SLO) ([]byte, error) { return openslo.Format(definition) }

// Check reads documents as they would be applied, and changes nothing.
func (d drafts) Check(_ context.Context, documents slo.Documents) ([]slo.SLO, slo.DocumentWarnings, error) {
	return d.catalog.Check(documents)
}

// Preview judges the newest spans of the journal by an indicator.
func (d drafts) Preview(ctx context.Context, indicator slo.Indicator) (slo.Preview, error) {
	return d.recounter.Preview(ctx, indicator)
}
