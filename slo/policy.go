package slo

import (
	"fmt"
	"math/big"
	"math/bits"
	"time"
)

// Severity says how urgently a tier wants a human.
type Severity string

// The severities: a page wakes somebody, a ticket waits for the day.
const (
	Page   Severity = "page"
	Ticket Severity = "ticket"
)

// Tier is a pair of look-backs and the burn rate at which both must burn.
type Tier struct {
	// Name is unique within a policy: "fast", or the long look-back.
	Name        string
	Severity    Severity
	Long, Short time.Duration
	// Factor is the burn rate, for display; decisions use the exact threshold.
	Factor float64
	// MinBad is how many bad events the long window must hold at least.
	MinBad int64
	// HoldFor is how much quiet event time ends an episode; 0 ends it with
	// the first verdict that is not over.
	HoldFor time.Duration
	// LeftOut says why the tier is not used; empty if it is.
	LeftOut string

	threshold fraction
}

// fraction is an error ratio to compare with: bad/total >= num/den.
type fraction struct{ num, den uint64 }

// reachedBy reports bad/total >= num/den by cross-multiplication in 128 bits,
// without rounding. No events reach nothing.
func (f fraction) reachedBy(bad, total int64) bool {
	if total <= 0 || bad < 0 {
		return false
	}
	h1, l1 := bits.Mul64(uint64(bad), f.den)
	h2, l2 := bits.Mul64(uint64(total), f.num)
	return h1 > h2 || (h1 == h2 && l1 >= l2)
}

// DefaultPolicy returns the tiers of an objective without alert policies
// (design, section 6), those left out included, the fastest first.
//
// Four tiers spend 2 %, 5 %, 10 % and 10 % of the budget in 1h, 6h, 24h and
// 3d: factor = share * window / long look-back (SRE Workbook, chapter 5), so
// 30d gives 14.4, 6, 3 and 1. For windows below seven days the look-backs
// shrink in proportion, and the factors stay those of seven days. A fast tier
// of 2m/10s pages at factor min(100, 0.8/(1-target)): 99.9 % gives 100, a
// total outage is seen after 12 s.
//
// reportingInterval is how often the source reports; 0 for events that arrive
// as they happen. A tier is used only if its short look-back is at least twice
// that long, and if any error ratio can reach its factor; if no other page
// tier remains, the fast one stays in any case.
func DefaultPolicy(target Target, window Window, reportingInterval time.Duration) []Tier {
	tiers := []Tier{fastTier(target)}
	for _, t := range []struct {
		severity     Severity
		sharePercent int64
		long, short  time.Duration
	}{
		{Page, 2, time.Hour, 5 * time.Minute},
		{Page, 5, 6 * time.Hour, 30 * time.Minute},
		{Ticket, 10, 24 * time.Hour, 2 * time.Hour},
		{Ticket, 10, 72 * time.Hour, 6 * time.Hour},
	} {
		tiers = append(tiers, shareTier(target, window, t.severity, t.sharePercent, t.long, t.short))
	}
	otherPage := false
	for i := range tiers {
		tiers[i].leaveOut(target, reportingInterval)
		otherPage = otherPage || (i > 0 && tiers[i].Severity == Page && tiers[i].LeftOut == "")
	}
	if !otherPage {
		tiers[0].LeftOut = ""
	}
	return tiers
}

func fastTier(target Target) Tier {
	n, d := target.budget()
	budget := new(big.Rat).SetFrac(new(big.Int).SetUint64(n), new(big.Int).SetUint64(d))
	factor := new(big.Rat).Quo(big.NewRat(8, 10), budget)
	if limit := big.NewRat(100, 1); factor.Cmp(limit) > 0 {
		factor = limit
	}
	return newTier("fast", Page, 2*time.Minute, 10*time.Second, factor, budget, 10, 5*time.Minute)
}

func shareTier(target Target, window Window, severity Severity, sharePercent int64, long, short time.Duration) Tier {
	const week = 7 * 24 * time.Hour
	n, d := target.budget()
	budget := new(big.Rat).SetFrac(new(big.Int).SetUint64(n), new(big.Int).SetUint64(d))
	factor := big.NewRat(int64(max(window.Duration, week)), int64(long))
	factor.Mul(factor, big.NewRat(sharePercent, 100))
	if window.Duration < week {
		long = scale(long, window.Duration, week)
		short = max(scale(short, window.Duration, week), SliceLength)
	}
	return newTier(FormatDuration(long), severity, long, short, factor, budget, 3, 0)
}

// scale returns d * part / whole, rounded down to a nanosecond.
func scale(d, part, whole time.Duration) time.Duration {
	product := new(big.Int).Mul(big.NewInt(int64(d)), big.NewInt(int64(part)))
	return time.Duration(product.Quo(product, big.NewInt(int64(whole))).Int64())
}

// newTier computes the error ratio at which the tier burns: factor * budget.
// Its fraction fits into 64 bits: a target has at most nine decimals, a window
// is a whole number of minutes of at most MaxWindow.
func newTier(name string, severity Severity, long, short time.Duration, factor, budget *big.Rat, minBad int64, holdFor time.Duration) Tier {
	threshold := new(big.Rat).Mul(factor, budget)
	display, _ := factor.Float64()
	return Tier{
		Name: name, Severity: severity, Long: long, Short: short, Factor: display, MinBad: minBad, HoldFor: holdFor,
		threshold: fraction{num: threshold.Num().Uint64(), den: threshold.Denom().Uint64()},
	}
}

// leaveOut sets LeftOut where the tier cannot serve.
func (t *Tier) leaveOut(target Target, reportingInterval time.Duration) {
	n, d := target.budget()
	switch {
	case t.threshold.num > t.threshold.den:
		t.LeftOut = fmt.Sprintf("it can never fire: its factor %.4g is above %.4g, the burn rate when every event is bad",
			t.Factor, float64(d)/float64(n))
	case t.Short < 2*reportingInterval:
		t.LeftOut = fmt.Sprintf("its short look-back of %s is below twice the reporting interval of %s",
			FormatDuration(t.Short), FormatDuration(reportingInterval))
	}
}
