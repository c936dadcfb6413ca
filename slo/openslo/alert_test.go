package openslo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// withPolicies is the example with alert policies.
func withPolicies(t testing.TB, policies string) string {
	t.Helper()
	return strings.TrimRight(example(t), "\n") + "\n  alertPolicies: [" + policies + "]\n"
}

// withCondition is the example with one policy, of which a condition and the
// annotations of both are given.
func withCondition(t testing.TB, condition, onCondition, onPolicy string) string {
	t.Helper()
	return withPolicies(t, fmt.Sprintf(`{kind: AlertPolicy, metadata: {name: p, annotations: {%s}}, spec: {alertWhenBreaching: true, `+
		`conditions: [{kind: AlertCondition, metadata: {name: c, annotations: {%s}}, spec: {severity: ticket, condition: {%s}}}], `+
		`notificationTargets: [{kind: AlertNotificationTarget, metadata: {name: n}, spec: {target: mail}}]}}`, onPolicy, onCondition, condition))
}

func TestConditions(t *testing.T) {
	t.Parallel()
	const burns = "kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h"
	plain := slo.AlertCondition{Name: "c", Severity: slo.Ticket, Kind: slo.BurnRate, Op: slo.GTE, Threshold: "2", LookBack: time.Hour}
	with := func(change func(c *slo.AlertCondition)) slo.AlertCondition {
		c := plain
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		condition, onCondition, onPolicy string
		want                             slo.AlertCondition
	}{
		"a burn rate": {condition: burns, want: plain},
		"an exact threshold that no float is": {
			condition: "kind: burnrate, op: gt, threshold: 14.40000000000000001, lookbackWindow: 1d",
			want: with(func(c *slo.AlertCondition) {
				c.Op, c.Threshold, c.LookBack = slo.GT, "14.40000000000000001", 24*time.Hour
			}),
		},
		"how long it must hold": {condition: burns + ", alertAfter: 5m", want: with(func(c *slo.AlertCondition) { c.After = 5 * time.Minute })},
		"all annotations of a burn rate": {
			condition: burns, onCondition: `slowburn.dev/condition: burnrate, slowburn.dev/short-lookback: 5m, slowburn.dev/min-bad: "3", slowburn.dev/no-data-after: 1d`,
			want: with(func(c *slo.AlertCondition) {
				c.ShortLookBack, c.MinBad, c.NoDataAfter = 5*time.Minute, 3, 24*time.Hour
			}),
		},
		"a budget that is spent": {
			condition: "kind: burnrate, op: gte, threshold: 0.75, lookbackWindow: 4w", onCondition: "slowburn.dev/condition: budget-consumed",
			want: with(func(c *slo.AlertCondition) {
				c.Kind, c.Threshold, c.LookBack = slo.BudgetConsumed, "0.75", 28*24*time.Hour
			}),
		},
		"a budget that drops": {
			condition: "kind: burnrate, op: gt, threshold: 0.05, lookbackWindow: 1h", onCondition: "slowburn.dev/condition: budget-drop",
			want: with(func(c *slo.AlertCondition) { c.Kind, c.Threshold, c.Op = slo.BudgetDrop, "0.05", slo.GT }),
		},
		"a budget that is gone soon": {
			condition: "kind: burnrate, op: lte, threshold: 24, lookbackWindow: 1h", onCondition: "slowburn.dev/condition: time-to-exhaustion",
			want: with(func(c *slo.AlertCondition) { c.Kind, c.Threshold, c.Op = slo.TimeToExhaustion, "24", slo.LTE }),
		},
		"the annotations of a policy hold over those of its condition": {
			condition: burns, onCondition: `slowburn.dev/short-lookback: 5m, slowburn.dev/min-bad: "3"`, onPolicy: "slowburn.dev/short-lookback: 10s",
			want: with(func(c *slo.AlertCondition) { c.ShortLookBack, c.MinBad = 10*time.Second, 3 }),
		},
		"a policy says all of it": {
			condition: burns, onCondition: "slowburn.dev/condition: budget-drop",
			onPolicy: `slowburn.dev/condition: budget-consumed, slowburn.dev/min-bad: "7", slowburn.dev/no-data-after: 20s`,
			want:     with(func(c *slo.AlertCondition) { c.Kind, c.MinBad, c.NoDataAfter = slo.BudgetConsumed, 7, 20*time.Second }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			definition, _ := resolved(t, withCondition(t, c.condition, c.onCondition, c.onPolicy), openslo.Strict)
			require.Len(t, definition.Policies, 1)
			require.Equal(t, c.want, definition.Policies[0].Condition)
			require.Equal(t, []slo.NotificationTarget{{Name: "n", Target: "mail"}}, definition.Policies[0].Targets)
		})
	}
}

