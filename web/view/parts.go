package view

import (
	"strconv"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// State is the state of an objective: a word, and the name of its icon and
// colour.
type State struct {
	Key, Word string
}

// NewState names a state. One that is not known is shown as unmeasured, with
// its own word.
func NewState(state slo.State) State {
	switch state {
	case slo.Exhausted:
		return State{Key: "exhausted", Word: "Exhausted"}
	case slo.Burning:
		return State{Key: "burning", Word: "Burning"}
	case slo.OK:
		return State{Key: "ok", Word: "OK"}
	case slo.Unmeasured:
		return State{Key: "unmeasured", Word: "Unmeasured"}
	}
	return State{Key: "unmeasured", Word: string(state)}
}

// LastEvent is when the newest event counted happened; At is zero for none.
type LastEvent struct {
	At Moment
	// Silent reports that events came, and have not for a while.
	Silent bool
}

// newLastEvent describes it. An objective that never saw an event is
// unmeasured, which says more than that it is silent.
func newLastEvent(o slo.ObjectiveStatus, now time.Time) LastEvent {
	return LastEvent{At: NewMoment(o.LastEvent, now), Silent: o.Silent && !o.LastEvent.IsZero()}
}

// Budget is what is left of an error budget: the number and a meter.
type Budget struct {
	// Text is the signed percentage, a dash without events.
	Text string
	// Known is false without events: the meter is empty then.
	Known bool
	// Over reports that nothing is left.
	Over bool
	// Left and Debt are the widths of the meter's bars in percent of it, at
	// most 100: the budget left, from its left end; or what was spent beyond
	// the budget, from its right end.
	Left, Debt string
	// DebtFrom is where the second bar begins.
	DebtFrom string
}

// NewBudget describes the budget of an objective.
func NewBudget(o slo.ObjectiveStatus) Budget {
	b := Budget{Text: "–", Known: o.Counts.Total() > 0, Over: o.Budget.Exhausted}
	if !b.Known {
		return b
	}
	ratio := o.Budget.RemainingRatio
	b.Text = SignedPercent(ratio)
	b.Left = width(ratio)
	debt := min(max(-ratio, 0), 1)
	b.Debt, b.DebtFrom = width(debt), width(1-debt)
	return b
}

func width(ratio float64) string {
	return strconv.FormatFloat(min(max(ratio, 0), 1)*100, 'f', 2, 64)
}

// Verdict is one tier of one objective.
type Verdict struct {
	Name, Severity, Long, Short, Factor string
	LongRate, ShortRate                 string
	LongOver, ShortOver                 bool
	// Word is firing, pending, quiet, frozen or left out; Key names its colour.
	Word, Key string
	// Reason says why the tier stands where it does.
	Reason string
}

// NewVerdict describes a tier. Open are the open episodes of its objective.
func NewVerdict(t slo.TierStatus, open []slo.Episode) Verdict {
	v := Verdict{
		Name: t.Name, Severity: string(t.Severity), Factor: firesAt(t), Long: "window", LongRate: "–", ShortRate: "–",
		LongOver: t.LongOver, ShortOver: t.ShortOver, Word: "quiet", Key: "quiet", Reason: t.Explain(),
	}
	if t.Kind == slo.NoData || t.Kind == slo.SourceSilent || t.Kind == slo.Blind {
		v.Long, v.LongOver, v.ShortOver = "", false, false
	} else {
		v.LongRate = rateOf(t.Long.Rate, t.Long.Counts)
	}
	if t.Tier.Long > 0 {
		v.Long = slo.FormatDuration(t.Tier.Long)
	}
	if t.Tier.Short > 0 {
		v.Short, v.ShortRate = slo.FormatDuration(t.Tier.Short), rateOf(t.Short.Rate, t.Short.Counts)
	} else {
		v.ShortOver = false
	}
	switch {
	case t.LeftOut != "":
		v.Word, v.Key, v.Reason = "left out", "out", t.LeftOut
		return v
	case t.Frozen:
		v.Word, v.Key = "frozen", "out"
	case t.Inhibited != "" && t.LongOver && t.ShortOver:
		v.Word = "inhibited"
	}
	for _, e := range open {
		if e.Tier == t.Name {
			v.Word, v.Key = string(e.State), string(e.State)
		}
	}
	return v
}

// firesAt is what the tier compares with.
func firesAt(t slo.TierStatus) string {
	switch t.Kind {
	case slo.NoData, slo.SourceSilent, slo.Blind:
		return "–"
	case slo.BudgetConsumed, slo.BudgetDrop:
		return t.Op.Symbol() + " " + SignedPercent(t.Factor)
	case slo.TimeToExhaustion:
		return t.Op.Symbol() + " " + coarse(time.Duration(t.Factor*float64(time.Hour)))
	default:
		if t.Op == slo.GTE || t.Op == "" {
			return Rate(t.Factor)
		}
		return t.Op.Symbol() + " " + Rate(t.Factor)
	}
}

// rateOf is a burn rate, a dash without events.
func rateOf(rate float64, c slo.Counts) string {
	if c.Total() == 0 {
		return "–"
	}
	return Rate(rate)
}

// lastHour is the burn rate of the last hour, or of the longest look-back
// below if the window is shorter.
func lastHour(o slo.ObjectiveStatus) string {
	text := "–"
	for _, b := range o.BurnRates {
		if b.Length <= time.Hour {
			text = rateOf(b.Rate, b.Counts)
		}
	}
	return text
}

// Episode is one firing of one tier.
type Episode struct {
	ID, Tier, Severity, Objective string
	// Word is the state; Key names its colour.
	Word, Key string
	// Began is when it became pending or fired, Ended when it was over.
	Began, Ended Moment
	// Lasted is from the beginning to the end, or to now.
	Lasted string
}

// NewEpisode describes an episode.
func NewEpisode(e slo.Episode, now time.Time) Episode {
	began := e.FiredAt
	if began.IsZero() {
		began = e.PendingSince
	}
	out := Episode{
		ID: e.ID, Tier: e.Tier, Severity: string(e.Severity), Objective: strconv.Itoa(e.Objective),
		Word: string(e.State), Key: string(e.State), Began: NewMoment(began, now),
	}
	end := now
	if !e.ResolvedAt.IsZero() {
		end, out.Ended = e.ResolvedAt, NewMoment(e.ResolvedAt, now)
	}
	out.Lasted = coarse(max(end.Sub(began), 0))
	return out
}
