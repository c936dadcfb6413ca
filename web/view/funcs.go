package view

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// narrow is the narrow no-break space: it groups digits and keeps a number
// and its unit together.
const narrow = "\u202f"

// Share writes part of total in percent with at least this many decimals. It
// is exact and rounds down: 999996 of 1000000 is "99.999 %", never 100. A
// share above zero is never written as zero. Without a total it is a dash.
func Share(part, total int64, decimals int) string {
	if total <= 0 {
		return "–"
	}
	percent := new(big.Rat).SetFrac(big.NewInt(part), big.NewInt(total))
	return floorText(percent.Mul(percent, big.NewRat(100, 1)), decimals) + narrow + "%"
}

// achieved is the share of good events; where some could not be judged, the
// least and the greatest that it may be: "97 % to 98 %".
func achieved(c slo.Counts, target slo.Target) string {
	low := Share(c.Good, c.Total(), shareDecimals(target))
	if c.Unknown == 0 {
		return low
	}
	return low + " to " + Share(c.Good+c.Unknown, c.Total(), shareDecimals(target))
}

// SignedPercent writes a ratio in percent with one decimal, without from
// 1000 % on. It rounds down, so it never claims more than there is: 0.99996 is
// "99.9 %", -0.0004 is "−0.04 %", never "−0.0 %".
func SignedPercent(ratio float64) string {
	r, finite := rat(ratio)
	if !finite {
		return "–"
	}
	decimals := 1
	if math.Abs(ratio) >= 10 {
		decimals = 0
	}
	return floorText(r.Mul(r, big.NewRat(100, 1)), decimals) + narrow + "%"
}

// Rate writes a burn rate with its sign of multiplication, rounded down:
// "13.44×", "0.003×", "0×".
func Rate(rate float64) string {
	r, finite := rat(rate)
	if !finite {
		return "–"
	}
	decimals := 2
	switch {
	case r.IsInt(), rate >= 1000:
		decimals = 0
	case rate >= 100:
		decimals = 1
	}
	return floorText(r, decimals) + "×"
}

// rat is the decimal that a float stands for, to twelve places: 1 - 0.9 is
// 0.1, not 0.09999999999999998.
func rat(f float64) (*big.Rat, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, false
	}
	return new(big.Rat).SetString(strconv.FormatFloat(f, 'f', 12, 64))
}

// maxDecimals bounds how far floorText looks for a digit that is not zero.
const maxDecimals = 7