func TestThresholdsThatCanNeverBe(t *testing.T) {
	t.Parallel()
	const highest = "the highest of SLO checkout-fast is 1000, when every event is bad"
	for name, c := range map[string]struct{ op, threshold, kind, reason string }{
		"the highest burn rate":                    {"gte", "1000", "burnrate", ""},
		"above the highest burn rate":              {"gte", "1000.0000000001", "burnrate", "a burn rate of gte 1000.0000000001 can never be: " + highest},
		"more than the highest burn rate":          {"gt", "1000", "burnrate", "a burn rate of gt 1000 can never be: " + highest},
		"a burn rate of at least 0":                {"gte", "0", "burnrate", "a burn rate of gte 0 always is: write more than 0"},
		"a burn rate above 0":                      {"gt", "0", "burnrate", ""},
		"a burn rate above less than 0":            {"gt", "-1", "burnrate", "a burn rate of gt -1 always is: write more than 0"},
		"a burn rate of at most 0":                 {"lte", "0", "burnrate", ""},
		"a burn rate below 0":                      {"lt", "0", "burnrate", "a burn rate of lt 0 never is: none is below 0"},
		"a burn rate of at most less than 0":       {"lte", "-0.5", "burnrate", "a burn rate of lte -0.5 never is: none is below 0"},
		"all of the budget":                        {"gte", "1", "budget-consumed", ""},
		"nothing of the budget":                    {"gte", "0", "budget-consumed", "a share of the budget that is spent of gte 0 always is: write more than 0"},
		"more of the budget than can be spent":     {"gt", "1000", "budget-consumed", "a share of the budget that is spent of gt 1000 can never be: " + highest + "; 1 is the whole budget, and 1000 % is 10"},
		"a drop of nothing":                        {"gte", "0", "budget-drop", "a share of the budget that a look-back spends of gte 0 always is: write more than 0"},
		"a drop of more than can be spent":         {"gte", "1001", "budget-drop", "a share of the budget that a look-back spends of gte 1001 can never be: " + highest + "; 1 is the whole budget, and 1001 % is 10.01"},
		"a budget that is gone":                    {"lte", "0", "time-to-exhaustion", ""},
		"a budget that is gone before":             {"lt", "0", "time-to-exhaustion", "a time to exhaustion of lt 0 never is: write hours above 0"},
		"a budget that lasts at least no time":     {"gte", "0", "time-to-exhaustion", "a time to exhaustion of gte 0 always is: write lte, and hours above 0"},
		"a budget that lasts longer than anything": {"gt", "100000", "time-to-exhaustion", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := withCondition(t, fmt.Sprintf("kind: burnrate, op: %s, threshold: %s, lookbackWindow: 1h", c.op, c.threshold), "slowburn.dev/condition: "+c.kind, "")
			if c.reason == "" {
				resolved(t, file, openslo.Strict)
				return
			}
			faults := unresolved(t, file, openslo.Strict)
			require.Len(t, faults, 1)
			require.Equal(t, c.reason, faults[0].Reason)
			require.Equal(t, "spec.alertPolicies[0].spec.conditions[0].spec.condition.threshold", faults[0].Field)
			require.Equal(t, 24, faults[0].Line)
			require.False(t, faults[0].Note)
		})
	}
}

