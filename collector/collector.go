// Package collector is Slowburn's write side: an OpenTelemetry Collector
// distribution inside the process, whose pipelines end in the journal.
package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/service"

	"github.com/slowburn-slo/slowburn/collector/journalexporter"
)

// Settings are what a Collector needs from its process.
type Settings struct {
	// Journal takes what is accepted; required. It MUST accept until Run has
	// returned.
	Journal journalexporter.Journal
	// UserConfig is the path of a Collector configuration that is merged over
	// the embedded one and the settings below; optional. It is read once.
	UserConfig string
	// GRPCEndpoint and HTTPEndpoint are where OTLP is accepted, host:port;
	// 127.0.0.1:4317 and 127.0.0.1:4318 if empty. The receiver does not tell
	// which port it took, so port 0 is of little use.
	GRPCEndpoint, HTTPEndpoint string
	// TokenFile has one bearer token per line; without it, no sender has to
	// show one.
	TokenFile string
	// TLSCert and TLSKey are the paths of the certificate and the key; both or
	// neither.
	TLSCert, TLSKey string
	// Insecure allows endpoints beyond loopback without a token and TLS.
	Insecure bool
	// Late is how long ago a span may have ended when it arrives, 24 h if zero;
	// Future is how far ahead of our clock, 10 min if zero. What is beyond is
	// refused for good.
	Late, Future time.Duration
	// Now is the clock of these bounds; time.Now if nil.
	Now func() time.Time
	// DrainTimeout is how long requests in flight may take to finish at the
	// end; 10 s if zero. What is unanswered then is sent again by its sender.
	DrainTimeout time.Duration
	// Version is that of Slowburn, for logs.
	Version string
	// Logger takes what the Collector logs; nothing is logged without it.
	Logger *slog.Logger
}

func (s Settings) defaults() (Settings, error) {
	if s.Journal == nil {
		return s, errors.New("collector: a journal is required")
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return s, errors.New("collector: TLS wants both a certificate and a key")
	}
	if s.DrainTimeout == 0 {
		s.DrainTimeout = 10 * time.Second
	}
	if s.Late < 0 || s.Future < 0 {
		return s, errors.New("collector: the bounds of event times must not be negative")
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Collector accepts OTLP and appends it to the journal. It runs once.
type Collector struct {
	settings  Settings
	factories otelcol.Factories
	config    *otelcol.Config
	started   atomic.Bool
	ready     chan struct{}
}

// New resolves and validates the configuration and starts nothing. It refuses a
// configuration under which OK would not mean that the data is on disk, or that
// would let strangers in; the error names the file and the key.
func New(s Settings) (*Collector, error) {
	s, err := s.defaults()
	if err != nil {
		return nil, err
	}
	factories, err := Components(s.Journal, s.Now, internalTelemetry(s.Logger))
	if err != nil {
		return nil, fmt.Errorf("list the components of the collector: %w", err)
	}
	config, err := loadConfig(context.Background(), s, factories)
	if err != nil {
		return nil, err
	}
	return &Collector{settings: s, factories: factories, config: config, ready: make(chan struct{})}, nil
}

// Ready is closed once the receivers accept.
func (c *Collector) Ready() <-chan struct{} { return c.ready }

// Endpoints are where OTLP is accepted, after the user's configuration was
// merged in, sorted: "grpc 127.0.0.1:4317".
func (c *Collector) Endpoints() []string {
	var all []string
	for _, e := range endpoints(c.config) {
		all = append(all, e.protocol+" "+e.address)
	}
	return all
}

// Run accepts telemetry until ctx ends; it then stops accepting, finishes what
// is in flight within the drain timeout and returns nil. It returns an error if it
// cannot start, for instance when a port is in use, if a receiver fails later,
// or if requests were still unanswered at the end.
//
// The configuration is the one that New validated. Run installs no signal
// handler: a change of the configuration wants a new process, which loses
// nothing, as every sender is answered or told to retry.
func (c *Collector) Run(ctx context.Context) error {
	if c.started.Swap(true) {
		return errors.New("collector: Run was called twice: make a new one")
	}
	fatal := make(chan error)
	s, err := service.New(ctx, service.Settings{
		BuildInfo: component.BuildInfo{
			Command: "slowburn", Description: "Slowburn", Version: c.settings.Version,
		},
		ReceiversConfigs: c.config.Receivers, ReceiversFactories: c.factories.Receivers,
		ProcessorsConfigs: c.config.Processors, ProcessorsFactories: c.factories.Processors,
		ExportersConfigs: c.config.Exporters, ExportersFactories: c.factories.Exporters,
		ConnectorsConfigs: c.config.Connectors, ConnectorsFactories: c.factories.Connectors,
		ExtensionsConfigs: c.config.Extensions, ExtensionsFactories: c.factories.Extensions,
		TelemetryFactory:  c.factories.Telemetry,
		AsyncErrorChannel: fatal,
	}, c.config.Service)
	if err != nil {
		return fmt.Errorf("build the collector: %w", err)
	}
	if err := s.Start(ctx); err != nil {
		if ctx.Err() != nil {
			err = nil
		}
		return errors.Join(startError(err), c.drain(s, fatal))
	}
	close(c.ready)
	select {
	case <-ctx.Done():
		return c.drain(s, fatal)
	case err := <-fatal:
		return errors.Join(componentError(err), c.drain(s, fatal))
	}
}

// drain stops the receivers, then what is behind them. Fatal errors are taken
// meanwhile, since the component that reports one waits until it is heard.
func (c *Collector) drain(s *service.Service, fatal <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.settings.DrainTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	var errs error
	for {
		select {
		case err := <-fatal:
			errs = errors.Join(errs, componentError(err))
		case err := <-done:
			if err != nil {
				err = fmt.Errorf("stop the collector: %w", err)
			}
			return errors.Join(errs, err)
		case <-ctx.Done():
			// gRPC waits without end for calls in flight; the process does not.
			return errors.Join(errs, fmt.Errorf("stop the collector: requests were unanswered after %s; "+
				"their senders will send them again: %w", c.settings.DrainTimeout, ctx.Err()))
		}
	}
}

func componentError(err error) error {
	return fmt.Errorf("collector: a component failed: %w", err)
}

// startError says in one sentence what keeps the collector from listening.
func startError(err error) error {
	if err == nil {
		return nil
	}
	var listen *net.OpError
	if errors.As(err, &listen) && listen.Op == "listen" {
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			return fmt.Errorf("accept OTLP on %s: another program uses this address; stop it or choose another address: %w", listen.Addr, syscall.EADDRINUSE)
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			return fmt.Errorf("accept OTLP on %s: this machine does not have the address; choose another: %w", listen.Addr, syscall.EADDRNOTAVAIL)
		case errors.Is(err, syscall.EACCES):
			return fmt.Errorf("accept OTLP on %s: not allowed; ports below 1024 want more rights, choose another: %w", listen.Addr, syscall.EACCES)
		}
	}
	return fmt.Errorf("start the collector: %w", err)
}