// floorText writes the value rounded down, with this many decimals or as many
// more as it takes not to call something nothing.
func floorText(value *big.Rat, decimals int) string {
	limit := new(big.Rat).SetFrac(big.NewInt(1), pow10(decimals))
	for decimals < maxDecimals && value.Sign() != 0 && new(big.Rat).Abs(value).Cmp(limit) < 0 {
		decimals++
		limit.SetFrac(big.NewInt(1), pow10(decimals))
	}
	scaled := new(big.Rat).Mul(value, new(big.Rat).SetInt(pow10(decimals)))
	floor := new(big.Int).Div(scaled.Num(), scaled.Denom()) // Euclidean: rounds down, as the denominator is positive.
	if floor.Sign() == 0 && value.Sign() > 0 {
		floor.SetInt64(1)
	}
	text := new(big.Rat).SetFrac(new(big.Int).Abs(floor), pow10(decimals)).FloatString(decimals)
	whole, fraction, _ := strings.Cut(text, ".")
	if decimals > 0 {
		fraction = "." + fraction
	}
	sign := ""
	if floor.Sign() < 0 {
		sign = "−"
	}
	return sign + group(whole) + fraction
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// Count writes an integer with its digits grouped: "1 234 567".
func Count(n int64) string {
	text := strconv.FormatInt(n, 10)
	if strings.HasPrefix(text, "-") {
		return "−" + group(text[1:])
	}
	return group(text)
}

// group puts a narrow space between thousands, from five digits on.
func group(digits string) string {
	if len(digits) < 5 {
		return digits
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(narrow)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Moment is an instant for people: the time, and how long ago that was.
type Moment struct {
	// Machine is RFC 3339 in UTC, empty if the instant is not known.
	Machine string
	// Text is "2026-01-02 15:04:05 UTC", without the date on the day of now.
	Text string
	// Ago is "3s ago".
	Ago string
}

// NewMoment describes t as it is seen at now; zero is not known.
func NewMoment(t, now time.Time) Moment {
	if t.IsZero() {
		return Moment{Text: "never", Ago: "never"}
	}
	t, now = t.UTC(), now.UTC()
	layout := "2006-01-02 15:04:05 UTC"
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		layout = "15:04:05 UTC"
	}
	return Moment{Machine: t.Format(time.RFC3339), Text: t.Format(layout), Ago: ago(now.Sub(t))}
}

func ago(d time.Duration) string {
	switch {
	case d < -time.Second:
		return "in " + coarse(-d)
	case d < time.Second:
		return "just now"
	default:
		return coarse(d) + " ago"
	}
}

// coarse writes a duration in its largest unit or two: "47s", "12m", "3h 5m",
// "4d 2h", "33d".
func coarse(d time.Duration) string {
	const day = 24 * time.Hour
	two := func(n time.Duration, unit string, rest time.Duration, part string) string {
		if rest == 0 {
			return fmt.Sprintf("%d%s", n, unit)
		}
		return fmt.Sprintf("%d%s %d%s", n, unit, rest, part)
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < day:
		return two(d/time.Hour, "h", d%time.Hour/time.Minute, "m")
	case d < 10*day:
		return two(d/day, "d", d%day/time.Hour, "h")
	default:
		return fmt.Sprintf("%dd", d/day)
	}
}

// shareDecimals is how many decimals the achieved share needs beside a target:
// one more than the target has, at least three.
func shareDecimals(target slo.Target) int {
	_, fraction, _ := strings.Cut(target.Percent(), ".")
	return max(3, min(len(fraction)+1, maxDecimals))
}

// Events writes a number of events that need not be whole, rounded down:
// 12.345 is "12.3".
func Events(n float64) string {
	r, finite := rat(n)
	if !finite {
		return "–"
	}
	if r.IsInt() || n >= 1000 {
		return floorText(r, 0)
	}
	return floorText(r, 1)
}

// PerSecond writes the rate of spans over a stretch: "12.5/s", "3/min" below
// one in a second, "0/s" for none.
func PerSecond(spans int64, over time.Duration) string {
	if spans <= 0 || over <= 0 {
		return "0/s"
	}
	rate, unit := new(big.Rat).SetFrac(big.NewInt(spans*int64(time.Second)), big.NewInt(int64(over))), "/s"
	if rate.Cmp(big.NewRat(1, 1)) < 0 {
		rate.Mul(rate, big.NewRat(60, 1))
		unit = "/min"
	}
	decimals := 1
	if rate.IsInt() || rate.Cmp(big.NewRat(100, 1)) >= 0 {
		decimals = 0
	}
	return floorText(rate, decimals) + unit
}

// Latency writes a duration with two or three digits: "850 µs", "12 ms",
// "1.25 s", "2m 5s"; a dash for none.
func Latency(d time.Duration) string {
	unit := func(size time.Duration, name string) string {
		value := float64(d) / float64(size)
		decimals := 0
		switch {
		case value < 10:
			decimals = 2
		case value < 100:
			decimals = 1
		}
		text := strconv.FormatFloat(value, 'f', decimals, 64)
		if decimals > 0 {
			text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
		return text + narrow + name
	}
	switch {
	case d <= 0:
		return "–"
	case d < time.Millisecond:
		return unit(time.Microsecond, "µs")
	case d < time.Second:
		return unit(time.Millisecond, "ms")
	case d < time.Minute:
		return unit(time.Second, "s")
	default:
		return coarse(d)
	}
}