func TestAShareOfTheBudgetThatLooksLikeAPercentageIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ op, threshold, kind, warning string }{
		"80 for 80 %":             {"gte", "80", "budget-consumed", "80 is 80 times the budget: 1 is the whole budget, and 80 % is 0.8"},
		"a drop by 2.5 for 2.5 %": {"gt", "2.5", "budget-drop", "2.5 is 2.5 times the budget: 1 is the whole budget, and 2.5 % is 0.025"},
		"at most 80 for 80 %":     {"lte", "80", "budget-consumed", "80 is 80 times the budget: 1 is the whole budget, and 80 % is 0.8"},
		"2 for 2 %":               {"gte", "2", "budget-drop", "2 is 2 times the budget: 1 is the whole budget, and 2 % is 0.02"},
		"80 % as a share":         {"gte", "0.8", "budget-consumed", ""},
		"the whole budget":        {"gt", "1", "budget-consumed", ""},
		"half of it too much":     {"gte", "1.5", "budget-consumed", ""},
		"a burn rate":             {"gte", "80", "burnrate", ""},
		"hours":                   {"lte", "80", "time-to-exhaustion", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := withCondition(t, fmt.Sprintf("kind: burnrate, op: %s, threshold: %s, lookbackWindow: 1h", c.op, c.threshold), "slowburn.dev/condition: "+c.kind, "")
			for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
				_, warnings := resolved(t, file, mode)
				if c.warning == "" {
					require.Empty(t, warnings)
					continue
				}
				require.Len(t, warnings, 1)
				require.Equal(t, c.warning, warnings[0].Reason)
				require.Equal(t, "spec.alertPolicies[0].spec.conditions[0].spec.condition.threshold", warnings[0].Field)
			}
		})
	}
}

