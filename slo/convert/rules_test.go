package convert_test

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/convert"
)

// rules are rule files as Prometheus reads them.
type rules struct {
	Groups []struct {
		Name     string `yaml:"name"`
		Interval string `yaml:"interval"`
		Rules    []struct {
			Record        string            `yaml:"record"`
			Alert         string            `yaml:"alert"`
			Expr          string            `yaml:"expr"`
			For           string            `yaml:"for"`
			KeepFiringFor string            `yaml:"keep_firing_for"`
			Labels        map[string]string `yaml:"labels"`
			Annotations   map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

func readRules(t *testing.T, text []byte) rules {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var file rules
	require.NoError(t, decoder.Decode(&file))
	return file
}

func checkout() slo.SLO {
	target := func(text string) slo.Target {
		parsed, _ := slo.ParseTarget(text, false)
		return parsed
	}
	return slo.SLO{
		Name: "checkout-fast", Service: "checkout", Window: slo.Window{Duration: 30 * 24 * time.Hour},
		Labels:     map[string][]string{"team": {"payments", "core"}, "severity": {"mine"}, "not-a-label": {"x"}},
		Objectives: []slo.Objective{{Target: target("0.999")}, {Target: target("0.9")}},
	}
}

func TestRulesOfSlowburnsCounters(t *testing.T) {
	t.Parallel()
	var sources []convert.RuleSource
	for objective := range checkout().Objectives {
		source, err := convert.SourceOf(checkout(), objective, 15*time.Second)
		require.NoError(t, err)
		sources = append(sources, source)
	}
	sources = append(sources, convert.RuleSource{
		Name: "own", Target: sources[0].Target, Window: slo.Window{Duration: 24 * time.Hour},
		Bad:   `sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))`,
		Total: `sum(rate(http_requests_total[{{ .window }}]))`,
		Tiers: slo.DefaultPolicy(sources[0].Target, slo.Window{Duration: 24 * time.Hour}, 0),
	})
	out, err := convert.PrometheusRules(sources)
	require.NoError(t, err)
	golden(t, "rules.golden.yaml", out)
}

func TestEveryTierIsAnAlertOfItsOwn(t *testing.T) {
	t.Parallel()
	source, err := convert.SourceOf(checkout(), 0, 0)
	require.NoError(t, err)
	out, err := convert.PrometheusRules([]convert.RuleSource{source})
	require.NoError(t, err)
	file := readRules(t, out)
	recorded := map[string]bool{}
	var tiers []string
	for _, group := range file.Groups {
		require.True(t, strings.HasPrefix(group.Name, "slowburn-checkout-fast-0-"))
		require.Regexp(t, `^\d+[sm]$`, group.Interval)
		for _, r := range group.Rules {
			require.Equal(t, "checkout-fast", r.Labels["slo"])
			require.Equal(t, "0", r.Labels["objective"])
			require.Equal(t, "checkout", r.Labels["service"])
			require.Equal(t, "payments", r.Labels["team"])
			require.NotContains(t, r.Labels, "not-a-label")
			if r.Record != "" {
				require.False(t, recorded[r.Record], "each look-back is recorded once")
				require.Regexp(t, `^slo:(error_ratio|bad_events|events):increase[0-9smhd]+$`, r.Record)
				recorded[r.Record] = true
				continue
			}
			require.Equal(t, convert.AlertName, r.Alert)
			require.Contains(t, []string{"page", "ticket"}, r.Labels["severity"])
			require.NotEmpty(t, r.Annotations["summary"])
			require.NotEmpty(t, r.Annotations["description"])
			tiers = append(tiers, r.Labels["tier"])
			used := regexp.MustCompile(`slo:error_ratio:increase\w+`).FindAllString(r.Expr, -1)
			require.Len(t, used, 2, "both look-backs")
			for _, name := range regexp.MustCompile(`slo:\w+:increase\w+`).FindAllString(r.Expr, -1) {
				require.True(t, recorded[name], "%s is recorded", name)
			}
		}
	}
	require.Equal(t, []string{"fast", "1h", "6h", "24h", "3d", "quiet"}, tiers)
	require.Len(t, recorded, 2+8-1+2, "6h is the long look-back of one tier and the short one of another, and quiet counts events")
}

func TestTiersThatCannotFireAreNotWritten(t *testing.T) {
	t.Parallel()
	source, err := convert.SourceOf(checkout(), 1, 15*time.Second)
	require.NoError(t, err)
	out, err := convert.PrometheusRules([]convert.RuleSource{source})
	require.NoError(t, err)
	require.NotContains(t, string(out), "tier: 1h", "no error ratio burns a budget of 10 % at 14.4")
	require.Contains(t, string(out), "# checkout-fast, objective 1: the tier \"1h\" is not in this file: it can never fire: its factor 14.4 is above 10,")
	require.Contains(t, string(out), "tier: 6h")
	require.Contains(t, string(out), "tier: fast")
	require.Contains(t, string(out), "slo:error_ratio:increase30s", "10 s are less than two scrapes")
	require.Contains(t, string(out), "# checkout-fast, objective 1: the tier \"fast\" looks back 30s instead of 10s: that is two scrapes.")

	source, err = convert.SourceOf(checkout(), 1, 45*time.Second)
	require.NoError(t, err)
	out, err = convert.PrometheusRules([]convert.RuleSource{source})
	require.NoError(t, err)
	require.NotContains(t, string(out), "tier: fast")
	require.Contains(t, string(out), "# checkout-fast, objective 1: the tier \"fast\" is not in this file: its look-back is below twice the interval of scraping.")
}

// TestTheQuietTierAsksWhatSlowburnAsks compares the gate in the rules with the one
// of Slowburn, for each number of bad events among each number of events.
func TestTheQuietTierAsksWhatSlowburnAsks(t *testing.T) {
	t.Parallel()
	one := regexp.MustCompile(`\(slo:bad_events:increase\w+\{[^}]*\} >= (\d+)(?: and slo:events:increase\w+\{[^}]*\} <= (\d+))?\)`)
	whole := regexp.MustCompile(`\(slo:events:increase\w+\{[^}]*\} <= (\d+)\) and`)
	number := func(text string) int64 { n, _ := strconv.ParseInt(text, 10, 64); return n }
	for _, text := range []string{"0.9", "0.99", "0.999", "0.9999", "0.999999"} {
		definition := checkout()
		target, err := slo.ParseTarget(text, false)
		require.NoError(t, err)
		definition.Objectives = []slo.Objective{{Target: target}}
		source, err := convert.SourceOf(definition, 0, 15*time.Second)
		require.NoError(t, err)
		quiet := source.Tiers[len(source.Tiers)-1]
		require.Equal(t, "quiet", quiet.Name)
		out, err := convert.PrometheusRules([]convert.RuleSource{source})
		require.NoError(t, err)
		var expr string
		for _, g := range readRules(t, out).Groups {
			if strings.HasSuffix(g.Name, "-quiet") {
				expr = g.Rules[len(g.Rules)-1].Expr
			}
		}
		require.NotEmpty(t, expr, text)
		most := number(whole.FindStringSubmatch(expr)[1])
		require.Equal(t, quiet.MaxTotal, most)
		clauses := one.FindAllStringSubmatch(expr, -1)
		require.NotEmpty(t, clauses)
		for n := int64(1); n <= most; n++ {
			for bad := int64(1); bad <= n; bad++ {
				if float64(bad)/float64(n) < quiet.Factor*(1-target.Float()) {
					continue // The burn rate says no.
				}
				passes := slices.ContainsFunc(clauses, func(c []string) bool {
					return bad >= number(c[1]) && (c[2] == "" || n <= number(c[2]))
				})
				want := bad >= quiet.MinBad && slo.Chance(bad, n, target) <= quiet.MaxChance
				if want != passes {
					require.Equal(t, want, passes, "%d bad of %d at %s: %s", bad, n, text, expr)
				}
			}
		}
	}
}

func TestRatesSayNothingOfFewEvents(t *testing.T) {
	t.Parallel()
	source, err := convert.SourceOf(checkout(), 0, 15*time.Second)
	require.NoError(t, err)
	source.Total = "sum(rate(all[{{.window}}]))"
	out, err := convert.PrometheusRules([]convert.RuleSource{source})
	require.NoError(t, err)
	require.NotContains(t, string(out), "tier: quiet")
	require.Contains(t, string(out), `# checkout-fast, objective 0: the tier "quiet" is not in this file: it asks how many events there are, and the expressions may be rates.`)
}

func TestLabelsOfAlertsAreNoTemplates(t *testing.T) {
	t.Parallel()
	source, err := convert.SourceOf(checkout(), 0, 0)
	require.NoError(t, err)
	source.Labels["team"] = "{{ nobody }}"
	out, err := convert.PrometheusRules([]convert.RuleSource{source})
	require.NoError(t, err)
	for _, r := range readRules(t, out).Groups[0].Rules {
		if r.Record != "" { // Prometheus expands those of alerts only.
			require.Equal(t, "{{ nobody }}", r.Labels["team"])
			continue
		}
		require.Equal(t, `{{ "{{" }} nobody }}`, r.Labels["team"])
	}
}

func TestEnoughBadEventsAreAskedOnlyOfCounters(t *testing.T) {
	t.Parallel()
	source, err := convert.SourceOf(checkout(), 0, 0)
	require.NoError(t, err)
	out, err := convert.PrometheusRules([]convert.RuleSource{source})
	require.NoError(t, err)
	require.Contains(t, string(out), `result="bad"}[2m]))) >= 10)`)
	source.Bad = "sum(rate(bad[{{.window}}]))"
	out, err = convert.PrometheusRules([]convert.RuleSource{source})
	require.NoError(t, err)
	require.NotContains(t, string(out), "and on ()", "three bad events a second would be many")
}

func TestPoliciesOfAnSLOAreItsTiers(t *testing.T) {
	t.Parallel()
	s := checkout()
	burning := slo.AlertPolicy{Name: "burning", WhenBreaching: true, Condition: slo.AlertCondition{
		Severity: slo.Page, Kind: slo.BurnRate, Op: slo.GT, Threshold: "2.5", LookBack: time.Hour, After: time.Minute,
	}}
	s.Policies = []slo.AlertPolicy{burning, {Name: "resolved", WhenResolved: true}}
	source, err := convert.SourceOf(s, 0, 0)
	require.NoError(t, err)
	out, err := convert.PrometheusRules([]convert.RuleSource{source})
	require.NoError(t, err)
	file := readRules(t, out)
	require.Len(t, file.Groups, 1)
	require.Len(t, file.Groups[0].Rules, 2, "a policy that tells of no burn rate is no tier")
	require.Equal(t, `(slo:error_ratio:increase1h{slo="checkout-fast", objective="0"} > 0.0025)`, file.Groups[0].Rules[1].Expr)
	require.Equal(t, "1m", file.Groups[0].Rules[1].For)
}

func TestWhatRulesCannotSayIsRefused(t *testing.T) {
	t.Parallel()
	policy := func(change func(*slo.AlertCondition)) func(*slo.SLO) {
		return func(s *slo.SLO) {
			p := slo.AlertPolicy{Name: "p", WhenBreaching: true, Condition: slo.AlertCondition{
				Kind: slo.BurnRate, Op: slo.GT, Threshold: "1", LookBack: time.Hour,
			}}
			change(&p.Condition)
			s.Policies = []slo.AlertPolicy{p}
		}
	}
	for name, test := range map[string]struct {
		change func(*slo.SLO)
		says   string
	}{
		"slices":            {func(s *slo.SLO) { s.Method = slo.Timeslices }, "budgeting method Timeslices"},
		"a composite":       {func(s *slo.SLO) { s.Objectives[1].Indicator = &slo.Indicator{} }, "composite"},
		"no objective":      {func(s *slo.SLO) { s.Objectives = nil }, "no objective 0"},
		"another condition": {policy(func(c *slo.AlertCondition) { c.Kind = slo.BudgetDrop }), "policy p of the SLO checkout-fast: its condition is of kind budget-drop"},
		"a low burn rate":   {policy(func(c *slo.AlertCondition) { c.Op = slo.LTE }), "its operator is lte"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := checkout()
			test.change(&s)
			_, err := convert.SourceOf(s, 0, 0)
			require.ErrorContains(t, err, test.says)
		})
	}
	for name, test := range map[string]struct {
		change func(*convert.RuleSource)
		says   string
	}{
		"no name":             {func(s *convert.RuleSource) { s.Name = "{{" }, "the name \"{{\" is none"},
		"no counter":          {func(s *convert.RuleSource) { s.Bad = "" }, "counters"},
		"no tier":             {func(s *convert.RuleSource) { s.Tiers = nil }, "no tier is in use"},
		"a query":             {func(s *convert.RuleSource) { s.Total = "sum(a)" }, `"sum(a)" is neither a bare selector`},
		"a label of ours":     {func(s *convert.RuleSource) { s.Labels = map[string]string{"tier": "1"} }, "the label tier"},
		"no label":            {func(s *convert.RuleSource) { s.Labels = map[string]string{"__name__": "a"} }, "no name of a label"},
		"tiers of one name":   {func(s *convert.RuleSource) { s.Tiers = append(s.Tiers, s.Tiers[0]) }, "no name of its own"},
		"a low burn rate":     {func(s *convert.RuleSource) { s.Tiers[0].Op = slo.LT }, "burn rate is low"},
		"a tier that is none": {func(s *convert.RuleSource) { s.Tiers = []slo.Tier{{Name: "a"}} }, "below a second"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := convert.SourceOf(checkout(), 0, 0)
			require.NoError(t, err)
			test.change(&s)
			_, err = convert.PrometheusRules([]convert.RuleSource{s})
			require.ErrorContains(t, err, test.says)
		})
	}
	source, err := convert.SourceOf(checkout(), 0, 0)
	require.NoError(t, err)
	_, err = convert.PrometheusRules([]convert.RuleSource{source, source})
	require.ErrorContains(t, err, "given twice")
}

func TestThereMayBeNothingToWrite(t *testing.T) {
	t.Parallel()
	out, err := convert.PrometheusRules(nil)
	require.NoError(t, err)
	require.Empty(t, readRules(t, out).Groups)
}
