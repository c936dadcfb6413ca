package openslo_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// drawn draws SLOs with hostile texts, of every method, window and indicator.
type drawn struct{ *rapid.T }

func (t drawn) text(label string) string {
	return rapid.StringOfN(rapid.RuneFrom([]rune("ab 'é\"\\:{}[]#&*!|>%@`,-0~")), 1, 40, 60).Filter(func(s string) bool {
		return strings.TrimSpace(s) == s && s != ""
	}).Draw(t.T, label)
}

func (t drawn) name(label string) string {
	return rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?`).Draw(t.T, label)
}

func (t drawn) flag(label string) bool { return rapid.Bool().Draw(t.T, label) }

func (t drawn) decimal(label, pattern string) slo.Decimal {
	number, err := slo.ParseDecimal(rapid.StringMatching(pattern).Draw(t.T, label))
	require.NoError(t, err)
	return number
}

func (t drawn) source() slo.SpanSource {
	s := slo.SpanSource{Condition: t.text("condition")}
	if t.flag("limited") {
		s.MaxDuration = time.Duration(rapid.Int64Range(1, int64(10*time.Minute)).Draw(t.T, "max"))
	}
	return s
}

func (t drawn) indicator() slo.Indicator {
	i, part := slo.Indicator{Total: t.source()}, t.source()
	switch rapid.SampledFrom([]string{"good", "bad", "success", "failure", "threshold"}).Draw(t.T, "indicator") {
	case "good":
		i.Good = &part
	case "bad":
		i.Bad = &part
	case "success":
		i.Value = &slo.Value{Of: t.text("of"), Raw: slo.RawSuccess}
	case "failure":
		i.Value = &slo.Value{Of: t.text("of"), Raw: slo.RawFailure}
	case "threshold":
		i.Value = &slo.Value{Of: t.text("of")}
	}
	return i
}

func (t drawn) window() slo.Window {
	if t.flag("rolling") {
		return slo.Window{Duration: rapid.SampledFrom([]time.Duration{90 * time.Minute, 5 * time.Hour, 48 * time.Hour, 28 * day}).Draw(t.T, "window")}
	}
	length := rapid.SampledFrom([]string{"1d", "8h", "90m", "2w", "2M", "1Q", "1Y"}).Draw(t.T, "period")
	nominal, err := slo.ParseDuration(length)
	require.NoError(t, err)
	count, err := strconv.Atoi(length[:len(length)-1])
	require.NoError(t, err)
	return slo.Window{Duration: nominal, Calendar: slo.Calendar{
		Count: count, Unit: length[len(length)-1], Start: "2026-01-31 12:30", Zone: rapid.SampledFrom([]string{"UTC", "Europe/Berlin"}).Draw(t.T, "zone"),
	}}
}

func (t drawn) objective(s slo.SLO, composite bool) slo.Objective {
	goal, err := slo.ParseTarget(rapid.StringMatching(`0\.[0-9]{1,9}`).Draw(t.T, "target"), false)
	require.NoError(t, err)
	o := slo.Objective{DisplayName: t.text("objective"), Target: goal}
	if s.Method != "" {
		o.SliceWindow = 5 * time.Minute
	}
	if s.Method == slo.Timeslices {
		o.SliceTarget, err = slo.ParseSliceTarget(rapid.SampledFrom([]string{"1", "0.5", "0.999999999"}).Draw(t.T, "slice target"))
		require.NoError(t, err)
	}
	i := s.Indicator
	if composite {
		i = t.indicator()
		o.Indicator = &i
		if t.flag("weighted") {
			o.Weight = t.decimal("weight", `[1-9][0-9]{0,5}(\.[0-9]{1,9})?`)
		}
	}
	if i.Value != nil && i.Value.Raw == "" {
		o.Threshold = slo.Threshold{
			Op: rapid.SampledFrom([]slo.Operator{slo.LTE, slo.GTE, slo.LT, slo.GT}).Draw(t.T, "op"), Limit: t.decimal("limit", `-?[0-9]{1,6}(\.[0-9]{1,18})?`),
		}
	}
	return o
}

func (t drawn) policy(name string) slo.AlertPolicy {
	p := slo.AlertPolicy{
		Name: name, DisplayName: t.text("policy"), Description: t.text("description"),
		WhenBreaching: t.flag("breaching"), WhenResolved: t.flag("resolved"), WhenNoData: t.flag("no data"),
		Condition: slo.AlertCondition{
			Name: t.name("condition"), DisplayName: t.text("title"), Description: t.text("description"), Severity: slo.Severity(t.text("severity")),
			Kind: rapid.SampledFrom([]slo.ConditionKind{slo.BurnRate, slo.BudgetConsumed, slo.BudgetDrop}).Draw(t.T, "kind"),
			Op:   rapid.SampledFrom([]slo.Operator{slo.GTE, slo.GT}).Draw(t.T, "op"), Threshold: t.decimal("threshold", `0\.[1-9]{1,18}`),
			LookBack: rapid.SampledFrom([]time.Duration{time.Minute, time.Hour}).Draw(t.T, "look-back"),
			After:    rapid.SampledFrom([]time.Duration{0, 3 * time.Minute}).Draw(t.T, "after"),
			MinBad:   rapid.Int64Range(0, 100).Draw(t.T, "min bad"), NoDataAfter: rapid.SampledFrom([]time.Duration{0, 90 * time.Second}).Draw(t.T, "no data"),
		},
	}
	if p.Condition.Kind == slo.BurnRate {
		p.Condition.ShortLookBack = rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t.T, "short")
	}
	for range rapid.IntRange(1, 3).Draw(t.T, "targets") {
		p.Targets = append(p.Targets, slo.NotificationTarget{Name: t.name("target"), DisplayName: t.text("title"), Target: t.text("receiver")})
	}
	return p
}

func (t drawn) exclusion() slo.Exclusion {
	return slo.Exclusion{
		Start: "2026-01-03 22:00", Duration: time.Duration(rapid.IntRange(1, 44_640).Draw(t.T, "minutes")) * time.Minute,
		RRule: rapid.SampledFrom([]string{"", "FREQ=WEEKLY;BYDAY=SA"}).Draw(t.T, "rule"), Zone: "Europe/Berlin",
		As: rapid.SampledFrom([]slo.ExclusionKind{slo.Drop, slo.CountGood}).Draw(t.T, "as"), Reason: t.text("reason"),
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		t := drawn{rt}
		want := slo.SLO{
			Name: t.name("name"), DisplayName: t.text("title"), Description: t.text("description"), Service: t.name("service"),
			Window: t.window(), Method: rapid.SampledFrom([]slo.BudgetingMethod{"", slo.Timeslices, slo.RatioTimeslices}).Draw(rt, "method"),
			Labels: map[string][]string{"team": {t.text("label")}}, Annotations: map[string]string{"example.com/note": t.text("annotation")},
		}
		composite := t.flag("composite")
		if !composite {
			want.Indicator = t.indicator()
		}
		for range rapid.IntRange(1, 3).Draw(rt, "objectives") {
			want.Objectives = append(want.Objectives, t.objective(want, composite))
		}
		for i := range rapid.IntRange(0, 2).Draw(rt, "policies") {
			want.Policies = append(want.Policies, t.policy(fmt.Sprintf("policy-%d", i)))
		}
		for range rapid.IntRange(0, 2).Draw(rt, "exclusions") {
			want.Exclusions = append(want.Exclusions, t.exclusion())
		}
		document, err := openslo.Format(want)
		require.NoError(rt, err)
		read, _ := resolved(rt, string(document), openslo.Strict)
		require.Equal(rt, want, read, string(document))
		canonical, err := openslo.Canonical("x.yaml", document, openslo.Strict)
		require.NoError(rt, err)
		require.Equal(rt, string(document), string(canonical))
	})
}

func TestAWrittenDocumentReadsWell(t *testing.T) {
	t.Parallel()
	definition := slo.DraftSLO(slo.Traffic{
		Operation: slo.Operation{Service: "checkout", Name: "GET /cart/{id}", Kind: slo.ServerSpan}, P99: 190 * time.Millisecond,
	}, slo.Counts{Good: 9998, Bad: 2})
	document, err := openslo.Format(definition)
	require.NoError(t, err)
	require.Equal(t, `apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout-get-cart-id
  displayName: 'GET /cart/{id} of checkout: good within 250ms'
spec:
  service: checkout
  indicator:
    metadata:
      name: checkout-get-cart-id
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource:
            type: Spans
            spec:
              condition: span.status.code != STATUS_CODE_ERROR
              maxDuration: 250ms
        total:
          metricSource:
            type: Spans
            spec:
              service: checkout
              condition: span.kind == SPAN_KIND_SERVER and span.name == "GET /cart/{id}"
  timeWindow:
    - duration: 28d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - target: 0.9995
`, string(document))
}
