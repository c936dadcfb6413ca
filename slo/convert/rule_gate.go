package convert

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// fitScrape makes tiers of the default policy fit for counters that are read so
// often: a shorter look-back is drawn out to two scrapes, which an increase needs,
// where that is no more than half of the longer one. The others are left out.
func fitScrape(tiers []slo.Tier, scrape time.Duration) (fit []slo.Tier, drawn map[string]time.Duration) {
	fit, drawn = slices.Clone(tiers), map[string]time.Duration{}
	for i := range fit {
		t := &fit[i]
		needed := 2 * scrape
		switch {
		case t.LeftOut != "" || slices.Min(lookBacks(*t)) >= needed:
		case t.Short > 0 && needed <= t.Long/2:
			drawn[t.Name], t.Short = t.Short, needed
		default:
			t.LeftOut = tooShort
		}
	}
	return fit, drawn
}

const tooShort = "its look-back is below twice the interval of scraping"

// few reports whether what a tier asks of few events can be written, as far as it
// need be asked.
func (s RuleSource) few(t slo.Tier) bool {
	return s.counters() && t.Factor > 0 && !math.IsInf(t.Factor, 0)
}

// counters reports whether Bad and Total are known to be counts of events.
func (s RuleSource) counters() bool {
	return !windowTemplate().MatchString(s.Bad) && !windowTemplate().MatchString(s.Total)
}

// eventNames are the records of bad and of all events over a look-back.
func eventNames(lookBack time.Duration) (bad, total string) {
	length := slo.FormatDuration(lookBack)
	return "slo:bad_events:increase" + length, "slo:events:increase" + length
}

// recordEvents writes how many events a look-back held.
func (s RuleSource) recordEvents(lookBack time.Duration) []rule {
	bad, total := eventNames(lookBack)
	one := s.record(lookBack)
	return []rule{
		{Record: bad, Expr: over(s.Bad, lookBack), Labels: one.Labels},
		{Record: total, Expr: over(s.Total, lookBack), Labels: one.Labels},
	}
}

// fewEvents asks of a tier for services with few events that there are few, and
// that so many bad ones are seldom by chance. PromQL knows no binomial
// distribution; but it is enough to know of each number of bad events among how
// many at most they are seldom: 3 of 18, 4 of 70, 5 of 164 and so on for one in a
// million at 99.9 %. From where on the burn rate alone asks for fewer, the rest
// follows. It is empty if they are never seldom.
func (s RuleSource) fewEvents(t slo.Tier) string {
	badName, totalName := eventNames(lookBacks(t)[0])
	of := fmt.Sprintf("{slo=%q, objective=%q}", s.Name, strconv.Itoa(s.Objective))
	bad, total := badName+of, totalName+of
	seldom := func(k, n int64) bool { return slo.Chance(k, n, s.Target) <= t.MaxChance }
	threshold, _ := strconv.ParseFloat(s.threshold(t), 64)
	if !(threshold > 0) {
		return ""
	}
	var any []string
	for k := max(1, t.MinBad); k <= t.MaxTotal; k++ {
		burns := min(t.MaxTotal, int64(float64(k+1)/threshold)) // Increases are no whole numbers.
		if t.MaxChance <= 0 || seldom(k, burns) {
			any = append(any, fmt.Sprintf("(%s >= %d)", bad, k))
			break
		}
		// The first number of events among which so many are not seldom, less one.
		if most := k - 1 + int64(sort.Search(int(burns-k)+1, func(i int) bool { return !seldom(k, k+int64(i)) })); most >= k {
			any = append(any, fmt.Sprintf("(%s >= %d and %s <= %d)", bad, k, total, most))
		}
	}
	if len(any) == 0 {
		return ""
	}
	return fmt.Sprintf("(%s <= %d) and (%s)", total, t.MaxTotal, strings.Join(any, " or "))
}

// notes say of a source, in comments, which tiers are not in the file or not as
// Slowburn has them, and why.
func (s RuleSource) notes() []string {
	var all []string
	note := func(t slo.Tier, text string) {
		all = append(all, fmt.Sprintf("# %s, objective %d: the tier %q %s.", s.Name, s.Objective, t.Name, text))
	}
	for _, t := range s.Tiers {
		switch {
		case t.LeftOut != "":
			note(t, "is not in this file: "+oneLine(t.LeftOut))
		case t.Muted:
			note(t, "is not in this file: nobody is told of it")
		case t.Kind != slo.BurnRate && t.Kind != "":
			note(t, "is not in this file: it is of kind "+oneLine(string(t.Kind)))
		case t.MaxTotal > 0 && !s.counters():
			note(t, "is not in this file: it asks how many events there are, and the expressions may be rates")
		case t.MaxTotal > 0 && s.few(t) && s.fewEvents(t) == "":
			note(t, "is not in this file: so few events are never bad so seldom by chance")
		case s.Drawn[t.Name] > 0:
			note(t, fmt.Sprintf("looks back %s instead of %s: that is two scrapes", slo.FormatDuration(t.Short), slo.FormatDuration(s.Drawn[t.Name])))
		}
	}
	return all
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
