package postgres

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// policyRow is an alert policy within a specRow.
type policyRow struct {
	Name          string       `json:"name"`
	DisplayName   string       `json:"display_name"`
	Description   string       `json:"description"`
	WhenBreaching bool         `json:"when_breaching"`
	WhenResolved  bool         `json:"when_resolved"`
	WhenNoData    bool         `json:"when_no_data"`
	Condition     conditionRow `json:"condition"`
	Targets       []targetRow  `json:"targets"`
}

type conditionRow struct {
	Name            string `json:"name"`
	DisplayName     string `json:"display_name"`
	Description     string `json:"description"`
	Severity        string `json:"severity"`
	Kind            string `json:"kind"`
	Op              string `json:"op"`
	Threshold       string `json:"threshold"`
	LookBackNS      int64  `json:"look_back_ns"`
	ShortLookBackNS int64  `json:"short_look_back_ns"`
	AfterNS         int64  `json:"after_ns"`
	MinBad          int64  `json:"min_bad"`
	NoDataAfterNS   int64  `json:"no_data_after_ns"`
}

type targetRow struct {
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	Description string `json:"description"`
	Target      string `json:"target"`
}

func newPolicyRow(p slo.AlertPolicy) policyRow {
	c := p.Condition
	return policyRow{
		Name: p.Name, DisplayName: p.DisplayName, Description: p.Description,
		WhenBreaching: p.WhenBreaching, WhenResolved: p.WhenResolved, WhenNoData: p.WhenNoData,
		Condition: conditionRow{
			Name: c.Name, DisplayName: c.DisplayName, Description: c.Description, Severity: string(c.Severity),
			Kind: string(c.Kind), Op: string(c.Op), Threshold: string(c.Threshold), LookBackNS: int64(c.LookBack),
			ShortLookBackNS: int64(c.ShortLookBack), AfterNS: int64(c.After), MinBad: c.MinBad, NoDataAfterNS: int64(c.NoDataAfter),
		},
		Targets: each(p.Targets, func(t slo.NotificationTarget) targetRow { return targetRow(t) }),
	}
}

func (r policyRow) policy() slo.AlertPolicy {
	c := r.Condition
	return slo.AlertPolicy{
		Name: r.Name, DisplayName: r.DisplayName, Description: r.Description,
		WhenBreaching: r.WhenBreaching, WhenResolved: r.WhenResolved, WhenNoData: r.WhenNoData,
		Condition: slo.AlertCondition{
			Name: c.Name, DisplayName: c.DisplayName, Description: c.Description, Severity: slo.Severity(c.Severity),
			Kind: slo.ConditionKind(c.Kind), Op: slo.Operator(c.Op), Threshold: slo.Decimal(c.Threshold),
			LookBack: time.Duration(c.LookBackNS), ShortLookBack: time.Duration(c.ShortLookBackNS),
			After: time.Duration(c.AfterNS), MinBad: c.MinBad, NoDataAfter: time.Duration(c.NoDataAfterNS),
		},
		Targets: each(r.Targets, func(t targetRow) slo.NotificationTarget { return slo.NotificationTarget(t) }),
	}
}
