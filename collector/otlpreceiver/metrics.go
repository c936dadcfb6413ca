package otlpreceiver

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/slo"
)

// refuseMetrics takes out of md the data points that can never be accepted, and
// counts them. Attributes of a resource, a scope or a metric that are beyond the
// limits take all points along.
func (b bounds) refuseMetrics(md pmetric.Metrics) request.Tally {
	var tally request.Tally
	md.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		service, before := request.ServiceOf(rm.Resource()), tally.Total()
		fits := b.fits(rm.Resource().Attributes())
		rm.ScopeMetrics().RemoveIf(func(sm pmetric.ScopeMetrics) bool {
			before, fits := tally.Total(), fits && b.fits(sm.Scope().Attributes())
			sm.Metrics().RemoveIf(func(m pmetric.Metric) bool {
				p := points{bounds: b, whole: fits && b.fits(m.Metadata()), service: service, tally: &tally}
				before := tally.Total()
				return p.refuse(m) == 0 && tally.Total() > before
			})
			return tally.Total() > before && sm.Metrics().Len() == 0
		})
		return tally.Total() > before && rm.ScopeMetrics().Len() == 0
	})
	return tally
}

// points are those of one metric.
type points struct {
	bounds
	whole   bool
	service string
	tally   *request.Tally
}

// refuse takes points out and returns how many stay.
func (p points) refuse(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		all := m.Gauge().DataPoints()
		all.RemoveIf(func(d pmetric.NumberDataPoint) bool { return p.refused(d, d.Exemplars()) })
		return all.Len()
	case pmetric.MetricTypeSum:
		all := m.Sum().DataPoints()
		all.RemoveIf(func(d pmetric.NumberDataPoint) bool { return p.refused(d, d.Exemplars()) })
		return all.Len()
	case pmetric.MetricTypeHistogram:
		all := m.Histogram().DataPoints()
		all.RemoveIf(func(d pmetric.HistogramDataPoint) bool { return p.refused(d, d.Exemplars()) })
		return all.Len()
	case pmetric.MetricTypeExponentialHistogram:
		all := m.ExponentialHistogram().DataPoints()
		all.RemoveIf(func(d pmetric.ExponentialHistogramDataPoint) bool { return p.refused(d, d.Exemplars()) })
		return all.Len()
	case pmetric.MetricTypeSummary:
		all := m.Summary().DataPoints()
		all.RemoveIf(func(d pmetric.SummaryDataPoint) bool { return p.refused(d, pmetric.NewExemplarSlice()) })
		return all.Len()
	case pmetric.MetricTypeEmpty:
	}
	return 0
}

// point is what all kinds of data points have.
type point interface {
	Timestamp() pcommon.Timestamp
	Attributes() pcommon.Map
}

func (p points) refused(d point, exemplars pmetric.ExemplarSlice) bool {
	reason := p.time(d.Timestamp())
	if reason == "" && p.attributes {
		fits := p.whole && p.fits(d.Attributes())
		for _, e := range exemplars.All() {
			fits = fits && p.fits(e.FilteredAttributes())
		}
		if !fits {
			reason = slo.RefusedLimits
		}
	}
	if reason == "" {
		return false
	}
	p.tally.Add(reason, p.service, 1)
	return true
}
