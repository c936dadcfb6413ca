package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
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
	if why := p.journal.Refusing(); why != nil {
		return fmt.Errorf("telemetry is refused: %w", why)
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
	_, _ = io.WriteString(out, p.banner())
}

// banner says where things are and what to do next.
func (p *platform) banner() string {
	c, scheme := p.config, "http"
	if c.tlsCert != "" {
		scheme = "https"
	}
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "  %-17s %s\n", name, value) }
	fmt.Fprintf(&b, "Slowburn %s is ready.\n", buildinfo.Version())
	line("page and API", scheme+"://"+reachable(c.http))
	if c.externalURL != "" {
		line("for others", c.externalBase())
	}
	grpc := c.otlpGRPC
	for _, endpoint := range p.collector.Endpoints() {
		protocol, address, _ := strings.Cut(endpoint, " ")
		line("OTLP over "+protocol, address)
		if protocol == "grpc" {
			grpc = address
		}
	}
	line("data", c.dataDir)
	if p.server != nil && !strings.HasPrefix(p.server.Dir(), absolute(c.dataDir)+"/") {
		line("database", p.server.Dir())
	}
	fmt.Fprintf(&b, "\nPoint an exporter at it:\n  export OTEL_EXPORTER_OTLP_ENDPOINT=%s://%s OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_LOGS_EXPORTER=none\n",
		scheme, reachable(grpc))
	if c.otlpTokenFile != "" {
		b.WriteString("  export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN   # a token of --otlp-token-file\n")
	}
	if len(p.catalog.Definitions()) == 0 {
		header := ""
		if c.apiTokenFile != "" {
			header = "-H 'Authorization: Bearer TOKEN' "
		}
		fmt.Fprintf(&b, "Create the first objectives (edit service and target first); they count what arrives, and what the journal holds:\n"+
			"  curl %s--data-binary @examples/slos/checkout.yaml %s://%s/api/v1/slos\n", header, scheme, reachable(c.http))
	}
	return b.String()
}

// reachable is an address to connect to for one to listen on: loopback stands
// for every address.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}
