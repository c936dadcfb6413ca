package openslo

import (
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// The parts of a document as they are written.
type (
	indicatorDoc struct {
		Metadata metadataDoc `yaml:"metadata"`
		Spec     sliSpecDoc  `yaml:"spec"`
	}
	sliSpecDoc struct {
		ThresholdMetric *metricDoc `yaml:"thresholdMetric,omitempty"`
		RatioMetric     *ratioDoc  `yaml:"ratioMetric,omitempty"`
	}
	ratioDoc struct {
		Counter bool       `yaml:"counter"`
		Good    *metricDoc `yaml:"good,omitempty"`
		Bad     *metricDoc `yaml:"bad,omitempty"`
		Total   *metricDoc `yaml:"total,omitempty"`
		RawType string     `yaml:"rawType,omitempty"`
		Raw     *metricDoc `yaml:"raw,omitempty"`
	}
	metricDoc struct {
		MetricSource sourceDoc `yaml:"metricSource"`
	}
	sourceDoc struct {
		Type string   `yaml:"type"`
		Spec spansDoc `yaml:"spec"`
	}
	spansDoc struct {
		Service     string `yaml:"service,omitempty"`
		Condition   string `yaml:"condition,omitempty"`
		MaxDuration string `yaml:"maxDuration,omitempty"`
		Value       string `yaml:"value,omitempty"`
	}
	policyDoc struct {
		Kind     string        `yaml:"kind"`
		Metadata metadataDoc   `yaml:"metadata"`
		Spec     policySpecDoc `yaml:"spec"`
	}
	policySpecDoc struct {
		Description         string         `yaml:"description,omitempty"`
		AlertWhenNoData     bool           `yaml:"alertWhenNoData"`
		AlertWhenResolved   bool           `yaml:"alertWhenResolved"`
		AlertWhenBreaching  bool           `yaml:"alertWhenBreaching"`
		Conditions          []conditionDoc `yaml:"conditions"`
		NotificationTargets []targetDoc    `yaml:"notificationTargets"`
	}
	conditionDoc struct {
		Kind     string           `yaml:"kind"`
		Metadata metadataDoc      `yaml:"metadata"`
		Spec     conditionSpecDoc `yaml:"spec"`
	}
	conditionSpecDoc struct {
		Description string      `yaml:"description,omitempty"`
		Severity    string      `yaml:"severity"`
		Condition   burnRateDoc `yaml:"condition"`
	}
	burnRateDoc struct {
		Kind           string     `yaml:"kind"`
		Op             string     `yaml:"op"`
		Threshold      *yaml.Node `yaml:"threshold"`
		LookbackWindow string     `yaml:"lookbackWindow"`
		AlertAfter     string     `yaml:"alertAfter,omitempty"`
	}
	targetDoc struct {
		Kind     string        `yaml:"kind"`
		Metadata metadataDoc   `yaml:"metadata"`
		Spec     targetSpecDoc `yaml:"spec"`
	}
	targetSpecDoc struct {
		Target      string `yaml:"target"`
		Description string `yaml:"description,omitempty"`
	}
)

func indicatorOf(name string, i slo.Indicator) *indicatorDoc {
	d := &indicatorDoc{Metadata: metadataDoc{Name: name}}
	switch {
	case i.Value == nil:
		d.Spec.RatioMetric = &ratioDoc{Counter: true, Total: metricOf(&i.Total, ""), Good: metricOf(i.Good, ""), Bad: metricOf(i.Bad, "")}
	case i.Value.Raw == "":
		d.Spec.ThresholdMetric = metricOf(&i.Total, i.Value.Of)
	default:
		d.Spec.RatioMetric = &ratioDoc{RawType: string(i.Value.Raw), Raw: metricOf(&i.Total, i.Value.Of)}
	}
	return d
}

func metricOf(s *slo.SpanSource, value string) *metricDoc {
	if s == nil {
		return nil
	}
	m := metricDoc{MetricSource: sourceDoc{Type: spansType, Spec: spansDoc{Service: s.Service, Condition: s.Condition}}}
	if s.MaxDuration > 0 {
		m.MetricSource.Spec.MaxDuration = s.MaxDuration.String()
	}
	if m.MetricSource.Spec == (spansDoc{}) {
		m.MetricSource.Spec.Condition = "true" // An empty spec is refused: it is too easily a mistake.
	}
	m.MetricSource.Spec.Value = value
	return &m
}

func policyOf(p slo.AlertPolicy) policyDoc {
	d := policyDoc{
		Kind: string(slo.KindAlertPolicy), Metadata: metadataDoc{Name: p.Name, DisplayName: p.DisplayName},
		Spec: policySpecDoc{
			Description: p.Description, AlertWhenNoData: p.WhenNoData, AlertWhenResolved: p.WhenResolved, AlertWhenBreaching: p.WhenBreaching,
			Conditions: []conditionDoc{conditionOf(p.Condition)},
		},
	}
	for _, t := range p.Targets {
		d.Spec.NotificationTargets = append(d.Spec.NotificationTargets, targetDoc{
			Kind: string(slo.KindAlertNotificationTarget), Metadata: metadataDoc{Name: t.Name, DisplayName: t.DisplayName},
			Spec: targetSpecDoc{Description: t.Description, Target: t.Target},
		})
	}
	return d
}

func conditionOf(c slo.AlertCondition) conditionDoc {
	d := conditionDoc{
		Kind: string(slo.KindAlertCondition), Metadata: metadataDoc{Name: c.Name, DisplayName: c.DisplayName, Annotations: annotationsOf(c)},
		Spec: conditionSpecDoc{Description: c.Description, Severity: string(c.Severity), Condition: burnRateDoc{
			Kind: string(slo.BurnRate), Op: string(c.Op), Threshold: number(string(c.Threshold)), LookbackWindow: durationOf(c.LookBack),
		}},
	}
	if c.After > 0 {
		d.Spec.Condition.AlertAfter = durationOf(c.After)
	}
	return d
}

// annotationsOf are what OpenSLO cannot say of a condition.
func annotationsOf(c slo.AlertCondition) map[string]string {
	annotations := map[string]string{}
	if c.Kind != slo.BurnRate && c.Kind != "" {
		annotations[conditionAnnotation] = string(c.Kind)
	}
	for name, d := range map[string]time.Duration{shortLookBackAnnotation: c.ShortLookBack, noDataAfterAnnotation: c.NoDataAfter} {
		if d > 0 {
			annotations[name] = d.String()
		}
	}
	if c.MinBad > 0 {
		annotations[minBadAnnotation] = strconv.FormatInt(c.MinBad, 10)
	}
	return annotations
}
