package convert

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// ruleFile is a rule file of Prometheus.
type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval"`
	Rules    []rule `yaml:"rules"`
}

// rule records a series or raises an alert.
type rule struct {
	Record        string            `yaml:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`
}

// AlertName is the name of every alert that PrometheusRules writes; its labels
// say of what.
const AlertName = "ErrorBudgetBurn"

// PrometheusRules writes objectives as a rule file for a Prometheus of one's
// own. Each tier is a group: it records the error ratio over both of its
// look-backs, as slo:error_ratio:increase1h, unless a faster tier does, and
// raises an alert while both are at least factor * (1 - target). Where Bad is a
// counter, the longer one must hold enough bad events, too; of an expression nobody
// knows whether it counts. The alert's label tier says which tier fired. Comments
// name the tiers that are not written (see RuleSource.Tiers), and why.
//
// A ratio without events is no sample, rather than the NaN of a division by
// zero; no bad events beside others are 0. Prometheus extrapolates increases, so
// that the figures differ a little from Slowburn's own.
func PrometheusRules(sources []RuleSource) ([]byte, error) {
	var file ruleFile
	var notes bytes.Buffer
	seen := map[string]bool{}
	for _, s := range sources {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("write rules of the objective %s/%d: %w", s.Name, s.Objective, err)
		}
		if seen[s.group()] {
			return nil, fmt.Errorf("write rules of the objective %s/%d: it is given twice", s.Name, s.Objective)
		}
		seen[s.group()] = true
		file.Groups = append(file.Groups, s.groups()...)
		for _, note := range s.notes() {
			fmt.Fprintln(&notes, note)
		}
	}
	text, err := encode([]ruleFile{file})
	return append(notes.Bytes(), text...), err
}

func (s RuleSource) group() string { return fmt.Sprintf("slowburn-%s-%d", s.Name, s.Objective) }

// groups are one for each tier that is in use.
func (s RuleSource) groups() []ruleGroup {
	var groups []ruleGroup
	var recorded []time.Duration
	for _, t := range s.used() {
		g := ruleGroup{Name: s.group() + "-" + t.Name, Interval: slo.FormatDuration(interval(t))}
		for _, lookBack := range lookBacks(t) {
			if !slices.Contains(recorded, lookBack) {
				recorded = append(recorded, lookBack)
				g.Rules = append(g.Rules, s.record(lookBack))
			}
		}
		if t.MaxTotal > 0 {
			g.Rules = append(g.Rules, s.recordEvents(lookBacks(t)[0])...)
		}
		g.Rules = append(g.Rules, s.alert(t))
		groups = append(groups, g)
	}
	return groups
}

// used are the tiers that rules can be written for: neither those that are left
// out or muted, nor those of other kinds, nor the quiet one where nobody knows how
// many events there are.
func (s RuleSource) used() []slo.Tier {
	return slices.DeleteFunc(slices.Clone(s.Tiers), func(t slo.Tier) bool {
		few := t.MaxTotal > 0 && (!s.counters() || s.few(t) && s.fewEvents(t) == "")
		return t.LeftOut != "" || t.Muted || few || (t.Kind != slo.BurnRate && t.Kind != "")
	})
}

// lookBacks are those of a tier, the longer first, in whole seconds.
func lookBacks(t slo.Tier) []time.Duration {
	both := []time.Duration{t.Long.Round(time.Second)}
	if t.Short > 0 {
		both = append(both, t.Short.Round(time.Second))
	}
	return both
}

// interval is a tenth of the shortest look-back: 30s for 5m, from 5s to 2m.
func interval(t slo.Tier) time.Duration {
	return max(5*time.Second, min(2*time.Minute, slices.Min(lookBacks(t))/10)).Round(time.Second)
}

// record writes the error ratio over a look-back.
func (s RuleSource) record(lookBack time.Duration) rule {
	bad, total := over(s.Bad, lookBack), over(s.Total, lookBack)
	labels := merged(s.Labels, s.identity())
	if s.Service != "" {
		labels["service"] = s.Service
	}
	return rule{
		Record: recordName(lookBack),
		Expr:   fmt.Sprintf("((%s) or vector(0)) / ((%s) > 0)", bad, total),
		Labels: labels,
	}
}

