package postgres

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// specRow is an SLO as the column spec holds it. It stands apart from slo.SLO,
// so that a name changed there does not change what is stored. Rows of before
// lack what was added since, which has the zero value then.
type specRow struct {
	Name        string              `json:"name"`
	DisplayName string              `json:"display_name"`
	Description string              `json:"description"`
	Service     string              `json:"service"`
	Labels      map[string][]string `json:"labels"`
	Annotations map[string]string   `json:"annotations"`
	Indicator   indicatorRow        `json:"indicator"`
	WindowNS    int64               `json:"window_ns"`
	Calendar    *calendarRow        `json:"calendar,omitempty"`
	Method      string              `json:"method,omitempty"`
	Objectives  []objectiveRow      `json:"objectives"`
	Policies    []policyRow         `json:"policies"`
	References  []refRow            `json:"references"`
	Exclusions  []exclusionRow      `json:"exclusions,omitzero"`
}

type exclusionRow struct {
	Start      string `json:"start"`
	DurationNS int64  `json:"duration_ns"`
	RRule      string `json:"rrule,omitempty"`
	Zone       string `json:"zone"`
	As         string `json:"as"`
	Reason     string `json:"reason,omitempty"`
}

func newExclusionRow(e slo.Exclusion) exclusionRow {
	return exclusionRow{Start: e.Start, DurationNS: int64(e.Duration), RRule: e.RRule, Zone: e.Zone, As: string(e.As), Reason: e.Reason}
}

func (r exclusionRow) exclusion() slo.Exclusion {
	return slo.Exclusion{
		Start: r.Start, Duration: time.Duration(r.DurationNS), RRule: r.RRule, Zone: r.Zone, As: slo.ExclusionKind(r.As), Reason: r.Reason,
	}
}

type calendarRow struct {
	Count int    `json:"count"`
	Unit  int    `json:"unit"`
	Start string `json:"start"`
	Zone  string `json:"zone"`
}

type indicatorRow struct {
	Total sourceRow  `json:"total"`
	Good  *sourceRow `json:"good"`
	Bad   *sourceRow `json:"bad"`
	Value *valueRow  `json:"value,omitempty"`
}

type sourceRow struct {
	Service       string `json:"service"`
	Condition     string `json:"condition"`
	MaxDurationNS int64  `json:"max_duration_ns"`
}

type valueRow struct {
	Of        string       `json:"of"`
	Raw       string       `json:"raw,omitempty"`
	Threshold thresholdRow `json:"threshold,omitzero"`
}

type thresholdRow struct {
	Op    string `json:"op,omitempty"`
	Limit string `json:"limit,omitempty"`
}

// objectiveRow holds targets as exact decimals, "0.999"; none is empty.
type objectiveRow struct {
	DisplayName   string        `json:"display_name"`
	Target        string        `json:"target"`
	Threshold     thresholdRow  `json:"threshold,omitzero"`
	SliceTarget   string        `json:"slice_target,omitempty"`
	SliceWindowNS int64         `json:"slice_window_ns,omitempty"`
	Indicator     *indicatorRow `json:"indicator,omitempty"`
	Weight        string        `json:"weight,omitempty"`
}

