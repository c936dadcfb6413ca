package shop

import (
	"context"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// request is one visit of a customer, simulated: every span has the times that
// the simulation gives it.
type request struct {
	shop     *Shop
	random   *rand.Rand
	incident Incident
}

// operation is something that a service does when it is asked.
type operation struct {
	service, method, route string
	median                 time.Duration
	// errors is the share that fails for no reason.
	errors float64
	// within is what it asks others for, after its own work has begun.
	within func(ctx context.Context, at time.Time) (end time.Time, ok bool)
}

// visit is one customer: most look, some buy.
func (r *request) visit(at time.Time) {
	ctx := context.Background()
	switch kind := r.random.Float64(); {
	case kind < 0.4:
		r.serve(ctx, operation{service: "storefront", method: "GET", route: "/", median: 18 * time.Millisecond, errors: 0.0004, within: r.browse}, at)
	case kind < 0.7:
		r.serve(ctx, operation{service: "storefront", method: "GET", route: "/products/{id}", median: 14 * time.Millisecond, errors: 0.0004, within: r.browse}, at)
	default:
		r.serve(ctx, operation{service: "storefront", method: "POST", route: "/checkout", median: 25 * time.Millisecond, errors: 0.0001, within: r.checkOut}, at)
	}
}

func (r *request) browse(ctx context.Context, at time.Time) (time.Time, bool) {
	return r.call(ctx, "storefront", operation{service: "catalog", method: "GET", route: "/catalog/{id}", median: 35 * time.Millisecond, errors: 0.0005}, at)
}

func (r *request) checkOut(ctx context.Context, at time.Time) (time.Time, bool) {
	steps := []operation{
		{service: "cart", method: "GET", route: "/cart/{id}", median: 9 * time.Millisecond, errors: 0.00005},
		{service: "inventory", method: "POST", route: "/reservations", median: 16 * time.Millisecond, errors: 0.00005},
		{service: "payments", method: "POST", route: "/charges", median: 90 * time.Millisecond, errors: 0.0001},
		{service: "orders", method: "POST", route: "/orders", median: 20 * time.Millisecond, errors: 0.00005, within: r.order},
	}
	for _, step := range steps {
		end, ok := r.call(ctx, "storefront", step, at)
		if at = end; !ok {
			return at, false
		}
	}
	return at, true
}

// order publishes the order; fulfilment and then the mailer take it up later,
// in traces of their own that link to the message.
func (r *request) order(ctx context.Context, at time.Time) (time.Time, bool) {
	end := r.publish(ctx, "orders", "orders", at, func(message trace.SpanContext, sent time.Time) {
		r.consume("fulfilment", "orders", message, sent, 60*time.Millisecond, 0.0002, func(ctx context.Context, at time.Time) time.Time {
			return r.publish(ctx, "fulfilment", "parcels", at, func(message trace.SpanContext, sent time.Time) {
				r.consume("mailer", "parcels", message, sent, 120*time.Millisecond, 0.002, nil)
			})
		})
	})
	return end, true
}

// call asks another service: a client span, and the server's with the context
// that went over the wire.
func (r *request) call(ctx context.Context, caller string, o operation, at time.Time) (time.Time, bool) {
	ctx, span := r.start(ctx, caller, o.method, at, trace.SpanKindClient, nil,
		attribute.String("http.request.method", o.method), attribute.String("server.address", o.service), attribute.Int("server.port", 8080))
	network := time.Duration(200+r.random.IntN(600)) * time.Microsecond
	end, ok := r.serve(overTheWire(ctx), o, at.Add(network))
	end = end.Add(network)
	answer(span, ok, end)
	return end, ok
}

// overTheWire carries the trace context as HTTP headers would.
func overTheWire(ctx context.Context) context.Context {
	headers := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, headers)
	return propagation.TraceContext{}.Extract(context.Background(), headers)
}

// serve is the server's side of an operation.
func (r *request) serve(ctx context.Context, o operation, at time.Time) (time.Time, bool) {
	ctx, span := r.start(ctx, o.service, o.method+" "+o.route, at, trace.SpanKindServer, nil,
		attribute.String("http.request.method", o.method), attribute.String("http.route", o.route), attribute.String("url.scheme", "http"))
	end, ok := r.work(ctx, o, at)
	answer(span, ok, end)
	return end, ok
}

// work is the own work of a service and what it asks others for.
func (r *request) work(ctx context.Context, o operation, at time.Time) (time.Time, bool) {
	fault := r.shop.faults.Of(o.service, at)
	if fault.Outage {
		return at.Add(2 * time.Millisecond), false
	}
	own := took(r.random, o.median, at) + fault.Latency
	errors := o.errors + fault.Errors
	if i := r.incident; i.Service == o.service && !at.Before(i.From) && at.Before(i.To) {
		errors += i.Errors
	}
	if r.random.Float64() < errors {
		return at.Add(own), false
	}
	end := at.Add(own / 2)
	ok := true
	if o.within != nil {
		end, ok = o.within(ctx, end)
	}
	return end.Add(own - own/2), ok
}

// publish sends a message to a queue, and lets whoever waits for it have it.
func (r *request) publish(ctx context.Context, service, queue string, at time.Time, deliver func(trace.SpanContext, time.Time)) time.Time {
	ctx, span := r.start(ctx, service, "send "+queue, at, trace.SpanKindProducer, nil, messaging("send", queue)...)
	end := at.Add(time.Duration(1+r.random.IntN(4)) * time.Millisecond)
	finish(span, true, "", end)
	deliver(trace.SpanContextFromContext(ctx), end)
	return end
}

// consume takes a message from a queue a little later, in a new trace that
// links to it.
func (r *request) consume(
	service, queue string, message trace.SpanContext, sent time.Time, median time.Duration, errors float64,
	then func(context.Context, time.Time) time.Time,
) {
	at := sent.Add(time.Duration(20+r.random.IntN(400)) * time.Millisecond)
	ctx, span := r.start(context.Background(), service, "process "+queue, at, trace.SpanKindConsumer,
		[]trace.Link{{SpanContext: message}}, messaging("process", queue)...)
	end, ok := r.work(ctx, operation{service: service, median: median, errors: errors}, at)
	if ok && then != nil {
		end = then(ctx, end)
	}
	finish(span, ok, "processing_failed", end)
}

func messaging(kind, queue string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.type", kind),
		attribute.String("messaging.operation.name", kind), attribute.String("messaging.destination.name", queue),
	}
}

// start begins a span, unless the service is silent: then its callers' context
// goes on, as it would past a service without an SDK.
func (r *request) start(
	ctx context.Context, service, name string, at time.Time, kind trace.SpanKind, links []trace.Link, attributes ...attribute.KeyValue,
) (context.Context, trace.Span) {
	if r.shop.faults.Of(service, at).Silence {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return r.shop.tracers[service].Start(ctx, name,
		trace.WithTimestamp(at), trace.WithSpanKind(kind), trace.WithLinks(links...), trace.WithAttributes(attributes...))
}

// answer ends the span of a request as the conventions of HTTP have it.
func answer(span trace.Span, ok bool, end time.Time) {
	status := 200
	if !ok {
		status = 503
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	finish(span, ok, "503", end)
}

// finish ends a span.
func finish(span trace.Span, ok bool, errorType string, end time.Time) {
	if !ok {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(attribute.String("error.type", errorType))
	}
	span.End(trace.WithTimestamp(end))
}
