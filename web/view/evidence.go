package view

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Compared is what audits say of the slices of a window: how many came out
// equal, how many not, and when the newest of them was compared.
type Compared struct {
	Equal, Differing int64
	At               time.Time
}

// Evidence is what the counts of an objective rest on. What is not known is
// empty.
type Evidence struct {
	// CountedSince is from when on every accepted event was counted; Partly says
	// that the window began before.
	CountedSince Moment
	Partly       bool
	// Late, Repeats and Conflicts are with their nouns.
	Late, Repeats, Conflicts string
	// Audit is what the audits found, AuditAt when; Differs that something is wrong.
	Audit   string
	AuditAt Moment
	Differs bool
	// Edits are the places where what is measured was edited, newest first.
	Edits []Edit
	// Excluded says what is excluded from the window, nil if nothing is. Reset is
	// the reset that the window begins with, nil without one.
	Excluded *Excluded
	Reset    *Reset
}

// Edit is one place in the window where one revision goes over into the next.
type Edit struct {
	Until Moment
	// Part is what was counted before, Difference what the two count otherwise;
	// empty where they were never counted together.
	Part, Difference string
}

// Any reports that there is something to show.
func (e Evidence) Any() bool {
	return e.CountedSince.Machine != "" || e.Late != "" || e.Audit != "" || len(e.Edits) > 0 || e.Excluded != nil || e.Reset != nil
}

func newEvidence(in Scene, o slo.ObjectiveStatus, now time.Time) Evidence {
	var e Evidence
	if !o.CountedSince.IsZero() {
		e.CountedSince, e.Partly = NewMoment(o.CountedSince, now), o.CountedSince.After(o.From)
	}
	e.Excluded, e.Reset = newExcluded(o, now), newReset(in.Status.Resets, o, now)
	for _, s := range o.Splices {
		edit := Edit{
			Until: NewMoment(s.Until, now),
			Part: "revision " + Count(int64(s.Revision)) + " counted " + inUnits(o, s.Counts.Bad) + " bad of " + inUnits(o, s.Counts.Total()) +
				" in this window",
		}
		if s.Both.From.Before(s.Both.To) {
			edit.Difference = "where both were counted, " + NewMoment(s.Both.From, now).Text + " to " + NewMoment(s.Both.To, now).Text + ": " +
				inUnits(o, s.Before.Bad) + " bad of " + inUnits(o, s.Before.Total()) + " as it was, " +
				inUnits(o, s.After.Bad) + " bad of " + inUnits(o, s.After.Total()) + " as it is now"
		}
		e.Edits = append(e.Edits, edit)
	}
	if c := in.Corrections; c != nil {
		e.Late, e.Repeats, e.Conflicts = plural(c.Late, "event"), plural(c.Repeats, "repeat"), plural(c.Conflicts, "conflict")
	}
	if c := in.Compared; c != nil {
		switch {
		case c.Differing > 0:
			e.Audit, e.Differs = plural(c.Differing, "slice")+" of "+Count(c.Equal+c.Differing)+" came out otherwise", true
		case c.Equal > 0:
			e.Audit = plural(c.Equal, "slice") + " came out the same"
		default:
			e.Audit = "not audited yet"
		}
		if !c.At.IsZero() {
			e.AuditAt = NewMoment(c.At, now)
		}
	}
	return e
}

// Recounting is a recount that runs, or was ended by Cause.
type Recounting struct {
	// Through is from when on the counts are complete, Oldest how far the
	// journal reaches back.
	Through, Oldest Moment
	Cause           string
}

// newRecounting is nil unless one runs or went wrong.
func newRecounting(state *slo.RecountState, now time.Time) *Recounting {
	if state == nil || (!state.Running && state.Err == "") {
		return nil
	}
	r := Recounting{Through: NewMoment(state.Since, now), Oldest: NewMoment(state.Oldest, now)}
	if !state.Running {
		r.Cause = state.Err
	}
	return &r
}