// each converts every item of a list; none stays none.
func each[A, B any](list []A, convert func(A) B) []B {
	if list == nil {
		return nil
	}
	out := make([]B, len(list))
	for i, item := range list {
		out[i] = convert(item)
	}
	return out
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

func newThresholdRow(t slo.Threshold) thresholdRow {
	return thresholdRow{Op: string(t.Op), Limit: string(t.Limit)}
}

func (r thresholdRow) threshold() slo.Threshold {
	return slo.Threshold{Op: slo.Operator(r.Op), Limit: slo.Decimal(r.Limit)}
}

func newIndicatorRow(i slo.Indicator) indicatorRow {
	row := indicatorRow{Total: *newSourceRow(&i.Total), Good: newSourceRow(i.Good), Bad: newSourceRow(i.Bad)}
	if v := i.Value; v != nil {
		row.Value = &valueRow{Of: v.Of, Raw: string(v.Raw), Threshold: newThresholdRow(v.Threshold)}
	}
	return row
}

func (r indicatorRow) indicator() slo.Indicator {
	i := slo.Indicator{Total: *r.Total.source(), Good: r.Good.source(), Bad: r.Bad.source()}
	if v := r.Value; v != nil {
		i.Value = &slo.Value{Of: v.Of, Raw: slo.RawType(v.Raw), Threshold: v.Threshold.threshold()}
	}
	return i
}

// targetText is a target as its row has it. The target that was never set is
// not that of 0, which is "0".
func targetText(t slo.Target) string {
	if t == (slo.Target{}) {
		return ""
	}
	return t.String()
}

func newObjectiveRow(o slo.Objective) objectiveRow {
	row := objectiveRow{
		DisplayName: o.DisplayName, Target: targetText(o.Target), Threshold: newThresholdRow(o.Threshold),
		SliceTarget: targetText(o.SliceTarget), SliceWindowNS: int64(o.SliceWindow), Weight: string(o.Weight),
	}
	if o.Indicator != nil {
		i := newIndicatorRow(*o.Indicator)
		row.Indicator = &i
	}
	return row
}

func (r objectiveRow) objective() (o slo.Objective, err error) {
	o = slo.Objective{
		DisplayName: r.DisplayName, Threshold: r.Threshold.threshold(), SliceWindow: time.Duration(r.SliceWindowNS), Weight: slo.Decimal(r.Weight),
	}
	if r.Target != "" {
		if o.Target, err = slo.ParseTarget(r.Target, false); err != nil {
			return o, err
		}
	}
	if r.SliceTarget != "" {
		if o.SliceTarget, err = slo.ParseSliceTarget(r.SliceTarget); err != nil {
			return o, err
		}
	}
	if r.Indicator != nil {
		i := r.Indicator.indicator()
		o.Indicator = &i
	}
	return o, nil
}

func encodeSLO(s slo.SLO) ([]byte, error) {
	row := specRow{
		Name: s.Name, DisplayName: s.DisplayName, Description: s.Description, Service: s.Service,
		Labels: s.Labels, Annotations: s.Annotations, Indicator: newIndicatorRow(s.Indicator),
		WindowNS: int64(s.Window.Duration), Method: string(s.Method), Objectives: each(s.Objectives, newObjectiveRow),
		Policies: each(s.Policies, newPolicyRow), References: each(s.References, newRefRow),
		Exclusions: each(s.Exclusions, newExclusionRow),
	}
	if c := s.Window.Calendar; c != (slo.Calendar{}) {
		row.Calendar = &calendarRow{Count: c.Count, Unit: int(c.Unit), Start: c.Start, Zone: c.Zone}
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
		Labels: row.Labels, Annotations: row.Annotations, Indicator: row.Indicator.indicator(),
		Window: slo.Window{Duration: time.Duration(row.WindowNS)}, Method: slo.BudgetingMethod(row.Method),
		Policies: each(row.Policies, policyRow.policy), References: each(row.References, refRow.ref),
		Exclusions: each(row.Exclusions, exclusionRow.exclusion),
	}
	if c := row.Calendar; c != nil {
		s.Window.Calendar = slo.Calendar{Count: c.Count, Unit: byte(c.Unit), Start: c.Start, Zone: c.Zone}
	}
	if row.Objectives != nil {
		s.Objectives = make([]slo.Objective, len(row.Objectives))
	}
	for i, o := range row.Objectives {
		var err error
		if s.Objectives[i], err = o.objective(); err != nil {
			return slo.SLO{}, fmt.Errorf("objective %d: %w", i, err)
		}
	}
	return s, nil
}
