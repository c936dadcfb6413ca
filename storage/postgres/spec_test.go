package postgres_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// anything draws a value of any type that an SLO is made of, field by field,
// so that a field added to the domain is drawn here, too.
func anything(r *rapid.T, v reflect.Value, path string) {
	switch v.Interface().(type) {
	case slo.Target:
		text := rapid.SampledFrom([]string{"", fmt.Sprintf("0.%09d", rapid.IntRange(0, 999_999_999).Draw(r, path))}).Draw(r, path)
		if strings.HasSuffix(path, ".SliceTarget") && text == "0.000000000" {
			text = "1" // A slice's target is never 0, and may be 1.
		}
		parse := func(text string) (slo.Target, error) { return slo.ParseTarget(text, false) }
		if strings.HasSuffix(path, ".SliceTarget") {
			parse = slo.ParseSliceTarget
		}
		if text != "" {
			target, err := parse(text)
			if err != nil {
				r.Fatal(err)
			}
			v.Set(reflect.ValueOf(target))
		}
		return
	case time.Duration:
		v.SetInt(rapid.Int64().Draw(r, path))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.String().Draw(r, path))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(r, path))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(r, path))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(r, path)))
	case reflect.Pointer:
		if rapid.Bool().Draw(r, path) {
			v.Set(reflect.New(v.Type().Elem()))
			anything(r, v.Elem(), path)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			anything(r, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, 2).Draw(r, path); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			anything(r, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Map:
		if n := rapid.IntRange(-1, 2).Draw(r, path); n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				anything(r, key, path)
				anything(r, value, path)
				v.SetMapIndex(key, value)
			}
		}
	default:
		r.Fatalf("%s: no way to draw a %s", path, v.Type())
	}
}

func TestAnySLOComesBackAsItWentIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		var want slo.SLO
		anything(r, reflect.ValueOf(&want).Elem(), "SLO")
		spec, err := postgres.EncodeSLO(want)
		require.NoError(r, err)
		got, err := postgres.DecodeSLO(spec)
		require.NoError(r, err)
		require.Equal(r, want, got)
	})
}

func TestAnyDefinitionComesBackAsItWentIn(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	rapid.Check(t, func(r *rapid.T) {
		d := slo.Definition{Document: rapid.SliceOf(rapid.Byte()).Draw(r, "document")}
		anything(r, reflect.ValueOf(&d.SLO).Elem(), "SLO")
		d.SLO.Name = "any"
		saved, err := store.SaveDefinitions(t.Context(), slo.Change{Definitions: []slo.Definition{d}}, noon)
		require.NoError(r, err)
		read, err := store.Definitions(t.Context())
		require.NoError(r, err)
		require.Len(r, read, 1)
		read[0].Earlier, read[0].CreatedAt = nil, time.Time{} // What the draw before measured, and when.
		require.Equal(r, saved.Definitions, read)
	})
}

// TestARowOfBeforeIsReadAsItWasMeant has a row as the version before wrote it.
func TestARowOfBeforeIsReadAsItWasMeant(t *testing.T) {
	t.Parallel()
	got, err := postgres.DecodeSLO([]byte(`{"name":"checkout-fast","display_name":"Checkout","description":"","service":"checkout",
		"labels":{"team":["payments"]},"annotations":null,
		"indicator":{"total":{"service":"checkout","condition":"true","max_duration_ns":0},
			"good":{"service":"","condition":"","max_duration_ns":300000000},"bad":null},
		"window_ns":2419200000000000,
		"objectives":[{"display_name":"","target":"0.999"},{"display_name":"none","target":"0"}]}`))
	require.NoError(t, err)
	three, err := slo.ParseTarget("0.999", false)
	require.NoError(t, err)
	zero, err := slo.ParseTarget("0", false)
	require.NoError(t, err)
	require.Equal(t, slo.SLO{
		Name: "checkout-fast", DisplayName: "Checkout", Service: "checkout", Labels: map[string][]string{"team": {"payments"}},
		Indicator: slo.Indicator{
			Total: slo.SpanSource{Service: "checkout", Condition: "true"}, Good: &slo.SpanSource{MaxDuration: 300 * time.Millisecond},
		},
		Window:     slo.Window{Duration: 28 * 24 * time.Hour},
		Objectives: []slo.Objective{{Target: three}, {DisplayName: "none", Target: zero}},
	}, got)
	_, err = postgres.DecodeSLO([]byte(`{"objectives":[{"target":"2"}]}`))
	require.Error(t, err)
}
