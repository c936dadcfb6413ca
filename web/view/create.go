package view

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Create is the page that drafts, previews and applies an objective, as a form
// or as text.
type Create struct {
	Base
	// Text is the document in text mode; AsText that this is the mode.
	Text   string
	AsText bool
	Form   Form
	// Edit is the name of the SLO that is edited, empty for a new one.
	Edit string
	// Replaces reports that an SLO of the name exists and would get a new revision.
	Replaces bool
	Faults   FormFaults
	// Warnings say what of the document was read otherwise than it is written.
	Warnings []Fault
	Preview  *Preview
	// Why says why a document stays text.
	Why      string
	Services []string
	Windows  []string
}

func (Create) template() string { return "create" }

// Form is an SLO as the form has it: text, as it was typed.
type Form struct {
	Name, Title, Service, Condition, Good, MaxDuration, Target, Window string
}

// FormFaults are what is wrong, by field; Other is what belongs to none.
type FormFaults struct {
	Name, Title, Service, Condition, Good, MaxDuration, Target, Window string
	Other                                                              []Fault
}

// Any reports whether anything is wrong.
func (f FormFaults) Any() bool {
	return len(f.Other) > 0 || f.Name+f.Title+f.Service+f.Condition+f.Good+f.MaxDuration+f.Target+f.Window != ""
}

// NewForm writes an SLO into the fields, if they can hold all of it; else it
// says what they cannot.
func NewForm(s slo.SLO) (form Form, why string) {
	switch {
	case len(s.Objectives) != 1:
		return Form{}, "it has several objectives"
	case len(s.References) > 0:
		return Form{}, "it refers to other objects"
	case s.Composite():
		return Form{}, "its objective has an indicator of its own"
	case s.Indicator.Value != nil:
		return Form{}, "it measures a value instead of saying which events are good"
	case !s.Window.Rolling():
		return Form{}, "its window follows a calendar"
	case s.Method != "" && s.Method != slo.Occurrences:
		return Form{}, "its budget is one of time slices"
	case len(s.Policies) > 0:
		return Form{}, "it has alert policies"
	case s.Indicator.Good == nil:
		return Form{}, "it says which events are bad instead of which are good"
	case len(s.Labels)+len(s.Annotations) > 0:
		return Form{}, "it has labels or annotations"
	case s.Description != "":
		return Form{}, "it has a description"
	case s.Objectives[0].DisplayName != "":
		return Form{}, "its objective has a name of its own"
	case s.Indicator.Total.MaxDuration != 0, s.Indicator.Good.Service != "":
		return Form{}, "its indicator is more than the form can say"
	case s.Indicator.Total.Service != s.Service:
		return Form{}, "it counts spans of another service than its own, or of all"
	}
	form = Form{
		Name: s.Name, Title: s.DisplayName, Service: s.Service, Condition: s.Indicator.Total.Condition,
		Good: s.Indicator.Good.Condition, Target: s.Objectives[0].Target.Percent(), Window: windowText(s.Window),
	}
	if s.Indicator.Good.MaxDuration > 0 {
		form.MaxDuration = s.Indicator.Good.MaxDuration.String()
	}
	return form, ""
}

func windowText(w slo.Window) string {
	const day = 24 * time.Hour
	switch d := w.Duration; {
	case d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	default:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
}

// The fields of the document that the form shows.
const (
	fieldName        = "metadata.name"
	fieldTitle       = "metadata.displayName"
	fieldService     = "spec.service"
	fieldTotal       = "spec.indicator.spec.ratioMetric.total"
	fieldGood        = "spec.indicator.spec.ratioMetric.good"
	fieldTarget      = "spec.objectives[0].target"
	fieldWindow      = "spec.timeWindow[0].duration"
	fieldMaxDuration = fieldGood + ".metricSource.spec.maxDuration"
)

// SLO reads the fields that are not plain text. What the document's own rules
// refuse, they refuse when it is checked.
func (f Form) SLO() (slo.SLO, slo.DocumentErrors) {
	var faults slo.DocumentErrors
	fault := func(field, reason string) {
		faults = append(faults, slo.DocumentError{File: "form", Field: field, Reason: reason})
	}
	s := slo.SLO{
		Name: strings.TrimSpace(f.Name), DisplayName: strings.TrimSpace(f.Title), Service: strings.TrimSpace(f.Service),
		Indicator: slo.Indicator{
			Total: slo.SpanSource{Service: strings.TrimSpace(f.Service), Condition: strings.TrimSpace(f.Condition)},
			Good:  &slo.SpanSource{Condition: strings.TrimSpace(f.Good)},
		},
	}
	if s.Name == "" {
		fault(fieldName, "is required")
	}
	if s.Service == "" {
		fault(fieldService, "is required")
	}
	if text := strings.TrimSpace(f.MaxDuration); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			fault(fieldMaxDuration, "must be a duration above 0 such as 300ms, 1.5s or 2m")
		}
		s.Indicator.Good.MaxDuration = d
	}
	target, err := slo.ParseTarget(strings.TrimSpace(strings.ReplaceAll(f.Target, "%", "")), true)
	if err != nil {
		fault(fieldTarget, "must be a percentage from 0 to below 100 such as 99.9")
	}
	s.Objectives = []slo.Objective{{Target: target}}
	window, err := slo.ParseDuration(strings.TrimSpace(f.Window))
	if err != nil || window < slo.MinWindow || window > slo.MaxWindow {
		fault(fieldWindow, "must be from 1h to 400d, such as 28d")
	}
	s.Window = slo.Window{Duration: window}
	return s, faults
}

