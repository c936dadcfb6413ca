package slo

import (
	"fmt"
	"math/big"
	"time"
)

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
// The quiet tier is for services with so few events that the others seldom see
// three bad ones: at most ten an hour, looked at over 3d/24h. It pages where a
// whole budget was spent in the long look-back, and where it is next to
// impossible (one in a million) that so many of so few events are bad by chance.
//
// reportingInterval is how often the source reports; 0 for events that arrive
// as they happen. A tier is used only if its short look-back is at least twice
// that long, and if any error ratio can reach its factor; if no other page
// tier remains, the fast one stays in any case.
func DefaultPolicy(target Target, window Window, reportingInterval time.Duration) []Tier {
	s := scale{budget: target.budgetRat(), window: window, interval: reportingInterval}
	s.highest = new(big.Rat).Inv(s.budget)
	return s.defaults()
}

// scale is what the tiers of an objective are measured by.
type scale struct {
	// budget is what a burn rate is multiplied by to give the threshold: 1 -
	// target; 1 for a composite, whose burn rate is compared itself.
	budget *big.Rat
	// highest is the burn rate when every event is bad.
	highest *big.Rat
	window  Window
	// interval is how often the source reports. slice is the length of a time
	// slice; short look-backs are drawn out to two of them where that is no more
	// than half of the long one.
	interval, slice time.Duration
}

// The chance that bad events of a page tier may have at most, if the objective
// were met (see chance): one in a hundred, for few events one in a million.
const (
	pageChance  = 0.01
	quietChance = 1e-6
	// quietPause: the long look-back of the quiet tier holds at most an event for
	// each of these, ten an hour.
	quietPause = 6 * time.Minute
)

func (s scale) defaults() []Tier {
	tiers := []Tier{s.fast()}
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
		tiers = append(tiers, s.share(t.severity, t.sharePercent, t.long, t.short))
	}
	otherPage := false
	for i := range tiers {
		s.leaveOut(&tiers[i])
		otherPage = otherPage || (i > 0 && tiers[i].pages() && tiers[i].LeftOut == "")
	}
	if !otherPage && s.slice == 0 {
		tiers[0].LeftOut = ""
	}
	if s.slice == 0 {
		tiers = append(tiers, s.quiet())
	}
	return tiers
}

func (s scale) fast() Tier {
	t := s.tier("fast", Page, 2*time.Minute, 10*time.Second, s.reachable(big.NewRat(100, 1)))
	t.MinBad, t.HoldFor, t.MaxChance = 10, 5*time.Minute, pageChance
	return t
}

// share is the tier that spends a share of the budget in its long look-back.
func (s scale) share(severity Severity, percent int64, long, short time.Duration) Tier {
	factor := big.NewRat(int64(max(s.window.Duration, week)), int64(long))
	factor.Mul(factor, big.NewRat(percent, 100))
	t := s.tier("", severity, s.shrink(long), s.shrink(short), factor)
	if needed := 2 * s.slice; t.Short < needed && needed <= t.Long/2 {
		t.Short = needed
	}
	t.Name, t.MinBad = FormatDuration(t.Long), 3
	if severity == Page {
		t.MaxChance = pageChance
	}
	return t
}

func (s scale) quiet() Tier {
	factor := s.reachable(big.NewRat(int64(max(s.window.Duration, week)), int64(72*time.Hour)))
	t := s.tier("quiet", Page, s.shrink(72*time.Hour), s.shrink(24*time.Hour), factor)
	t.MinBad, t.MaxChance, t.MaxTotal = 3, quietChance, max(3, int64(t.Long/quietPause))
	s.leaveOut(&t)
	return t
}

// reachable is the factor, or four fifths of the highest burn rate if it is less.
func (s scale) reachable(factor *big.Rat) *big.Rat {
	if limit := new(big.Rat).Mul(big.NewRat(8, 10), s.highest); limit.Cmp(factor) < 0 {
		return limit
	}
	return factor
}

const week = 7 * 24 * time.Hour

// shrink is a look-back of a window below a week, in proportion, not below a
// slice of the ledger.
func (s scale) shrink(d time.Duration) time.Duration {
	if s.window.Duration >= week {
		return d
	}
	product := new(big.Int).Mul(big.NewInt(int64(d)), big.NewInt(int64(s.window.Duration)))
	return max(time.Duration(product.Quo(product, big.NewInt(int64(week))).Int64()), SliceLength)
}

// tier computes the error ratio at which a tier burns: factor * budget.
func (s scale) tier(name string, severity Severity, long, short time.Duration, factor *big.Rat) Tier {
	t := Tier{Name: name, Severity: severity, Kind: BurnRate, Op: GTE, Long: long, Short: short}
	t.Factor, _ = factor.Float64()
	t.compareWith(new(big.Rat).Mul(factor, s.budget))
	return t
}

// compareWith sets the threshold: of 64 bits where it fits, as for every tier of
// the default policy (a target has at most nine decimals, a window is a whole
// number of minutes of at most MaxWindow).
func (t *Tier) compareWith(threshold *big.Rat) {
	var fits bool
	if t.threshold, fits = fractionOf(threshold); !fits {
		t.exact = threshold
	}
}

// leaveOut sets LeftOut where the tier cannot serve.
func (s scale) leaveOut(t *Tier) {
	highest, _ := s.highest.Float64()
	switch {
	case new(big.Rat).Mul(s.highest, s.budget).Cmp(t.bound()) < 0:
		t.LeftOut = fmt.Sprintf("it can never fire: its factor %.4g is above %.4g, the burn rate when every event is bad", t.Factor, highest)
	case t.Short < 2*s.interval:
		t.LeftOut = fmt.Sprintf("its short look-back of %s is below twice the reporting interval of %s",
			FormatDuration(t.Short), FormatDuration(s.interval))
	case t.Short < 2*s.slice:
		t.LeftOut = fmt.Sprintf("its short look-back of %s is below two time slices of %s",
			FormatDuration(t.Short), FormatDuration(s.slice))
	}
}

// watchers are the tiers that tell of what is not known. They are tickets:
// nobody knows that anything is wrong.
func watchers() []Tier {
	return []Tier{
		{Name: "source-silent", Severity: Ticket, Kind: SourceSilent},
		{Name: "blind", Severity: Ticket, Kind: Blind},
	}
}