func TestTheHighestBurnRateIsThatOfTheSLO(t *testing.T) {
	t.Parallel()
	const condition = "kind: burnrate, op: gte, threshold: 150, lookbackWindow: 1h"
	two := strings.Replace(withCondition(t, condition, "", ""), "[{target: 0.999}]", "[{target: 0.9}, {target: 0.999}]", 1)
	_, warnings := resolved(t, two, openslo.Strict)
	require.Equal(t, "a burn rate of gte 150 can never be for every objective of SLO checkout-fast: the highest of all is 1000", warnings[0].Reason)

	_, after, found := strings.Cut(two, "  alertPolicies:")
	require.True(t, found)
	policies := "  alertPolicies:" + after
	for name, c := range map[string]struct{ method, objectives, annotation, reason string }{
		"the sum of weight times rate for Occurrences": {
			"Occurrences", "{target: 0.99, indicatorRef: x, compositeWeight: 0.5}, {target: 0.9, indicatorRef: x, compositeWeight: 10}", "", "",
		},
		"which may be too low": {
			"Occurrences", "{target: 0.99, indicatorRef: x, compositeWeight: 0.5}, {target: 0.9, indicatorRef: x}", "",
			"a burn rate of gte 150 can never be: the highest of SLO a is 60, when every event is bad",
		},
		"that of the highest target for slices": {
			"RatioTimeslices", "{target: 0.7, indicatorRef: x, timeSliceWindow: 5m, compositeWeight: 100}, {target: 0.9, indicatorRef: x, timeSliceWindow: 5m}", "",
			"a burn rate of gte 150 can never be: the highest of SLO a is 10, when every event is bad",
		},
		"that of the target in the annotation": {
			"RatioTimeslices", "{target: 0.9, indicatorRef: x, timeSliceWindow: 5m}", `slowburn.dev/composite-target: "0.7"`,
			"a burn rate of gte 150 can never be: the highest of SLO a is 3.333, when every event is bad",
		},
		"which may be high enough": {"RatioTimeslices", "{target: 0.9, indicatorRef: x, timeSliceWindow: 5m}", `slowburn.dev/composite-target: "0.995"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := strings.Replace(compositeOf(c.method, c.objectives), "metadata: {name: a}", "metadata: {name: a, annotations: {"+c.annotation+"}}", 1)
			file = strings.Replace(file, "---\n", policies+"---\n", 1)
			if c.reason == "" {
				_, warnings := resolved(t, file, openslo.Strict)
				require.Empty(t, warnings)
				return
			}
			require.Equal(t, c.reason, unresolved(t, file, openslo.Strict)[0].Reason)
		})
	}
}

func TestLookBacksThatDoNotFit(t *testing.T) {
	t.Parallel()
	const at = "spec.alertPolicies[0].spec.conditions[0].spec"
	for name, c := range map[string]struct{ lookBack, annotations, field, reason string }{
		"as long as the window":       {"28d", "", "", ""},
		"longer than the window":      {"29d", "", ".condition.lookbackWindow", "29d is longer than the window of SLO checkout-fast: 28d"},
		"of no use, and longer":       {"29d", "slowburn.dev/condition: budget-consumed", "", ""},
		"a short one as long":         {"5m", "slowburn.dev/short-lookback: 5m", ".condition.lookbackWindow", "5m must be longer than 5m, the annotation slowburn.dev/short-lookback"},
		"a short one of another kind": {"1h", "slowburn.dev/condition: budget-drop, slowburn.dev/short-lookback: 5m", "", "has the annotation slowburn.dev/short-lookback, which only burnrate has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := withCondition(t, "kind: burnrate, op: gte, threshold: 1, lookbackWindow: "+c.lookBack, c.annotations, "")
			if c.reason == "" {
				resolved(t, file, openslo.Strict)
				return
			}
			faults := unresolved(t, file, openslo.Strict)
			require.Len(t, faults, 1)
			require.Equal(t, at+c.field, faults[0].Field)
			require.Equal(t, c.reason, faults[0].Reason)
		})
	}
	file := strings.Replace(withCondition(t, "kind: burnrate, op: gte, threshold: 1, lookbackWindow: 30m", "", ""), "Occurrences", "RatioTimeslices", 1)
	_, warnings := resolved(t, strings.Replace(file, "{target: 0.999}", "{target: 0.999, timeSliceWindow: 1h}", 1), openslo.Strict)
	require.Equal(t, "30m is shorter than a time slice of SLO checkout-fast: 1h", warnings[0].Reason)
}

func TestRefusedAnnotations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"slowburn.dev/condition: burn":           `unknown condition "burn": write burnrate, budget-consumed, budget-drop or time-to-exhaustion`,
		"slowburn.dev/short-lookback: 15s":       "15s must be a multiple of 10s",
		"slowburn.dev/short-lookback: 0s":        `"0s" must be a duration above 0 and at most 400d, such as 10s, 5m or 1d`,
		"slowburn.dev/short-lookback: soon":      `"soon" must be a duration above 0 and at most 400d, such as 10s, 5m or 1d`,
		"slowburn.dev/no-data-after: 2Y":         `"2Y" must be a duration above 0 and at most 400d, such as 10s, 5m or 1d`,
		"slowburn.dev/no-data-after: 1s":         "1s must be at least 10s",
		`slowburn.dev/min-bad: "0"`:              `"0" must be a whole number of bad events from 1 to 1000000000000`,
		`slowburn.dev/min-bad: "1.5"`:            `"1.5" must be a whole number of bad events from 1 to 1000000000000`,
		`slowburn.dev/min-bad: "-1"`:             `"-1" must be a whole number of bad events from 1 to 1000000000000`,
		`slowburn.dev/min-bad: 5`:                "must be text, found the number 5: put it in quotes",
		`slowburn.dev/min-bad: "99999999999999"`: `"99999999999999" must be a whole number of bad events from 1 to 1000000000000`,
	} {
		for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
			_, _, err := openslo.Parse("f.yaml", []byte(withCondition(t, "kind: burnrate, op: gte, threshold: 1, lookbackWindow: 1h", text, "")), mode)
			var faults slo.DocumentErrors
			require.ErrorAs(t, err, &faults, text)
			require.Equal(t, want, faults[0].Reason)
			require.Contains(t, faults[0].Field, "spec.alertPolicies[0].spec.conditions[0].metadata.annotations.slowburn.dev/")
		}
	}
	_, _, err := openslo.Parse("f.yaml", []byte(strings.Replace(anSLO, "displayName: A", `annotations: {slowburn.dev/composite-target: "1"}`, 1)), openslo.Strict)
	require.ErrorContains(t, err, "target 1 must be at least 0 and below 1")
}

func TestUnknownAnnotationsOfOurOwnAreWarnedOf(t *testing.T) {
	t.Parallel()
	const condition = "kind: burnrate, op: gte, threshold: 1, lookbackWindow: 1h"
	for text, want := range map[string]string{
		"slowburn.dev/min-bads: x": "unknown annotation: do you mean slowburn.dev/min-bad?",
		"slowburn.dev/owner: me": "unknown annotation: known are slowburn.dev/composite-target, slowburn.dev/condition, slowburn.dev/dashboard, " +
			"slowburn.dev/exclusions, slowburn.dev/min-bad, slowburn.dev/no-data-after, slowburn.dev/runbook, slowburn.dev/short-lookback",
		"slowburn.dev/runbook: x": "has no effect on AlertCondition: it belongs on SLO",
	} {
		_, warnings := resolved(t, withCondition(t, condition, text, ""), openslo.Strict)
		require.Len(t, warnings, 1)
		require.Equal(t, want, warnings[0].Reason)
	}
	_, warnings := parse(t, strings.Replace(aService, "example.com/key", "slowburn.dev/min-bad", 1), openslo.Strict)
	require.Equal(t, "has no effect on Service: it belongs on AlertPolicy or AlertCondition", warnings[0].Reason)
	_, warnings = resolved(t, withCondition(t, condition, "example.com/min-bad: x, openslo.com/x: y", ""), openslo.Strict)
	require.Empty(t, warnings)
}

func TestAPolicyThatNeverTellsAnybody(t *testing.T) {
	t.Parallel()
	quiet := strings.Replace(aPolicy, "alertWhenBreaching: true", "alertWhenBreaching: false", 1)
	for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
		_, warnings := parse(t, quiet, mode)
		require.Len(t, warnings, 1)
		require.Equal(t, "never tells anybody: set alertWhenBreaching, alertWhenResolved or alertWhenNoData to true", warnings[0].Reason)
	}
	for _, flag := range []string{"alertWhenBreaching", "alertWhenResolved", "alertWhenNoData"} {
		_, warnings := parse(t, strings.Replace(aPolicy, "alertWhenBreaching", flag, 1), openslo.Strict)
		require.Empty(t, warnings)
	}
}

// TestAFlagThatIsNoneDoesNotMakeAPolicySilent tells the fault alone.
func TestAFlagThatIsNoneDoesNotMakeAPolicySilent(t *testing.T) {
	t.Parallel()
	_, warnings, err := openslo.Read("f.yaml", []byte(strings.Replace(aPolicy, "alertWhenBreaching: true", "alertWhenBreaching: maybe", 1)), openslo.Lenient)
	require.ErrorContains(t, err, "spec.alertWhenBreaching")
	require.Empty(t, warnings)
}

func TestRefusedPoliciesAndConditions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ base, old, edit, field, reason string }{
		"no conditions":               {aPolicy, "conditions: [", "conditions: [] # [", "spec.conditions", "must have one item, as in [{conditionRef: fast-burn}]"},
		"conditions that are a map":   {aPolicy, "conditions: [", "conditions: {} # [", "spec.conditions", "must be a list, found a map"},
		"no targets":                  {aPolicy, "notificationTargets: [", "notificationTargets: [] # [", "spec.notificationTargets", "must have at least one item, as in [{targetRef: on-call}]"},
		"65 targets":                  {aPolicy, "{targetRef: n}", strings.Repeat("{targetRef: n}, ", 63) + "{targetRef: n}", "spec.notificationTargets", "has 65 items, more than the limit of 64"},
		"a condition of no form":      {aPolicy, "{targetRef: n}", "{}", "spec.notificationTargets[0]", "needs targetRef, or kind, metadata and spec"},
		"a target in two forms":       {aPolicy, "{targetRef: n}", "{targetRef: n, kind: AlertNotificationTarget}", "spec.notificationTargets[0].targetRef", "stands beside kind, metadata or spec: keep the name or the object"},
		"a condition of another kind": {aPolicy, "kind: AlertCondition", "kind: Service", "spec.conditions[0].kind", `must be AlertCondition, found "Service"`},
		"a flag that is a number":     {aPolicy, "alertWhenBreaching: true", "alertWhenBreaching: 1", "spec.alertWhenBreaching", "must be true or false, found the number 1"},
		"an alertAfter that is long":  {aCondition, "alertAfter: 5m", "alertAfter: 2Y", "spec.condition.alertAfter", "2Y must be at most 400d"},
		"an alertAfter of 0h":         {aCondition, "alertAfter: 5m", "alertAfter: 0h", "spec.condition.alertAfter", `"0h" is not a duration: write a positive whole number and one of m, h, d, w, M, Q, Y, as in 28d`},
		"a number for an alertAfter":  {aCondition, "alertAfter: 5m", "alertAfter: 5", "spec.condition.alertAfter", "must be text, found the number 5: put it in quotes"},
		"a spec that is a list":       {aCondition, "spec: {", "spec: [] # {", "spec", "must be a map, found a list"},
		"a condition that is text":    {aCondition, "condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}", "condition: high", "spec.condition", `must be a map, found the text "high"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(c.base, c.old))
			for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
				faults := faultsOf(t, strings.Replace(c.base, c.old, c.edit, 1), mode)
				require.Len(t, faults, 1)
				require.Equal(t, c.field, faults[0].Field)
				require.Equal(t, c.reason, faults[0].Reason)
			}
		})
	}
}

