package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// TestRevisionsThatMeasuredSomethingElseComeBack edits an SLO in every way and
// reads what a restart knows of what it measured before.
func TestRevisionsThatMeasuredSomethingElseComeBack(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	target, err := slo.ParseTarget("0.999", false)
	require.NoError(t, err)
	measuring := func(service string) slo.Definition {
		return slo.Definition{SLO: slo.SLO{
			Name: "x", Window: slo.Window{Duration: 24 * time.Hour}, Objectives: []slo.Objective{{Target: target}},
			Indicator: slo.Indicator{Total: slo.SpanSource{Service: service}, Bad: &slo.SpanSource{}},
		}}
	}
	save := func(d slo.Definition, at time.Time, archive ...slo.ObjectRef) {
		t.Helper()
		change := slo.Change{Definitions: []slo.Definition{d}, Archive: archive}
		if d.SLO.Name == "" {
			change.Definitions = nil
		}
		_, err := store.SaveDefinitions(t.Context(), change, at)
		require.NoError(t, err)
	}
	earlier := func() []slo.EarlierRevision {
		t.Helper()
		all, err := store.Definitions(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0].Earlier
	}
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

	save(measuring("a"), at(0))
	require.Empty(t, earlier())
	another := measuring("a")
	another.SLO.Objectives[0].Target, err = slo.ParseTarget("0.99", false)
	require.NoError(t, err)
	save(another, at(1))
	require.Empty(t, earlier(), "a new target measures the same")
	save(measuring("b"), at(2))
	save(measuring("c"), at(3))
	got := earlier()
	require.Len(t, got, 2)
	require.Equal(t, []int{3, 2}, []int{got[0].Revision, got[1].Revision}, "the newest first")
	require.Equal(t, []time.Time{at(3), at(2)}, []time.Time{got[0].Until, got[1].Until})
	require.Equal(t, "b", got[0].SLO.Indicator.Total.Service)
	require.False(t, got[0].Retired)

	now := measuring("d")
	now.RetireNow = true
	save(now, at(4))
	got = earlier()
	require.Len(t, got, 3)
	for _, e := range got {
		require.True(t, e.Retired)
	}
	save(slo.Definition{}, at(5), slo.ObjectRef{Kind: slo.KindSLO, Name: "x"})
	created := func() time.Time {
		t.Helper()
		all, err := store.Definitions(t.Context())
		require.NoError(t, err)
		return all[0].CreatedAt
	}
	save(measuring("e"), at(6))
	require.Empty(t, earlier(), "what ended and came again begins anew")
	require.Equal(t, at(6), created())
	save(measuring("f"), at(7))
	require.Equal(t, at(6), created(), "an edit does not")
}
