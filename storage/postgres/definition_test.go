package postgres_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// full is a definition in which nothing is left out.
func full(t *testing.T) slo.Definition {
	t.Helper()
	var objectives []slo.Objective
	for i, text := range []string{"0.999", "0.123456789", "0"} {
		target, err := slo.ParseTarget(text, false)
		require.NoError(t, err)
		objectives = append(objectives, slo.Objective{DisplayName: fmt.Sprint("objective ", i), Target: target})
	}
	return slo.Definition{
		SLO: slo.SLO{
			Name: "checkout-fast", DisplayName: "Checkout \x00 <b>", Description: "日本\nlines", Service: "checkout",
			Labels:      map[string][]string{"team": {"a", "b"}, "none": {}, "null": nil},
			Annotations: map[string]string{"slowburn.dev/runbook": "https://example.org/?a=1&b=2"},
			Indicator: slo.Indicator{
				Total: slo.SpanSource{Service: "checkout", Condition: `name == "\""`, MaxDuration: time.Nanosecond},
				Good:  &slo.SpanSource{Service: "good", Condition: "c", MaxDuration: 300 * time.Millisecond},
				Bad:   &slo.SpanSource{Service: "bad", Condition: "d", MaxDuration: 1<<63 - 1},
			},
			Window: slo.Window{Duration: 28 * 24 * time.Hour}, Objectives: objectives,
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
	default:
		require.False(t, v.IsZero(), path)
	}
}

func TestDefinitionsComeBackAsTheyWentIn(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	want := full(t)
	requireFull(t, reflect.ValueOf(want.SLO), "SLO")
	at := noon.Add(987654321)
	saved, err := store.SaveDefinitions(t.Context(), []slo.Definition{want}, nil, at)
	require.NoError(t, err)
	want.Revision, want.AppliedAt = 1, at
	require.Equal(t, []slo.Definition{want}, saved)
	read, err := store.Definitions(t.Context())
	require.NoError(t, err)
	require.Equal(t, []slo.Definition{want}, read)
	require.Equal(t, want.SLO.Indicator.Series(), read[0].SLO.Indicator.Series())
}

func TestAnyDefinitionComesBackAsItWentIn(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	rapid.Check(t, func(r *rapid.T) {
		source := rapid.Custom(func(r *rapid.T) slo.SpanSource {
			return slo.SpanSource{
				Service: rapid.String().Draw(r, "service"), Condition: rapid.String().Draw(r, "condition"),
				MaxDuration: time.Duration(rapid.Int64().Draw(r, "duration")),
			}
		})
		target, err := slo.ParseTarget(fmt.Sprintf("0.%09d", rapid.IntRange(0, 999_999_999).Draw(r, "target")), false)
		require.NoError(t, err)
		d := slo.Definition{
			SLO: slo.SLO{
				Name: "any", DisplayName: rapid.String().Draw(r, "display name"),
				Labels:      rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).Draw(r, "labels"),
				Annotations: rapid.MapOf(rapid.String(), rapid.String()).Draw(r, "annotations"),
				Indicator:   slo.Indicator{Total: source.Draw(r, "total"), Good: rapid.Ptr(source, true).Draw(r, "good"), Bad: rapid.Ptr(source, true).Draw(r, "bad")},
				Objectives:  []slo.Objective{{Target: target}},
			},
			Document: rapid.SliceOf(rapid.Byte()).Draw(r, "document"),
		}
		saved, err := store.SaveDefinitions(t.Context(), []slo.Definition{d}, nil, noon)
		require.NoError(t, err)
		read, err := store.Definitions(t.Context())
		require.NoError(t, err)
		require.Equal(t, saved, read)
	})
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
		archive []string
		want    map[string]int
	}{
		{"two are new", []slo.Definition{named("b"), named("a")}, nil, map[string]int{"a": 1, "b": 1}},
		{"one is changed", []slo.Definition{named("a")}, nil, map[string]int{"a": 2, "b": 1}},
		{"one goes, and one that never was", nil, []string{"a", "never"}, map[string]int{"b": 1}},
		{"it comes back while the other goes", []slo.Definition{named("a")}, []string{"b"}, map[string]int{"a": 3}},
		{"nothing at all", nil, nil, map[string]int{"a": 3}},
	} {
		_, err := store.SaveDefinitions(t.Context(), step.upsert, step.archive, noon)
		require.NoError(t, err, step.what)
		require.Equal(t, step.want, revisions(), step.what)
	}
	_, err := store.SaveDefinitions(t.Context(), []slo.Definition{named("c"), named("not \x00 text")}, []string{"a"}, noon)
	require.Error(t, err)
	require.Equal(t, map[string]int{"a": 3}, revisions(), "all or nothing")
}

func TestRevisionsAreNeverGivenTwice(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := store.SaveDefinitions(t.Context(), []slo.Definition{{SLO: slo.SLO{Name: "a"}}}, nil, noon); err != nil {
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
