package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
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

// benchIngest measures durable ingest, judged against 100 and 1,000 objectives.
func benchIngest(ctx context.Context, o options, out io.Writer) error {
	for _, objectives := range []int{100, 1000} {
		if err := ingest(ctx, o, objectives, out); err != nil {
			return err
		}
	}
	return nil
}

func ingest(ctx context.Context, o options, objectives int, out io.Writer) (err error) {
	p, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	var documents strings.Builder
	for i := range objectives {
		service := i % ingestServices
		documents.WriteString(document(fmt.Sprintf("s%d-%d", service, i/ingestServices), fmt.Sprintf("service-%d", service), i/ingestServices))
	}
	if err := p.apply(ctx, documents.String()); err != nil {
		return err
	}
	var bodies [][]byte
	size := 0
	for i := range ingestBatches {
		body, err := encode(traces(fmt.Sprintf("service-%d", i%ingestServices), time.Now(), batchSize, false))
		if err != nil {
			return err
		}
		bodies = append(bodies, body)
		size += len(body)
	}
	sent := &atomic.Int64{}
	if _, err := load(ctx, p.grpc, bodies, 3*time.Second, sent); err != nil { // Warm up.
		return err
	}
	before, err := p.usage()
	if err != nil {
		return err
	}
	warm := sent.Load()
	took, err := load(ctx, p.grpc, bodies, o.duration, sent)
	if err != nil {
		return err
	}
	if err := p.wait(ctx, "/api/v1/slos?limit=1000", time.Minute, func(_ int, body string) bool {
		return counted(body) == sent.Load()*int64(objectives/ingestServices)
	}); err != nil {
		return fmt.Errorf("counts do not equal %d spans sent: %w", sent.Load(), err)
	}
	after, err := p.usage()
	if err != nil {
		return err
	}
	spans := sent.Load() - warm
	fmt.Fprintf(out, "ingest objectives=%d batch=%d span_bytes=%d spans=%d spans_per_second=%.0f program_cpu_us_per_span=%.2f postgres_cpu_us_per_span=%.2f rss_mb=%d counts=equal\n",
		objectives, batchSize, size/ingestBatches/batchSize, spans, float64(spans)/took.Seconds(),
		micros(after.program-before.program, spans), micros(after.database-before.database, spans), after.rss>>20)
	return nil
}

func micros(d time.Duration, n int64) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(n) }

// load sends from several connections as fast as they are answered.
func load(ctx context.Context, address string, bodies [][]byte, duration time.Duration, sent *atomic.Int64) (time.Duration, error) {
	begin := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for sender := range ingestSenders {
		group.Go(func() error {
			conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			for i := sender; time.Since(begin) < duration; i += ingestSenders {
				call, cancel := context.WithTimeout(ctx, ingestCallLimit)
				err := export(call, conn, bodies[i%len(bodies)])
				cancel()
				if err != nil {
					return err
				}
				sent.Add(batchSize)
			}
			return nil
		})
	}
	err := group.Wait()
	return time.Since(begin), err
}

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
