package shop_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/slowburn-slo/slowburn/examples/shop"
)

// memory keeps what is exported.
type memory struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

func (m *memory) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spans = append(m.spans, spans...)
	return nil
}

func (m *memory) Shutdown(context.Context) error { return nil }

func (m *memory) of(service string, kind trace.SpanKind) []sdktrace.ReadOnlySpan {
	return slices.DeleteFunc(slices.Clone(m.spans), func(s sdktrace.ReadOnlySpan) bool {
		return serviceOf(s) != service || s.SpanKind() != kind
	})
}

func serviceOf(s sdktrace.ReadOnlySpan) string {
	name, _ := s.Resource().Set().Value("service.name")
	return name.AsString()
}

// noon is the end of the history of these tests.
func noon() time.Time { return time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC) }

// play sends a history of a shop in which something may be broken.
func play(t *testing.T, seed uint64, length time.Duration, broken func(*shop.Faults)) *memory {
	t.Helper()
	m := &memory{}
	s, err := shop.New(shop.Settings{Exporter: m, Rate: 20, Seed: seed, Version: "test"})
	require.NoError(t, err)
	if broken != nil {
		broken(s.Faults())
	}
	require.NoError(t, s.History(t.Context(), noon().Add(-length), noon(), func(time.Duration) {}))
	require.NoError(t, s.Close(t.Context()))
	acknowledged, failed := s.Sent()
	require.EqualValues(t, len(m.spans), acknowledged, "nothing is dropped")
	require.Zero(t, failed)
	return m
}

func TestEveryServiceSendsWithAResourceOfItsOwn(t *testing.T) {
	t.Parallel()
	m := play(t, 1, 10*time.Minute, nil)
	seen := map[string]int{}
	for _, s := range m.spans {
		seen[serviceOf(s)]++
	}
	for _, name := range shop.Services() {
		require.Positive(t, seen[name], name)
	}
	require.Len(t, seen, len(shop.Services()))
}

func TestSpansFitTogether(t *testing.T) {
	t.Parallel()
	m := play(t, 1, 10*time.Minute, nil)
	byID := map[trace.SpanID]sdktrace.ReadOnlySpan{}
	for _, s := range m.spans {
		byID[s.SpanContext().SpanID()] = s
	}
	links := 0
	for _, s := range m.spans {
		require.False(t, s.EndTime().Before(s.StartTime()))
		if s.Parent().IsValid() {
			parent := byID[s.Parent().SpanID()]
			require.NotNil(t, parent, "the parent of %s was sent, too", s.Name())
			require.Equal(t, parent.SpanContext().TraceID(), s.SpanContext().TraceID())
			require.False(t, s.StartTime().Before(parent.StartTime()), s.Name())
			require.False(t, s.EndTime().After(parent.EndTime()), "%s within %s", s.Name(), parent.Name())
		}
		switch s.SpanKind() {
		case trace.SpanKindServer:
			require.NotEmpty(t, attributeOf(s, "http.route"))
			require.NotEmpty(t, attributeOf(s, "http.response.status_code"))
			if s.Parent().IsValid() {
				require.Equal(t, trace.SpanKindClient, byID[s.Parent().SpanID()].SpanKind())
				require.True(t, s.Parent().IsRemote())
			}
		case trace.SpanKindConsumer:
			require.False(t, s.Parent().IsValid(), "a message begins a trace of its own")
			require.Len(t, s.Links(), 1)
			producer := byID[s.Links()[0].SpanContext.SpanID()]
			require.Equal(t, trace.SpanKindProducer, producer.SpanKind())
			require.False(t, s.StartTime().Before(producer.EndTime()), "it is taken after it was sent")
			links++
		case trace.SpanKindClient, trace.SpanKindProducer, trace.SpanKindInternal, trace.SpanKindUnspecified:
		}
	}
	require.Positive(t, links)
}