func TestTheThreeFlagsOfAPolicy(t *testing.T) {
	t.Parallel()
	file := strings.Replace(withCondition(t, "kind: burnrate, op: gte, threshold: 1, lookbackWindow: 1h", "", ""),
		"alertWhenBreaching: true", "alertWhenNoData: true, alertWhenResolved: true", 1)
	definition, _ := resolved(t, file, openslo.Strict)
	p := definition.Policies[0]
	require.Equal(t, []bool{false, true, true}, []bool{p.WhenBreaching, p.WhenResolved, p.WhenNoData})
}

func TestTwoPoliciesOfOneNameAreRefused(t *testing.T) {
	t.Parallel()
	file := strings.Replace(libraryFile(t), "[{alertPolicyRef: page}]", "[{alertPolicyRef: page}, {alertPolicyRef: page}]", 1)
	faults := unresolved(t, file, openslo.Strict)
	require.Len(t, faults, 1)
	require.Equal(t, "spec.alertPolicies[1]", faults[0].Field)
	require.Equal(t, "is another policy of the name page: give each a name of its own", faults[0].Reason)
}

func TestAConditionIsCheckedForTheSLOThatUsesIt(t *testing.T) {
	t.Parallel()
	file := strings.Replace(libraryFile(t), "threshold: 14.4", "threshold: 101", 1)
	faults := unresolved(t, file, openslo.Strict)
	require.Len(t, faults, 1)
	require.Equal(t, "AlertCondition fast-burn", faults[0].Object)
	require.Equal(t, "spec.condition.threshold", faults[0].Field)
	require.Equal(t, "a burn rate of gte 101 can never be: the highest of SLO checkout is 100, when every event is bad", faults[0].Reason)
}