func recordName(lookBack time.Duration) string {
	return "slo:error_ratio:increase" + slo.FormatDuration(lookBack)
}

// over is an expression of events over a look-back.
func over(expr string, lookBack time.Duration) string {
	expr = strings.TrimSpace(expr)
	window := slo.FormatDuration(lookBack)
	if windowTemplate().MatchString(expr) {
		return windowTemplate().ReplaceAllLiteralString(expr, window)
	}
	return "sum(increase(" + expr + "[" + window + "]))"
}

// identity are the labels that tell an objective from all others.
func (s RuleSource) identity() map[string]string {
	return map[string]string{"slo": s.Name, "objective": strconv.Itoa(s.Objective)}
}

// alert fires while a tier burns.
func (s RuleSource) alert(t slo.Tier) rule {
	var both, names []string
	for _, lookBack := range lookBacks(t) {
		both = append(both, fmt.Sprintf("(%s{slo=%q, objective=%q} %s %s)",
			recordName(lookBack), s.Name, strconv.Itoa(s.Objective), cmp.Or(t.Op, slo.GTE).Symbol(), s.threshold(t)))
		names = append(names, slo.FormatDuration(lookBack))
	}
	expr := strings.Join(both, " and ")
	if t.MaxTotal > 0 {
		expr += " and " + s.fewEvents(t)
	} else if t.MinBad > 0 && !windowTemplate().MatchString(s.Bad) {
		expr += fmt.Sprintf(" and on () ((%s) >= %d)", over(s.Bad, lookBacks(t)[0]), t.MinBad)
	}
	labels := merged(s.Labels, s.identity(), map[string]string{"severity": string(t.Severity), "tier": t.Name})
	if s.Service != "" {
		labels["service"] = s.Service
	}
	for name, text := range labels {
		labels[name] = literal(text)
	}
	a := rule{Alert: AlertName, Expr: expr, Labels: labels, Annotations: map[string]string{
		"summary": fmt.Sprintf("%s burns its error budget at %.4g or more times the rate that it can bear", s.Name, t.Factor),
		"description": fmt.Sprintf("Of the events of the last %s, {{ $value | humanizePercentage }} were bad; the target of %s %% over %s allows %s %%. "+
			"The tier %s fires when the share of bad events over %s is at least %.4g times that.",
			names[0], s.Target.Percent(), s.Window, percentOf(s.budget()), literal(t.Name), strings.Join(names, " and over "), t.Factor),
	}}
	if t.After > 0 {
		a.For = slo.FormatDuration(t.After)
	}
	if t.HoldFor > 0 {
		a.KeepFiringFor = slo.FormatDuration(t.HoldFor)
	}
	return a
}

// literal keeps Prometheus from reading a text as a template.
func literal(text string) string { return strings.ReplaceAll(text, "{{", `{{ "{{" }}`) }

// threshold is factor * (1 - target), as near as a float can be: 0.6, where
// Prometheus would make 0.6000000000000001 of 6 * 0.1.
func (s RuleSource) threshold(t slo.Tier) string {
	factor, _ := new(big.Rat).SetString(strconv.FormatFloat(t.Factor, 'f', -1, 64))
	budget, _ := new(big.Rat).SetString(s.budget())
	threshold, _ := factor.Mul(factor, budget).Float64()
	return strconv.FormatFloat(threshold, 'f', -1, 64)
}

// budget is 1 - target, exactly: 0.001.
func (s RuleSource) budget() string {
	target, _ := new(big.Rat).SetString(s.Target.String())
	return plain(new(big.Rat).Sub(big.NewRat(1, 1), target))
}

func percentOf(ratio string) string {
	r, _ := new(big.Rat).SetString(ratio)
	return plain(r.Mul(r, big.NewRat(100, 1)))
}

func plain(r *big.Rat) string {
	const decimals = 9
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(decimals), "0"), ".")
}
