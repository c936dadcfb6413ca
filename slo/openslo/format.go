package openslo

import (
	"bytes"
	"fmt"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// The document as it is written, its fields in the order of the specification.
type (
	document struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Metadata   metadata `yaml:"metadata"`
		Spec       spec     `yaml:"spec"`
	}
	metadata struct {
		Name        string              `yaml:"name"`
		DisplayName string              `yaml:"displayName,omitempty"`
		Labels      map[string][]string `yaml:"labels,omitempty"`
		Annotations map[string]string   `yaml:"annotations,omitempty"`
	}
	spec struct {
		Description     string      `yaml:"description,omitempty"`
		Service         string      `yaml:"service"`
		Indicator       inline      `yaml:"indicator"`
		TimeWindow      []window    `yaml:"timeWindow"`
		BudgetingMethod string      `yaml:"budgetingMethod"`
		Objectives      []objective `yaml:"objectives"`
	}
	inline struct {
		Metadata metadata      `yaml:"metadata"`
		Spec     indicatorSpec `yaml:"spec"`
	}
	indicatorSpec struct {
		RatioMetric ratio `yaml:"ratioMetric"`
	}
	ratio struct {
		Counter bool    `yaml:"counter"`
		Total   metric  `yaml:"total"`
		Good    *metric `yaml:"good,omitempty"`
		Bad     *metric `yaml:"bad,omitempty"`
	}
	metric struct {
		MetricSource metricSource `yaml:"metricSource"`
	}
	metricSource struct {
		Type string `yaml:"type"`
		Spec spans  `yaml:"spec"`
	}
	spans struct {
		Service     string `yaml:"service,omitempty"`
		Condition   string `yaml:"condition,omitempty"`
		MaxDuration string `yaml:"maxDuration,omitempty"`
	}
	window struct {
		Duration  string `yaml:"duration"`
		IsRolling bool   `yaml:"isRolling"`
	}
	objective struct {
		DisplayName string     `yaml:"displayName,omitempty"`
		Target      *yaml.Node `yaml:"target"`
	}
)

// Format writes an SLO as an OpenSLO v1 document (YAML). Reading it back gives
// the same SLO, if it was one that can be read at all.
func Format(s slo.SLO) ([]byte, error) {
	d := document{
		APIVersion: "openslo/v1", Kind: "SLO",
		Metadata: metadata{Name: s.Name, DisplayName: s.DisplayName, Labels: s.Labels, Annotations: s.Annotations},
		Spec: spec{
			Description: s.Description, Service: s.Service, BudgetingMethod: "Occurrences",
			Indicator: inline{
				Metadata: metadata{Name: s.Name},
				Spec: indicatorSpec{RatioMetric: ratio{
					Counter: true, Total: *metricOf(&s.Indicator.Total), Good: metricOf(s.Indicator.Good), Bad: metricOf(s.Indicator.Bad),
				}},
			},
			TimeWindow: []window{{Duration: durationOf(s.Window), IsRolling: true}},
		},
	}
	for _, o := range s.Objectives {
		d.Spec.Objectives = append(d.Spec.Objectives, objective{DisplayName: o.DisplayName, Target: number(o.Target)})
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(d); err != nil {
		return nil, fmt.Errorf("write the SLO %s: %w", s.Name, err)
	}
	return out.Bytes(), nil
}

// number writes a target as it is, not as a float that comes near it.
func number(t slo.Target) *yaml.Node {
	text := t.String()
	tag := "!!float"
	if text == "0" {
		tag = "!!int"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// durationOf writes a window in its largest whole unit: "28d", "90m".
func durationOf(w slo.Window) string {
	const day = 24 * time.Hour
	switch d := w.Duration; {
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
}

func metricOf(s *slo.SpanSource) *metric {
	if s == nil {
		return nil
	}
	m := metric{MetricSource: metricSource{Type: "Spans", Spec: spans{Service: s.Service, Condition: s.Condition}}}
	if s.MaxDuration > 0 {
		m.MetricSource.Spec.MaxDuration = s.MaxDuration.String()
	}
	if m.MetricSource.Spec == (spans{}) {
		m.MetricSource.Spec.Condition = "true" // An empty spec is refused: it is too easily a mistake.
	}
	return &m
}
