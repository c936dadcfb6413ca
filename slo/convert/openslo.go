package convert

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// document is an OpenSLO document of kind SLO, or an object within one, which
// has no version.
type document struct {
	Version  string   `yaml:"apiVersion,omitempty"`
	Kind     string   `yaml:"kind,omitempty"`
	Metadata metadata `yaml:"metadata"`
	Spec     any      `yaml:"spec"`
}

type metadata struct {
	Name        string              `yaml:"name"`
	DisplayName string              `yaml:"displayName,omitempty"`
	Labels      map[string][]string `yaml:"labels,omitempty"`
	Annotations map[string]string   `yaml:"annotations,omitempty"`
}

type sloSpec struct {
	Description string       `yaml:"description,omitempty"`
	Service     string       `yaml:"service"`
	Indicator   document     `yaml:"indicator"`
	Windows     []timeWindow `yaml:"timeWindow"`
	Method      string       `yaml:"budgetingMethod"`
	Objectives  []objective  `yaml:"objectives"`
	Policies    []document   `yaml:"alertPolicies,omitempty"`
}

type indicatorSpec struct {
	Ratio ratioMetric `yaml:"ratioMetric"`
}

// ratioMetric is one of good or bad with total, or raw alone.
type ratioMetric struct {
	Counter *bool   `yaml:"counter,omitempty"`
	Good    *metric `yaml:"good,omitempty"`
	Bad     *metric `yaml:"bad,omitempty"`
	Total   *metric `yaml:"total,omitempty"`
	RawType string  `yaml:"rawType,omitempty"`
	Raw     *metric `yaml:"raw,omitempty"`
}

type metric struct {
	Source metricSource `yaml:"metricSource"`
}

type metricSource struct {
	Type string      `yaml:"type"`
	Spec prometheusQ `yaml:"spec"`
}

type prometheusQ struct {
	Query string `yaml:"query"`
}

func query(text string) *metric {
	return &metric{Source: metricSource{Type: "Prometheus", Spec: prometheusQ{Query: text}}}
}

type timeWindow struct {
	Duration string `yaml:"duration"`
	Rolling  bool   `yaml:"isRolling"`
}

type objective struct {
	TargetPercent number `yaml:"targetPercent"`
}

type policySpec struct {
	Description string     `yaml:"description,omitempty"`
	NoData      bool       `yaml:"alertWhenNoData"`
	Resolved    bool       `yaml:"alertWhenResolved"`
	Breaching   bool       `yaml:"alertWhenBreaching"`
	Conditions  []document `yaml:"conditions"`
	Targets     []document `yaml:"notificationTargets"`
}

type conditionSpec struct {
	Severity  string    `yaml:"severity"`
	Condition condition `yaml:"condition"`
}

type condition struct {
	Kind      string `yaml:"kind"`
	Op        string `yaml:"op"`
	Threshold number `yaml:"threshold"`
	LookBack  string `yaml:"lookbackWindow"`
	After     string `yaml:"alertAfter,omitempty"`
}

type targetSpec struct {
	Target string `yaml:"target"`
}

// number is a decimal number as it is written.
type number string

// MarshalYAML keeps a number from being written as a text.
func (n number) MarshalYAML() (any, error) {
	tag := "!!int"
	if strings.Contains(string(n), ".") {
		tag = "!!float"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: string(n)}, nil
}

// encode writes YAML, a document each.
func encode[T any](documents []T) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for _, d := range documents {
		if err := encoder.Encode(d); err != nil {
			return nil, fmt.Errorf("encode YAML: %w", err)
		}
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("encode YAML: %w", err)
	}
	return out.Bytes(), nil
}
