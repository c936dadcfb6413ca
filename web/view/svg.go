package view

import (
	"strconv"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Strip is a row of cells, one for each step of time. Its states differ in
// height and pattern, not in colour alone.
type Strip struct {
	// Label says in words what the cells show; empty for no strip.
	Label string
	// Width is that of the drawing, in its own units.
	Width int
	Cells []StripCell
}

// StripCell is one step: its kind is "ok", "over", "empty" or "unmeasured".
type StripCell struct {
	Kind         string
	X, Y, Height int
}

// The measures of a strip in its own units.
const (
	cellPitch   = 8
	stripHeight = 20
)

// NewStrip shows step by step whether an objective burned faster than its
// budget allows: a short cell kept it, a full one did not (burn rate 1 or
// more), a line had no events, a hatched one was not measured.
func NewStrip(t slo.Timeline, target slo.Target, now time.Time) Strip {
	if len(t.Points) == 0 {
		return Strip{}
	}
	s := Strip{Width: len(t.Points) * cellPitch}
	over, measured := int64(0), int64(0)
	for i, p := range t.Points {
		cell := StripCell{X: i * cellPitch, Kind: "ok", Height: 9}
		rate, events := target.BurnRate(p.Counts)
		switch {
		case events && rate >= 1:
			cell.Kind, cell.Height = "over", stripHeight
			over++
		case events:
		case inside(t.Unmeasured, p.Start, earlier(p.Start.Add(t.Step), now)):
			cell.Kind, cell.Height = "unmeasured", stripHeight
		default:
			cell.Kind, cell.Height = "empty", 2
		}
		if events {
			measured++
		}
		cell.Y = stripHeight - cell.Height
		s.Cells = append(s.Cells, cell)
	}
	step := slo.FormatDuration(t.Step)
	s.Label = Count(over) + " of " + Count(measured) + " steps of " + step + " with events burned faster than the budget allows"
	return s
}

// inside reports that a whole step lies in the stretches.
func inside(stretches []slo.Interval, from, to time.Time) bool {
	for _, s := range stretches {
		if !from.Before(s.From) && (s.To.IsZero() || !to.After(s.To)) {
			return true
		}
	}
	return false
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Sparkline is a row of bars, each with its bad part below.
type Sparkline struct {
	// Label says in words what the bars show; empty for none.
	Label string
	Width int
	Bars  []Bar
}

// Bar is one step: all of it from Y down, the bad part from BadY down.
type Bar struct {
	X, Y, Height, BadY, BadHeight string
}

// sparkHeight is the height of a sparkline in its own units.
const sparkHeight = 28

// NewTrafficSparkline shows the spans of an operation and how many failed. A
// step with a failure shows at least a little of it.
func NewTrafficSparkline(t slo.Traffic) Sparkline {
	s := Sparkline{Width: len(t.Steps) * cellPitch}
	var most int64
	for _, step := range t.Steps {
		most = max(most, step.Spans)
	}
	if most == 0 {
		return Sparkline{}
	}
	for i, step := range t.Steps {
		height := float64(step.Spans) / float64(most) * sparkHeight
		if step.Spans > 0 {
			height = max(height, 1)
		}
		bad := 0.0
		if step.Errors > 0 {
			bad = max(float64(step.Errors)/float64(step.Spans)*height, min(height, 3))
		}
		s.Bars = append(s.Bars, Bar{
			X: strconv.Itoa(i * cellPitch), Y: units(sparkHeight - height), Height: units(height),
			BadY: units(sparkHeight - bad), BadHeight: units(bad),
		})
	}
	s.Label = plural(t.Spans, "span") + ", " + plural(t.Errors, "error") + " in the last " + slo.FormatDuration(t.To.Sub(t.From))
	return s
}

func units(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
