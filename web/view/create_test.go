package view_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// TestEveryDraftFitsTheForm and comes back from it as it was.
func TestEveryDraftFitsTheForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := slo.DraftSLO(slo.Traffic{
			Operation: slo.Operation{
				Service: rapid.StringMatching(`[a-z<>"' ]{0,9}[a-z]`).Draw(t, "service"), Name: rapid.String().Draw(t, "operation"),
				Kind: rapid.SampledFrom([]slo.SpanKind{"", slo.ServerSpan, slo.ConsumerSpan}).Draw(t, "kind"),
			},
			P99: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "p99")),
		}, slo.Counts{Good: rapid.Int64Range(0, 1e6).Draw(t, "good"), Bad: rapid.Int64Range(0, 1e4).Draw(t, "bad")})
		form, why := view.NewForm(want)
		require.Empty(t, why)
		got, faults := form.SLO()
		if form.Service == "" || want.Service != form.Service || got.Service != want.Service {
			return // Space around a service's name is cut, as in every form.
		}
		require.Empty(t, faults)
		got.DisplayName, want.DisplayName = "", "" // Space is cut here, too.
		require.Equal(t, want, got)
	})
}

func TestWhatTheFormCannotSayStaysText(t *testing.T) {
	t.Parallel()
	plain := slo.DraftSLO(slo.Traffic{Operation: slo.Operation{Service: "shop", Kind: slo.ServerSpan}}, slo.Counts{})
	for name, change := range map[string]func(*slo.SLO){
		"several objectives":  func(s *slo.SLO) { s.Objectives = append(s.Objectives, s.Objectives[0]) },
		"bad instead of good": func(s *slo.SLO) { s.Indicator.Bad, s.Indicator.Good = s.Indicator.Good, nil },
		"labels":              func(s *slo.SLO) { s.Labels = map[string][]string{"team": {"a"}} },
		"annotations":         func(s *slo.SLO) { s.Annotations = map[string]string{"a": "b"} },
		"a description":       func(s *slo.SLO) { s.Description = "x" },
		"a named objective":   func(s *slo.SLO) { s.Objectives = []slo.Objective{{DisplayName: "x", Target: s.Objectives[0].Target}} },
		"another service":     func(s *slo.SLO) { s.Indicator.Total.Service = "other" },
		"a limit on all":      func(s *slo.SLO) { s.Indicator.Total.MaxDuration = time.Second },
		"two services":        func(s *slo.SLO) { s.Indicator.Good = &slo.SpanSource{Service: "shop"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := plain
			change(&changed)
			_, why := view.NewForm(changed)
			require.NotEmpty(t, why)
		})
	}
}
