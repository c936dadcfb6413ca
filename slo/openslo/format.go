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
	sloDoc struct {
		APIVersion string      `yaml:"apiVersion"`
		Kind       string      `yaml:"kind"`
		Metadata   metadataDoc `yaml:"metadata"`
		Spec       sloSpecDoc  `yaml:"spec"`
	}
	metadataDoc struct {
		Name        string              `yaml:"name"`
		DisplayName string              `yaml:"displayName,omitempty"`
		Labels      map[string][]string `yaml:"labels,omitempty"`
		Annotations map[string]string   `yaml:"annotations,omitempty"`
	}
	sloSpecDoc struct {
		Description     string         `yaml:"description,omitempty"`
		Service         string         `yaml:"service"`
		Indicator       *indicatorDoc  `yaml:"indicator,omitempty"`
		TimeWindow      []windowDoc    `yaml:"timeWindow"`
		BudgetingMethod string         `yaml:"budgetingMethod"`
		Objectives      []objectiveDoc `yaml:"objectives"`
		AlertPolicies   []policyDoc    `yaml:"alertPolicies,omitempty"`
	}
	windowDoc struct {
		Duration  string       `yaml:"duration"`
		Calendar  *calendarDoc `yaml:"calendar,omitempty"`
		IsRolling bool         `yaml:"isRolling"`
	}
	calendarDoc struct {
		StartTime string `yaml:"startTime"`
		TimeZone  string `yaml:"timeZone"`
	}
	objectiveDoc struct {
		DisplayName     string        `yaml:"displayName,omitempty"`
		Op              string        `yaml:"op,omitempty"`
		Value           *yaml.Node    `yaml:"value,omitempty"`
		Target          *yaml.Node    `yaml:"target"`
		TimeSliceTarget *yaml.Node    `yaml:"timeSliceTarget,omitempty"`
		TimeSliceWindow string        `yaml:"timeSliceWindow,omitempty"`
		Indicator       *indicatorDoc `yaml:"indicator,omitempty"`
		CompositeWeight *yaml.Node    `yaml:"compositeWeight,omitempty"`
	}
)

// Format writes an SLO as an OpenSLO v1 document (YAML), with everything that it
// consists of inline. Reading it back and resolving it gives the same SLO, if it
// was one that can be read at all, without its References.
func Format(s slo.SLO) ([]byte, error) {
	method := s.Method
	if method == "" {
		method = slo.Occurrences
	}
	annotations, err := withExclusions(s.Annotations, s.Exclusions)
	if err != nil {
		return nil, fmt.Errorf("write the SLO %s: %w", s.Name, err)
	}
	d := sloDoc{
		APIVersion: "openslo/v1", Kind: "SLO",
		Metadata: metadataDoc{Name: s.Name, DisplayName: s.DisplayName, Labels: s.Labels, Annotations: annotations},
		Spec: sloSpecDoc{
			Description: s.Description, Service: s.Service, BudgetingMethod: string(method),
			TimeWindow: []windowDoc{windowOf(s.Window)},
		},
	}
	if !s.Composite() {
		d.Spec.Indicator = indicatorOf(s.Name, s.Indicator)
	}
	for _, o := range s.Objectives {
		d.Spec.Objectives = append(d.Spec.Objectives, objectiveOf(s.Name, o))
	}
	for _, p := range s.Policies {
		d.Spec.AlertPolicies = append(d.Spec.AlertPolicies, policyOf(p))
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(d); err != nil {
		return nil, fmt.Errorf("write the SLO %s: %w", s.Name, err)
	}
	return out.Bytes(), nil
}

func objectiveOf(name string, o slo.Objective) objectiveDoc {
	d := objectiveDoc{
		DisplayName: o.DisplayName, Op: string(o.Threshold.Op), Value: optionalNumber(string(o.Threshold.Limit)),
		Target: number(o.Target.String()), CompositeWeight: optionalNumber(string(o.Weight)),
	}
	if o.SliceTarget != (slo.Target{}) {
		d.TimeSliceTarget = number(o.SliceTarget.String())
	}
	if o.SliceWindow > 0 {
		d.TimeSliceWindow = durationOf(o.SliceWindow)
	}
	if o.Indicator != nil {
		d.Indicator = indicatorOf(name, *o.Indicator)
	}
	return d
}

// number writes a number as it is, not as a float that comes near it.
func number(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	node.Tag = node.ShortTag()
	return node
}

func optionalNumber(text string) *yaml.Node {
	if text == "" {
		return nil
	}
	return number(text)
}

func windowOf(w slo.Window) windowDoc {
	if w.Rolling() {
		return windowDoc{Duration: durationOf(w.Duration), IsRolling: true}
	}
	return windowDoc{
		Duration: fmt.Sprintf("%d%c", w.Calendar.Count, w.Calendar.Unit),
		Calendar: &calendarDoc{StartTime: w.Calendar.Start + ":00", TimeZone: w.Calendar.Zone},
	}
}

// durationOf writes a duration in its largest whole unit: "28d", "90m".
func durationOf(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d > 0 && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d > 0 && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
}
