package alerting

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// The limits of texts in a message, in characters.
const (
	maxNameInText  = 60
	maxSummary     = 160
	maxDescription = 1000
)

// summary is one short line, readable on a watch:
// "checkout-fast burns its budget 340x (fast, page)".
func summary(t slo.Transition) string {
	name := clean(t.SLO.Name, maxNameInText)
	switch {
	case t.Status.Composite:
		name += " (composite)"
	case len(t.SLO.Objectives) > 1:
		name += " " + t.Status.Target.Percent() + "%"
	}
	verb, over := verbs(t)
	if t.Episode.State == slo.Resolved {
		verb = over
		if t.Reason != "" {
			verb = "is closed without a recovery: " + t.Reason
		}
	}
	tier := clean(t.Episode.Tier, maxNameInText)
	return clean(fmt.Sprintf("%s %s (%s, %s)", name, verb, tier, t.Episode.Severity), maxSummary)
}

// verbs say what the alert tells, while it fires and when it is over.
func verbs(t slo.Transition) (fires, over string) {
	switch t.Tier.Kind {
	case slo.BudgetConsumed:
		return "has spent " + formatPercent(t.Status.Budget.SpentRatio) + "% of its budget", "is below its limit of spent budget again"
	case slo.BudgetDrop:
		return "has lost much of its budget within " + slo.FormatDuration(t.Tier.Tier.Long), "no longer loses much of its budget"
	case slo.TimeToExhaustion:
		return "will soon have no budget left", "will not soon be without a budget any more"
	case slo.NoData:
		return "has no data", "has data again"
	case slo.SourceSilent:
		return "hears nothing from its source", "hears from its source again"
	case slo.Blind:
		return "cannot see: nothing to judge, or too much that cannot be judged", "sees again"
	default:
		rate := t.Tier.Short.Rate
		if t.Tier.Tier.Short == 0 {
			rate = t.Tier.Long.Rate
		}
		return "burns its budget " + slo.FormatRate(rate) + "x", "no longer burns its budget"
	}
}

// description says which tier and look-backs, how many events, the burn rates
// against the factor, what is left of the budget and until when, and since
// when it fires.
func description(t slo.Transition) string {
	var b strings.Builder
	target := t.Status.Target.Percent() + "% good"
	if t.Status.Composite && t.Status.Method == slo.Occurrences {
		target = "all members together"
	}
	fmt.Fprintf(&b, "Objective: %s over %s", target, t.Status.Window.Text())
	if t.SLO.Service != "" {
		fmt.Fprintf(&b, ", service %s", clean(t.SLO.Service, maxNameInText))
	}
	fmt.Fprintf(&b, ". Tier %s (%s)", clean(t.Episode.Tier, maxNameInText), t.Episode.Severity)
	switch {
	case t.Tier.Kind != slo.BurnRate || t.Tier.Tier.Short == 0 || t.Tier.Op != slo.GTE || t.Tier.Unit.Scale() != 1:
		if text := t.Tier.Explain(); text != "" {
			b.WriteString(": " + text)
		} else {
			b.WriteString(": no longer part of the objective.")
		}
	default:
		fmt.Fprintf(&b, ": %s; %s. It fires when both burn at %sx or more.",
			lookBackText(t.Tier.Tier.Long, t.Tier.Long), lookBackText(t.Tier.Tier.Short, t.Tier.Short), slo.FormatRate(t.Tier.Factor))
	}
	b.WriteString(" " + budgetText(t))
	fmt.Fprintf(&b, " Firing since %s", formatTime(t.Episode.FiredAt))
	if t.Episode.State == slo.Resolved {
		fmt.Fprintf(&b, ", resolved at %s after %s", formatTime(t.Episode.ResolvedAt),
			slo.FormatDuration(max(0, t.Episode.ResolvedAt.Sub(t.Episode.FiredAt))))
	}
	b.WriteString(".")
	if t.Reason != "" {
		fmt.Fprintf(&b, " Nothing is known to have recovered: %s.", t.Reason)
	}
	return clean(b.String(), maxDescription)
}

// lookBackText is "34 bad and 66 good events in the last 2m, 340x"; events
// that could not be judged are named if there are any.
func lookBackText(length time.Duration, c slo.LookBackCounts) string {
	unknown := ""
	if c.Unknown > 0 {
		unknown = fmt.Sprintf(", %d not judged,", c.Unknown)
	}
	return fmt.Sprintf("%d bad and %d good events%s in the last %s, %sx",
		c.Bad, c.Good, unknown, slo.LookBackText(length), slo.FormatRate(c.Rate))
}

// budgetText is "97.3% of the budget is left; at the rate of the last 10s it
// is gone in 43m12s.".
func budgetText(t slo.Transition) string {
	remaining := t.Status.Budget.RemainingRatio
	switch {
	case t.Status.Counts.Total() == 0:
		return "No event lies in the window, so no budget was computed."
	case t.Status.Budget.Exhausted || remaining <= 0:
		return fmt.Sprintf("The budget is spent: %s%% of it is used.", formatPercent(1-remaining))
	}
	text := fmt.Sprintf("%s%% of the budget is left", formatPercent(remaining))
	length, rate := t.Tier.Tier.Short, t.Tier.Short.Rate
	if length == 0 {
		length, rate = t.Tier.Tier.Long, t.Tier.Long.Rate
	}
	if left, ok := t.Status.TimeToExhaustion(rate); ok && length > 0 {
		text += fmt.Sprintf("; at the rate of the last %s it is gone in %s", slo.FormatDuration(length), formatLeft(left))
	}
	return text + "."
}

// formatPercent is a ratio in percent: 0.9731 is "97.3", 0.0042 is "0.42".
func formatPercent(ratio float64) string {
	decimals := 1
	if percent := ratio * 100; percent > -1 && percent < 1 {
		decimals = 2
	}
	return trimZeros(strconv.FormatFloat(ratio*100, 'f', decimals, 64))
}

func trimZeros(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// formatLeft is a time to come, no finer than it can be known: seconds below
// an hour, minutes below two days, else hours.
func formatLeft(d time.Duration) string {
	unit := time.Second
	switch {
	case d >= 48*time.Hour:
		unit = time.Hour
	case d >= time.Hour:
		unit = time.Minute
	}
	return slo.FormatDuration(d.Truncate(unit))
}

// formatTime is an instant to the second in UTC: "2026-01-01T00:00:07Z".
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
