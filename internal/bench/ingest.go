package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// rawCodec sends bytes that are encoded already, so that the generator costs
// little.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (rawCodec) Name() string { return "proto" }

// export sends one encoded request over OTLP/gRPC.
func export(ctx context.Context, conn *grpc.ClientConn, body []byte) error {
	var answer []byte
	return conn.Invoke(ctx, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", &body, &answer, grpc.ForceCodec(rawCodec{}))
}

const (
	ingestServices  = 100
	ingestSenders   = 4
	ingestBatches   = 200
	ingestCallLimit = 30 * time.Second
)

// ingestCase is one load on one kind of program.
type ingestCase struct {
	name       string
	objectives int
	// repeats is the share of requests that are sent a second time, in percent.
	repeats int
	// environment needs the harness's binary.
	environment []string
}

// benchIngest measures durable ingest, judged against 100 and 1,000 objectives,
// with a tenth sent twice; and, where the harness's binary is given, what
// deduplication and syncing cost.
func benchIngest(ctx context.Context, o options, out io.Writer) error {
	cases := []ingestCase{
		{name: "all", objectives: 100}, {name: "all", objectives: 1000}, {name: "repeats", objectives: 1000, repeats: 10},
	}
	if o.harness != "" {
		cases = append(cases,
			ingestCase{name: "without_deduplication", objectives: 1000, environment: []string{"SLOWBURN_CRASH_NO_SIGHTINGS=1"}},
			ingestCase{name: "without_sync", objectives: 1000, environment: []string{"SLOWBURN_CRASH_NO_SYNC=1"}})
	}
	for _, c := range cases {
		if err := ingest(ctx, o, c, out); err != nil {
			return fmt.Errorf("%s, %d objectives: %w", c.name, c.objectives, err)
		}
	}
	return nil
}

// serveObjectives starts a program with that many objectives on ingestServices.
func serveObjectives(ctx context.Context, o options, objectives int, environment ...string) (*process, error) {
	if len(environment) > 0 {
		o.binary = o.harness
	}
	p, err := startWith(ctx, o, environment)
	if err != nil {
		return nil, err
	}
	var documents strings.Builder
	for i := range objectives {
		service := i % ingestServices
		documents.WriteString(document(fmt.Sprintf("s%d-%d", service, i/ingestServices), fmt.Sprintf("service-%d", service), i/ingestServices))
	}
	return p, p.apply(ctx, documents.String())
}

func ingest(ctx context.Context, o options, c ingestCase, out io.Writer) (err error) {
	p, err := serveObjectives(ctx, o, c.objectives, c.environment...)
	if p != nil {
		defer func() { err = errors.Join(err, p.stop()) }()
	}
	if err != nil {
		return err
	}
	l, err := newLoad(p.grpc, c.repeats)
	if err != nil {
		return err
	}
	if _, err := l.run(ctx, 3*time.Second); err != nil { // Warm up.
		return err
	}
	before, err := p.usage()
	if err != nil {
		return err
	}
	warm := l.sent.Load() + l.repeated.Load()
	took, err := l.run(ctx, o.duration)
	if err != nil {
		return err
	}
	if err := p.counts(ctx, l.sent.Load()*int64(c.objectives/ingestServices), time.Minute); err != nil {
		return err
	}
	after, err := p.usage()
	if err != nil {
		return err
	}
	spans := l.sent.Load() + l.repeated.Load() - warm
	fmt.Fprintf(out, "ingest case=%s objectives=%d batch=%d span_bytes=%d spans=%d spans_per_second=%.0f program_cpu_us_per_span=%.2f postgres_cpu_us_per_span=%.2f rss_mb=%d counts=equal load_average=%s\n",
		c.name, c.objectives, batchSize, l.spanBytes, spans, float64(spans)/took.Seconds(),
		micros(after.program-before.program, spans), micros(after.database-before.database, spans), after.rss>>20, loadAverage())
	return nil
}

// counts waits until the objectives hold that many events in all.
func (p *process) counts(ctx context.Context, want int64, limit time.Duration) error {
	if err := p.wait(ctx, "/api/v1/slos?limit=1000", limit, func(_ int, body string) bool { return counted(body) == want }); err != nil {
		return fmt.Errorf("the counts do not become %d events: %w", want, err)
	}
	return nil
}

func micros(d time.Duration, n int64) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(n) }

// counted is the sum of all events of a list of SLOs; -1 if it is not one.
func counted(body string) int64 {
	var list struct {
		SLOs []struct {
			Objectives []struct {
				Total int64 `json:"total"`
			} `json:"objectives"`
		} `json:"slos"`
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		return -1
	}
	var total int64
	for _, s := range list.SLOs {
		for _, o := range s.Objectives {
			total += o.Total
		}
	}
	return total
}