// NewFormFaults puts each fault beside its field.
func NewFormFaults(faults slo.DocumentErrors) FormFaults {
	var out FormFaults
	for _, f := range faults {
		into := map[string]*string{
			fieldName: &out.Name, fieldTitle: &out.Title, fieldService: &out.Service, fieldTarget: &out.Target,
			fieldTarget + "Percent": &out.Target, fieldWindow: &out.Window, fieldMaxDuration: &out.MaxDuration,
		}[f.Field]
		switch {
		case into != nil:
		case strings.HasPrefix(f.Field, fieldTotal):
			into = &out.Condition
		case strings.HasPrefix(f.Field, fieldGood):
			into = &out.Good
		default:
			out.Other = append(out.Other, Fault{Field: f.Field, Reason: f.Reason})
			continue
		}
		if *into != "" {
			*into += "; "
		}
		*into += f.Reason
	}
	return out
}

// FaultLine is what is wrong with one field, in words.
type FaultLine struct{ Field, Reason string }

// Lines are all faults, each with the label of its field.
func (f FormFaults) Lines() []FaultLine {
	var lines []FaultLine
	for _, l := range []FaultLine{
		{"Name", f.Name},
		{"Title", f.Title},
		{"Service", f.Service},
		{"Which spans count", f.Condition},
		{"Which of them are good", f.Good},
		{"Took at most", f.MaxDuration},
		{"Target", f.Target},
		{"Window", f.Window},
	} {
		if l.Reason != "" {
			lines = append(lines, l)
		}
	}
	for _, o := range f.Other {
		lines = append(lines, FaultLine{strings.TrimSpace(o.Place + " " + o.Field), o.Reason})
	}
	return lines
}

// NewTextFaults lists the faults of a text by line.
func NewTextFaults(faults slo.DocumentErrors) FormFaults { return FormFaults{Other: byLine(faults)} }

// NewTextWarnings lists the warnings of a text by line.
func NewTextWarnings(warnings slo.DocumentWarnings) []Fault { return byLine(warnings) }

func byLine(faults []slo.DocumentError) []Fault {
	var out []Fault
	for _, f := range faults {
		fault := Fault{Field: f.Field, Reason: f.Reason}
		if f.Line > 0 {
			fault.Place = "line " + strconv.Itoa(f.Line)
		}
		out = append(out, fault)
	}
	return out
}

// Preview says what an SLO would have counted.
type Preview struct {
	// Empty reports that it matched nothing; Nothing that there was nothing to
	// look at.
	Empty, Nothing          bool
	Good, Bad, Unknown      string
	Total, Achieved, Target string
	// Met reports that the target would have been met, Spent how much of its
	// budget was used.
	Met, HasUnknown bool
	Spent, Stretch  string
	Samples         []SampleGroup
	// Of names the SLO that was judged, if the document holds several.
	Of string
	// Fault is why there is no preview.
	Fault string
}

// SampleGroup are spans of one verdict.
type SampleGroup struct {
	Word, Key string
	Spans     []Sample
}

// Sample is one span.
type Sample struct {
	At                            Moment
	Name, Service, Kind, Duration string
	Status, Message, TraceID      string
	Attributes                    []slo.Attribute
}

// NewPreview describes a preview.
func NewPreview(p slo.Preview, target slo.Target, now time.Time) *Preview {
	total := p.Counts.Total()
	out := &Preview{
		Empty: total == 0, Nothing: p.Spans == 0, Good: Count(p.Counts.Good), Bad: Count(p.Counts.Bad), Unknown: Count(p.Counts.Unknown),
		HasUnknown: p.Counts.Unknown > 0, Total: Count(total), Achieved: achieved(p.Counts, target),
		Target: target.Percent() + narrow + "%", Stretch: stretch(p),
	}
	budget := slo.BudgetOf(target, p.Counts)
	out.Met = !budget.Exhausted
	if total > 0 {
		out.Spent = SignedPercent(1 - budget.RemainingRatio)
	}
	for _, g := range []struct {
		word, key string
		spans     []slo.SpanSample
	}{{"Bad", "exhausted", p.Bad}, {"Unknown", "unmeasured", p.Unknown}, {"Good", "ok", p.Good}} {
		if len(g.spans) == 0 {
			continue
		}
		group := SampleGroup{Word: g.word, Key: g.key}
		for _, s := range g.spans {
			group.Spans = append(group.Spans, Sample{
				At: NewMoment(s.Start, now), Name: s.Name, Service: s.Service, Kind: s.Kind, Duration: Latency(s.Duration),
				Status: s.Status, Message: s.Message, TraceID: s.TraceID, Attributes: s.Attributes,
			})
		}
		out.Samples = append(out.Samples, group)
	}
	return out
}

// stretch says what was read: "the newest 1 200 000 spans, which arrived in 3h 5m".
func stretch(p slo.Preview) string {
	text := "the newest " + plural(p.Spans, "span")
	if p.Whole {
		text = "all " + plural(p.Spans, "span") + " that the journal keeps"
	}
	return text + ", which arrived within " + coarse(max(p.To.Sub(p.From), time.Second))
}

// editLink is where an SLO is edited.
func editLink(name string) string { return "/create?" + url.Values{"edit": {name}}.Encode() }

// UsualWindows are the windows that the form proposes.
func UsualWindows() []string { return []string{"28d", "7d", "1d", "30d", "90d"} }

// Field is one input of the form.
type Field struct{ Name, Label, Value, Fault, Hint, List string }

// newField lets a template hand the parts of an input to the one that draws it.
func newField(name, label, value, fault, hint, list string) Field {
	return Field{Name: name, Label: label, Value: value, Fault: fault, Hint: hint, List: list}
}
