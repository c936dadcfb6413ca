package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Explain says in a sentence or two why the tier stands where it does: what its
// look-backs hold, what it compares with, how far that is, and what else keeps
// it from firing.
//
//	54 bad of 3333 events in the last 1h burn at 16.2x, 5 of 278 in the last 5m at 18x. It fires when both reach 14.4x.
func (v TierStatus) Explain() string {
	var parts []string
	switch {
	case v.Kind == "": // A tier that is gone.
		return ""
	case v.LeftOut != "":
		return "Left out: " + v.LeftOut + "."
	case v.windowed():
		parts = append(parts, v.measured()+". "+v.asks()+".")
	default:
		parts = append(parts, v.watched())
	}
	if v.Gate != "" {
		parts = append(parts, "Not yet: "+v.Gate+".")
	}
	if v.Revision > 0 {
		parts = append(parts, fmt.Sprintf("Judged by revision %d until the one of now covers the last %s.", v.Revision, FormatDuration(v.Tier.Long)))
	}
	if v.Frozen {
		parts = append(parts, "Frozen: less than half of what it looks back at was measured, so it neither fires nor resolves.")
	}
	if v.Inhibited != "" && v.LongOver && v.ShortOver {
		parts = append(parts, "Inhibited: "+v.Inhibited+" tells it already, or has just ceased to.")
	}
	return strings.Join(parts, " ")
}

// measured is what the look-backs hold.
func (v TierStatus) measured() string {
	text := v.lookBack(v.Tier.Long, v.Long, " burn at ")
	if v.Tier.Short > 0 {
		text += ", " + v.lookBack(v.Tier.Short, v.Short, " at ")
	}
	return text
}

func (v TierStatus) lookBack(length time.Duration, c LookBackCounts, verb string) string {
	in := "the window"
	if length > 0 {
		in = "the last " + LookBackText(length)
	}
	if c.Total() == 0 {
		return "no event in " + in
	}
	of, by := "", ""
	if v.Weighted {
		of, by = " of all members", " by their weights"
	}
	return fmt.Sprintf("%s bad of %s%s in %s%s%sx%s", v.Unit.Format(c.Bad), v.Unit.Name(c.Total()), of, in, verb, FormatRate(c.Rate), by)
}

// LookBackText is how long a look-back is. It begins with a slice, which makes a
// short one up to twice as long: "10s to 20s", "2m".
func LookBackText(length time.Duration) string {
	if length >= time.Minute {
		return FormatDuration(length)
	}
	return FormatDuration(length) + " to " + FormatDuration(length+SliceLength)
}

// asks is the condition, in words.
func (v TierStatus) asks() string {
	limit := FormatRate(v.Factor)
	var text string
	switch v.Kind {
	case BudgetConsumed:
		text = fmt.Sprintf("%s%% of the window's budget is spent. It fires when the share is %s %s", FormatRate(100*v.Value), v.Op.Symbol(), limit)
	case BudgetDrop:
		text = fmt.Sprintf("That is %s%% of the window's budget. It fires when the share is %s %s", FormatRate(100*v.Value), v.Op.Symbol(), limit)
	case TimeToExhaustion:
		lasts := "The budget lasts for ever"
		if !math.IsInf(v.Value, 0) {
			lasts = "The budget lasts " + FormatRate(v.Value) + " hours"
		}
		text = fmt.Sprintf("%s at this rate. It fires when that is %s %s hours", lasts, v.Op.Symbol(), limit)
	default:
		who := "it is"
		if v.Tier.Short > 0 {
			who = "both are"
		}
		text = fmt.Sprintf("It fires when %s %s %sx", who, v.Op.Symbol(), limit)
		if v.Op == GTE {
			text = fmt.Sprintf("It fires when %s %sx", map[bool]string{true: "both reach", false: "it reaches"}[v.Tier.Short > 0], limit)
		}
	}
	if v.After > 0 {
		text += " for " + FormatDuration(v.After)
	}
	return text
}

// watched is what a tier sees that tells of what is not known.
func (v TierStatus) watched() string {
	switch v.Kind {
	case SourceSilent:
		if v.Pause == 0 {
			return "It fires after three times the longest pause of the last days, 15m at least."
		}
		return fmt.Sprintf("No event arrives. It fires after %s, three times the longest pause of the last days.", FormatDuration(v.Pause))
	case NoData:
		return "It fires when no event has arrived for " + FormatDuration(v.Tier.Long) + "."
	default:
		if v.LongOver && v.Events.Total() == 0 {
			return "The objective has been counted for an hour or more and has never had an event: what it selects may not exist."
		}
		return fmt.Sprintf("%d of %d events of the last hour could not be judged. It fires from %d on, if they are half of all.",
			v.Events.Unknown, v.Events.Total(), fewToBeBlind)
	}
}

// FormatRate is a burn rate, or another number, in about three digits: "340", "14.4", "1.05", "12000".
func FormatRate(x float64) string {
	decimals := 2
	switch {
	case x >= 100:
		decimals = 0
	case x >= 10:
		decimals = 1
	}
	text := strconv.FormatFloat(x, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Name is a number of the unit with its name: "3333 events", "1 slice", "12.5 slices".
func (u Unit) Name(n int64) string {
	noun := "event"
	if u == UnitSlice || u == UnitRatioSlice {
		noun = "slice"
	}
	text := u.Format(n)
	if text != "1" {
		noun += "s"
	}
	return text + " " + noun
}

// Format is a number of the unit, in whole events or slices with up to three decimals.
func (u Unit) Format(n int64) string {
	if u.Scale() == 1 {
		return strconv.FormatInt(n, 10)
	}
	text := strconv.FormatFloat(float64(n)/float64(u.Scale()), 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