func attributeOf(s sdktrace.ReadOnlySpan, key attribute.Key) string {
	for _, a := range s.Attributes() {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

func failures(spans []sdktrace.ReadOnlySpan) (failed, all float64) {
	for _, s := range spans {
		if s.Status().Code == codes.Error {
			failed++
		}
	}
	return failed, float64(len(spans))
}

func TestFaultsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	breaking := func(fault shop.Fault) func(*shop.Faults) {
		return func(f *shop.Faults) { require.NoError(t, f.Break("payments", fault)) }
	}
	t.Run("a share of the requests fails, and with it checking out", func(t *testing.T) {
		t.Parallel()
		m := play(t, 2, 20*time.Minute, breaking(shop.Fault{Errors: 0.2}))
		failed, all := failures(m.of("payments", trace.SpanKindServer))
		require.InDelta(t, 0.2, failed/all, 5*math.Sqrt(0.2*0.8/all), "five standard deviations")
		checkouts := slices.DeleteFunc(m.of("storefront", trace.SpanKindServer), func(s sdktrace.ReadOnlySpan) bool { return !strings.HasPrefix(s.Name(), "POST") })
		visible, visits := failures(checkouts)
		require.InDelta(t, failed/all, visible/visits, 0.02)
	})
	t.Run("an outage fails all", func(t *testing.T) {
		t.Parallel()
		m := play(t, 3, 5*time.Minute, breaking(shop.Fault{Outage: true}))
		failed, all := failures(m.of("payments", trace.SpanKindServer))
		require.InDelta(t, all, failed, 0)
		require.Empty(t, m.of("orders", trace.SpanKindServer), "nothing is ordered that was not paid")
	})
	t.Run("latency is added", func(t *testing.T) {
		t.Parallel()
		m := play(t, 4, 5*time.Minute, breaking(shop.Fault{Latency: 2 * time.Second}))
		for _, s := range m.of("payments", trace.SpanKindServer) {
			require.Greater(t, s.EndTime().Sub(s.StartTime()), 2*time.Second)
		}
	})
	t.Run("a silent service works and says nothing", func(t *testing.T) {
		t.Parallel()
		m := play(t, 5, 5*time.Minute, breaking(shop.Fault{Silence: true}))
		require.Empty(t, m.of("payments", trace.SpanKindServer))
		require.NotEmpty(t, m.of("orders", trace.SpanKindServer), "what follows goes on")
	})
}

func TestASeedMakesTheSameShopAgain(t *testing.T) {
	t.Parallel()
	lines := func(m *memory) []string {
		var out []string
		for _, s := range m.spans {
			out = append(out, strings.Join([]string{
				serviceOf(s), s.Name(), s.StartTime().String(), s.EndTime().String(), s.SpanContext().TraceID().String(), s.SpanContext().SpanID().String(),
			}, " "))
		}
		slices.Sort(out)
		return out
	}
	first, again := lines(play(t, 7, 2*time.Minute, nil)), lines(play(t, 7, 2*time.Minute, nil))
	require.Equal(t, first, again)
	require.NotEqual(t, lines(play(t, 7, 2*time.Minute, nil)), lines(play(t, 8, 2*time.Minute, nil)))
}

func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	f := shop.NewFaults()
	require.ErrorContains(t, f.Break("paymnts", shop.Fault{Outage: true}), `no service "paymnts"`)
	require.ErrorContains(t, f.Break("payments", shop.Fault{Errors: 1.2}), "from 0 % to 100 %")
	require.ErrorContains(t, f.Break("payments", shop.Fault{}), "nothing to break")
	require.ErrorContains(t, f.Break("payments", shop.Fault{Latency: time.Hour}), "1m")
	require.Error(t, f.Heal("paymnts"))
	require.NoError(t, f.Break("payments", shop.Fault{Outage: true, Until: noon()}))
	require.Equal(t, "outage", f.Of("payments", noon().Add(-time.Second)).String())
	require.Equal(t, "healthy", f.Of("payments", noon().Add(time.Second)).String(), "it heals by itself")
	require.Empty(t, f.All(noon().Add(time.Second)))
}
