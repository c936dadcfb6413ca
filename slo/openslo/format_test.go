package openslo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// TestWhatIsWrittenIsReadBack draws SLOs with hostile texts.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab 'é\"\\:{}[]#&*!|>%@`,-0~")), 1, 40, 60).Filter(func(s string) bool {
		return len(s) > 0 && s[0] != ' ' && s[len(s)-1] != ' ' && s[0] != '\t' && s[len(s)-1] != '\t'
	})
	source := rapid.Custom(func(t *rapid.T) slo.SpanSource {
		s := slo.SpanSource{Condition: text.Draw(t, "condition")}
		if rapid.Bool().Draw(t, "limited") {
			s.MaxDuration = time.Duration(rapid.Int64Range(1, int64(10*time.Minute)).Draw(t, "max"))
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		want := slo.SLO{
			Name: rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?`).Draw(t, "name"), DisplayName: text.Draw(t, "title"),
			Description: text.Draw(t, "description"), Service: rapid.StringMatching(`[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?`).Draw(t, "service"),
			Window: slo.Window{Duration: rapid.SampledFrom([]time.Duration{90 * time.Minute, 5 * time.Hour, 48 * time.Hour, 28 * 24 * time.Hour}).Draw(t, "window")},
		}
		want.Indicator.Total = source.Draw(t, "total")
		part := source.Draw(t, "part")
		if rapid.Bool().Draw(t, "good") {
			want.Indicator.Good = &part
		} else {
			want.Indicator.Bad = &part
		}
		for range rapid.IntRange(1, 3).Draw(t, "objectives") {
			target, err := slo.ParseTarget(rapid.StringMatching(`0\.[0-9]{1,9}`).Draw(t, "target"), false)
			require.NoError(t, err)
			want.Objectives = append(want.Objectives, slo.Objective{DisplayName: text.Draw(t, "objective"), Target: target})
		}
		document, err := openslo.Format(want)
		require.NoError(t, err)
		read, warnings := resolved(t, string(document), openslo.Strict)
		require.Empty(t, warnings)
		require.Equal(t, want, read, string(document))
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
