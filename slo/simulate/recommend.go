package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// tooManyFalsePages is how many false pages a week nobody should bear, as long
// as another policy has fewer.
const tooManyFalsePages = 1.0

// recommend chooses the policy of a few rules, of which the first that tells two
// apart decides:
//
//  1. at most one page a week outside of incidents;
//  2. more incidents told of, then more of them by a page;
//  3. fewer pages outside of incidents;
//  4. the shorter median detection, if it is shorter by a minute and a fifth;
//  5. fewer pages and tickets in all;
//  6. the one that stands first.
//
// Without incidents only 1, 3, 5 and 6 can decide.
func recommend(scores []Score, incidents int) (name, reason string) {
	best := 0
	for i := 1; i < len(scores); i++ {
		if order, _ := better(scores[i], scores[best]); order < 0 {
			best = i
		}
	}
	var reasons []string
	for i, s := range scores {
		if i == best {
			continue
		}
		if _, why := better(scores[best], s); why != "" && !slices.Contains(reasons, why) {
			reasons = append(reasons, why)
		}
	}
	ahead := "the others did the same, and it stands first."
	if len(reasons) > 0 {
		ahead = "it is ahead of the others by " + strings.Join(reasons, ", ") + "."
	}
	b := scores[best]
	switch {
	case len(scores) == 1:
		return b.Policy, "It is the only one that was tried."
	case incidents == 0:
		reason = fmt.Sprintf("There was no incident to compare by. %s told of %s and %s", b.Policy, count(b.Pages, "page"), count(b.Tickets, "ticket"))
	default:
		reason = fmt.Sprintf("%s told of %d of %s, with %s outside of them", b.Policy, b.Detected, count(incidents, "incident"), count(b.FalsePages, "page"))
	}
	return b.Policy, reason + "; " + ahead
}

// better is below 0 if a is better than b, and says by what the better one is;
// nothing if they are equal.
func better(a, b Score) (order int, why string) {
	bearable := func(s Score) int {
		if s.FalsePagesPerWeek > tooManyFalsePages {
			return 1
		}
		return 0
	}
	rules := []struct {
		order int
		why   string
	}{
		{cmp.Compare(bearable(a), bearable(b)), "at most one page a week outside of incidents"},
		{cmp.Compare(b.Detected, a.Detected), "the incidents told of"},
		{cmp.Compare(b.Paged, a.Paged), "the incidents that page"},
		{cmp.Compare(a.FalsePages, b.FalsePages), "fewer pages outside of incidents"},
		{quicker(a, b), "the median detection"},
		{cmp.Compare(a.Pages+a.Tickets, b.Pages+b.Tickets), "fewer pages and tickets"},
	}
	for _, rule := range rules {
		if rule.order != 0 {
			return rule.order, rule.why
		}
	}
	return 0, ""
}

// quicker compares the median detections; small differences do not count.
func quicker(a, b Score) int {
	difference := a.Median - b.Median
	if least := max(time.Minute, max(a.Median, b.Median)/5); difference.Abs() < least || a.Detected == 0 {
		return 0
	}
	return cmp.Compare(a.Median, b.Median)
}

// count is "1 page", "2 pages".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// After is how long something took, in words: "at once", "after 2m10s".
func After(d time.Duration) string {
	if d <= 0 {
		return "at once"
	}
	return "after " + slo.FormatDuration(d)
}
