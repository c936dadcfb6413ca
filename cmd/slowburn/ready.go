package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/internal/buildinfo"
)

// Ready returns nil when telemetry is accepted, counted and judged.
func (p *platform) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	select {
	case <-p.collector.Ready():
	default:
		return errors.New("the OTLP receivers do not accept yet")
	}
	if err := p.journal.Err(); err != nil {
		return err
	}
	if err := p.store.Ping(ctx); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	if !p.engine.Ready() {
		return errors.New("the engine is still reading the ledger")
	}
	if progress := p.ledger.Progress(); progress.Offset == 0 || progress.Lag > readyLag {
		return fmt.Errorf("the ledger is %s behind the journal", progress.Lag.Round(time.Second))
	}
	return nil
}

// readyTimeout is how long the database may take to answer.
const readyTimeout = 2 * time.Second

// readyLag is how far the ledger may lag behind before the program is not ready.
const readyLag = 30 * time.Second

// announce says where things are, once everything works.
func (p *platform) announce(ctx context.Context, out io.Writer) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for p.Ready(ctx) != nil {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
	base := p.config.externalBase()
	receivers, grpc := "", p.config.otlpGRPC
	for _, endpoint := range p.collector.Endpoints() {
		protocol, address, _ := strings.Cut(endpoint, " ")
		receivers += fmt.Sprintf("  OTLP over %-7s %s\n", protocol, address)
		if protocol == "grpc" {
			grpc = address
		}
	}
	scheme := "http"
	if p.config.tlsCert != "" {
		scheme = "https"
	}
	_, _ = fmt.Fprintf(out, `Slowburn %s is ready.
  page and API      %s
%s  data              %s

Point an exporter at it:
  export OTEL_EXPORTER_OTLP_ENDPOINT=%s://%s OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_LOGS_EXPORTER=none
Create the first objectives (edit service and target first):
  curl --data-binary @examples/slos/checkout.yaml %s/api/v1/slos
Then open %s
`, buildinfo.Version(), base, receivers, p.config.dataDir, scheme, grpc, base, base)
}
