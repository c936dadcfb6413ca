// Package shop is a small shop that exists to be measured: several services
// that call each other in one program, each with an OpenTelemetry SDK and a
// resource of its own. Requests are simulated in time, so that the same code
// sends hours of history in seconds and then goes on live.
package shop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Services are the services of the shop.
func Services() []string {
	return []string{"storefront", "catalog", "cart", "payments", "inventory", "orders", "fulfilment", "mailer"}
}

// Settings are what a Shop is made of. Exporter is required.
type Settings struct {
	// Exporter takes the spans of all services. The shop does not shut it down.
	Exporter sdktrace.SpanExporter
	// Rate is how many requests arrive in a second at the busiest time of day.
	Rate float64
	// Seed makes the same shop again.
	Seed uint64
	// Version is the service.version of every service.
	Version string
}

// Shop makes requests. Request and Faults may be used by several goroutines;
// the other methods by one at a time.
type Shop struct {
	settings  Settings
	random    *rand.Rand
	faults    *Faults
	tracers   map[string]trace.Tracer
	providers []*sdktrace.TracerProvider
	exporter  *counter
}

// New starts the SDK of every service.
func New(settings Settings) (*Shop, error) {
	if settings.Exporter == nil || settings.Rate <= 0 {
		return nil, errors.New("a shop needs an exporter and a rate above 0")
	}
	s := &Shop{
		settings: settings, random: rand.New(rand.NewPCG(settings.Seed, 1)), //nolint:gosec // Not for secrets: it must repeat.
		faults: NewFaults(), tracers: map[string]trace.Tracer{}, exporter: &counter{SpanExporter: settings.Exporter},
	}
	for _, name := range Services() {
		provider := sdktrace.NewTracerProvider(
			sdktrace.WithResource(resource.NewSchemaless(
				attribute.String("service.name", name), attribute.String("service.namespace", "shop"),
				attribute.String("service.version", settings.Version), attribute.String("service.instance.id", name+"-0"),
				attribute.String("deployment.environment.name", "demo"), attribute.String("telemetry.sdk.language", "go"),
				attribute.String("telemetry.sdk.name", "opentelemetry"),
			)),
			// A full queue waits instead of dropping: what is sent is to be
			// what is counted.
			sdktrace.WithBatcher(s.exporter, sdktrace.WithBlocking(), sdktrace.WithBatchTimeout(flushEvery)),
			sdktrace.WithIDGenerator(&ids{random: rand.New(rand.NewPCG(settings.Seed, nameSeed(name)))}), //nolint:gosec // As above.
		)
		s.providers = append(s.providers, provider)
		s.tracers[name] = provider.Tracer("shop")
	}
	return s, nil
}

// nameSeed gives each service random numbers of its own.
func nameSeed(name string) uint64 { return uint64(slices.Index(Services(), name)) + 2 }

// Faults are what is broken now.
func (s *Shop) Faults() *Faults { return s.faults }

// Sent is how many spans the platform has acknowledged, and how many it has not.
func (s *Shop) Sent() (acknowledged, failed int64) {
	return s.exporter.acknowledged.Load(), s.exporter.failed.Load()
}

// Flush sends every span that waits.
func (s *Shop) Flush(ctx context.Context) error {
	var all []error
	for _, p := range s.providers {
		all = append(all, p.ForceFlush(ctx))
	}
	return errors.Join(all...)
}

// Close sends what waits and stops the SDKs.
func (s *Shop) Close(ctx context.Context) error {
	var all []error
	for _, p := range s.providers {
		all = append(all, p.Shutdown(ctx))
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("stop the shop's SDKs: %w", err)
	}
	return nil
}

// counter counts what an exporter was given and what arrived.
type counter struct {
	sdktrace.SpanExporter

	acknowledged, failed atomic.Int64
}

// ExportSpans implements sdktrace.SpanExporter.
func (c *counter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	if err != nil {
		c.failed.Add(int64(len(spans)))
		return err
	}
	c.acknowledged.Add(int64(len(spans)))
	return nil
}

// Shutdown leaves the exporter open: the services share it.
func (c *counter) Shutdown(context.Context) error { return nil }
