package slo

import (
	"slices"
	"time"
)

// SLO is one OpenSLO document of kind SLO, with all that it refers to put in:
// an indicator, a window and the objectives (targets) set on it.
type SLO struct {
	Name        string
	DisplayName string
	Description string
	Service     string
	Labels      map[string][]string
	Annotations map[string]string
	// Indicator is that of every objective without one of its own.
	Indicator Indicator
	Window    Window
	// Method says what a budget is made of; empty means Occurrences.
	Method     BudgetingMethod
	Objectives []Objective
	// Policies are the alert policies; with none the default policy holds.
	Policies []AlertPolicy
	// Exclusions are times that the SLO is not judged by.
	Exclusions []Exclusion
	// References are the objects that were put in, sorted; a change of one
	// changes the SLO.
	References []ObjectRef
}

// BudgetingMethod says what a budget is made of.
type BudgetingMethod string

// The budgeting methods of OpenSLO.
const (
	// Occurrences: good events of all events.
	Occurrences BudgetingMethod = "Occurrences"
	// Timeslices: good slices of all slices with events. A slice is good if
	// the share of its good events meets the objective's time slice target.
	Timeslices BudgetingMethod = "Timeslices"
	// RatioTimeslices: the mean of the shares of good events of all slices
	// with events.
	RatioTimeslices BudgetingMethod = "RatioTimeslices"
)

// Objective is one target of an SLO. Within its SLO it is known by its index.
type Objective struct {
	DisplayName string
	Target      Target
	// Threshold says which values are good, where the indicator is a value.
	Threshold Threshold
	// SliceTarget is the share of good events that makes a slice good (Timeslices).
	SliceTarget Target
	// SliceWindow is the length of a slice (Timeslices, RatioTimeslices), whole minutes.
	SliceWindow time.Duration
	// Indicator makes the SLO a composite, and the objective a member of it.
	Indicator *Indicator
	// Weight is that of a member, above 0; empty means 1.
	Weight Decimal
}

// Threshold makes a value an event: it is good if it compares so with Limit.
// The zero value asks nothing.
type Threshold struct {
	Op    Operator `json:"op"`
	Limit Decimal  `json:"limit"`
}

// Composite reports whether each objective has an indicator of its own.
func (s SLO) Composite() bool {
	return slices.ContainsFunc(s.Objectives, func(o Objective) bool { return o.Indicator != nil })
}

// IndicatorOf is the indicator that an objective counts by, its threshold included.
func (s SLO) IndicatorOf(index int) Indicator {
	o := s.Objectives[index]
	i := s.Indicator
	if o.Indicator != nil {
		i = *o.Indicator
	}
	if i.Value != nil && i.Value.Raw == "" {
		value := *i.Value
		value.Threshold = o.Threshold
		i.Value = &value
	}
	return i
}

// SeriesOf is the series that an objective points at.
func (s SLO) SeriesOf(index int) Series { return s.IndicatorOf(index).Series() }

// Series are the series that the objectives point at, each once, in their order.
func (s SLO) Series() []Series {
	var all []Series
	for i := range s.Objectives {
		one := s.SeriesOf(i)
		if !slices.ContainsFunc(all, func(other Series) bool { return other.ID == one.ID }) {
			all = append(all, one)
		}
	}
	return all
}

// Definition is one revision of an SLO: what somebody applied, and when.
type Definition struct {
	SLO SLO
	// Document is the OpenSLO document as it was applied (YAML or JSON).
	Document []byte
	// Origin is the file that the definition comes from (read-only in the
	// API), or empty when it was applied by the API.
	Origin string
	// Revision counts the definitions of this name from 1.
	Revision int
	// AppliedAt is when this revision came into force.
	AppliedAt time.Time
	// CreatedAt is since when there is an SLO of this name without a gap: when the
	// first revision came into force, or the first since it was deleted.
	CreatedAt time.Time
	// RetireNow: whoever applied this revision did not want its tiers to wait
	// for it to cover their look-backs.
	RetireNow bool
	// Earlier are revisions that measured something else, newest first.
	Earlier []EarlierRevision
}
