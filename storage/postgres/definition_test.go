package postgres_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// full is a definition in which nothing is left out.
func full(t *testing.T) slo.Definition {
	t.Helper()
	indicator := slo.Indicator{
		Total: slo.SpanSource{Service: "checkout", Condition: `name == "\""`, MaxDuration: time.Nanosecond},
		Good:  &slo.SpanSource{Service: "good", Condition: "c", MaxDuration: 300 * time.Millisecond},
		Bad:   &slo.SpanSource{Service: "bad", Condition: "d", MaxDuration: 1<<63 - 1},
		Value: &slo.Value{Of: slo.DurationValue, Raw: slo.RawFailure, Threshold: slo.Threshold{Op: slo.LTE, Limit: "0.25"}},
	}
	var objectives []slo.Objective
	for i, text := range []string{"0.999", "0.123456789", "0"} {
		target, err := slo.ParseTarget(text, false)
		require.NoError(t, err)
		slice, err := slo.ParseSliceTarget("1")
		require.NoError(t, err)
		own := indicator
		own.Total.Service = fmt.Sprint("service ", i)
		objectives = append(objectives, slo.Objective{
			DisplayName: fmt.Sprint("objective ", i), Target: target, Threshold: slo.Threshold{Op: slo.GT, Limit: "-3"},
			SliceTarget: slice, SliceWindow: 5 * time.Minute, Indicator: &own, Weight: "0.5",
		})
	}
	return slo.Definition{
		SLO: slo.SLO{
			Name: "checkout-fast", DisplayName: "Checkout \x00 <b>", Description: "日本\nlines", Service: "checkout",
			Labels:      map[string][]string{"team": {"a", "b"}, "none": {}, "null": nil},
			Annotations: map[string]string{"slowburn.dev/runbook": "https://example.org/?a=1&b=2"},
			Indicator:   indicator,
			Window: slo.Window{
				Duration: 28 * 24 * time.Hour,
				Calendar: slo.Calendar{Count: 2, Unit: 'M', Start: "2026-01-31 00:00", Zone: "Europe/Berlin"},
			},
			Method: slo.RatioTimeslices, Objectives: objectives,
			Policies: []slo.AlertPolicy{{
				Name: "page", DisplayName: "Page", Description: "wakes", WhenBreaching: true, WhenResolved: true, WhenNoData: true,
				Condition: slo.AlertCondition{
					Name: "burns", DisplayName: "Burns", Description: "fast", Severity: slo.Page, Kind: slo.BudgetDrop, Op: slo.GTE,
					Threshold: "14.4", LookBack: time.Hour, ShortLookBack: 5 * time.Minute, After: time.Minute, MinBad: 3, NoDataAfter: 2 * time.Hour,
				},
				Targets: []slo.NotificationTarget{{Name: "t", DisplayName: "T", Description: "team", Target: "slack"}},
			}},
			Exclusions: []slo.Exclusion{{
				Start: "2026-01-03 22:00", Duration: 2 * time.Hour, RRule: "FREQ=WEEKLY", Zone: "Europe/Berlin", As: "drop", Reason: "database",
			}},
			References: []slo.ObjectRef{{Kind: slo.KindAlertPolicy, Name: "page"}, {Kind: slo.KindSLI, Name: "fast"}},
		},
		Document: []byte("apiVersion: openslo/v1\x00\xff\r\n"), Origin: "slos/checkout.yaml",
	}
}

// requireFull fails if any field of a value is zero, so that a field added to
// the domain is not forgotten here.
func requireFull(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		require.False(t, v.IsNil(), path)
		requireFull(t, v.Elem(), path)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[slo.Target]() {
			return
		}
		for i := range v.NumField() {
			requireFull(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		require.NotZero(t, v.Len(), path)
		for i := range v.Len() {
			requireFull(t, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		require.False(t, v.IsZero(), path)
	}
}

// saveSLOs saves definitions alone.
func saveSLOs(t *testing.T, store *postgres.Store, definitions []slo.Definition, archive ...slo.ObjectRef) ([]slo.Definition, error) {
	t.Helper()
	saved, err := store.SaveDefinitions(t.Context(), slo.Change{Definitions: definitions, Archive: archive}, noon)
	return saved.Definitions, err
}

func TestDefinitionsComeBackAsTheyWentIn(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	want := full(t)
	requireFull(t, reflect.ValueOf(want.SLO), "SLO")
	at := noon.Add(987654321)
	saved, err := store.SaveDefinitions(t.Context(), slo.Change{Definitions: []slo.Definition{want}}, at)
	require.NoError(t, err)
	want.Revision, want.AppliedAt = 1, at
	require.Equal(t, []slo.Definition{want}, saved.Definitions)
	want.CreatedAt = at // As the catalog says of what it has saved.
	read, err := store.Definitions(t.Context())
	require.NoError(t, err)
	require.Equal(t, []slo.Definition{want}, read)
	require.Equal(t, want.SLO.Series(), read[0].SLO.Series())
}

// slos names SLOs.
func slos(names ...string) []slo.ObjectRef {
	var refs []slo.ObjectRef
	for _, name := range names {
		refs = append(refs, slo.ObjectRef{Kind: slo.KindSLO, Name: name})
	}
	return refs
}

func TestRevisionsGoOnAfterAnSLOWasArchived(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	named := func(name string) slo.Definition {
		return slo.Definition{SLO: slo.SLO{Name: name}, Document: []byte("x")}
	}
	revisions := func() map[string]int {
		live, err := store.Definitions(t.Context())
		require.NoError(t, err)
		m := map[string]int{}
		for _, d := range live {
			m[d.SLO.Name] = d.Revision
		}
		return m
	}
	for _, step := range []struct {
		what    string
		upsert  []slo.Definition
		archive []slo.ObjectRef
		want    map[string]int
	}{
		{"two are new", []slo.Definition{named("b"), named("a")}, nil, map[string]int{"a": 1, "b": 1}},
		{"one is changed", []slo.Definition{named("a")}, nil, map[string]int{"a": 2, "b": 1}},
		{"one goes, and one that never was", nil, slos("a", "never"), map[string]int{"b": 1}},
		{"it comes back while the other goes", []slo.Definition{named("a")}, slos("b"), map[string]int{"a": 3}},
		{"nothing at all", nil, nil, map[string]int{"a": 3}},
	} {
		_, err := saveSLOs(t, store, step.upsert, step.archive...)
		require.NoError(t, err, step.what)
		require.Equal(t, step.want, revisions(), step.what)
	}
	_, err := saveSLOs(t, store, []slo.Definition{named("c"), named("not \x00 text")}, slos("a")...)
	require.Error(t, err)
	require.Equal(t, map[string]int{"a": 3}, revisions(), "all or nothing")
}

func TestRevisionsAreNeverGivenTwice(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := saveSLOs(t, store, []slo.Definition{{SLO: slo.SLO{Name: "a"}}}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	live, err := store.Definitions(t.Context())
	require.NoError(t, err)
	require.Len(t, live, 1)
	require.Equal(t, 8, live[0].Revision)
}
