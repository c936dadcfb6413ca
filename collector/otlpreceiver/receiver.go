package otlpreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/collector/shape"
)

const (
	// maxHeaderBytes bounds the headers of a request. A token and a dozen of
	// others fit; a flood of CONTINUATION frames ends here.
	maxHeaderBytes = 64 << 10
	// maxStreams is how many requests one connection of HTTP/2 may have open.
	maxStreams = 100
	// handshakeTimeout is how long a connection may take until it speaks gRPC.
	handshakeTimeout = 10 * time.Second
)

// otlpReceiver accepts all signals at both ports.
type otlpReceiver struct {
	config *Config
	set    receiver.Settings
	now    func() time.Time
	forget func()
	schema *shape.Schema
	budget *request.Budget

	nextTraces  consumer.Traces
	nextMetrics consumer.Metrics
	nextLogs    consumer.Logs

	// stopping ends when what is in flight has to be answered at once.
	stopping context.Context //nolint:containedctx // The life of the receiver.
	hurry    context.CancelFunc

	starting, ending sync.Once
	startErr, endErr error
	grpc             *grpc.Server
	http             *http.Server
	servers          sync.WaitGroup
}

func newReceiver(c *Config, set receiver.Settings, now func() time.Time) *otlpReceiver {
	r := &otlpReceiver{
		config: c, set: set, now: now,
		schema: shape.NewSchema(), budget: request.NewBudget(c.MaxInFlightMiB << 20),
	}
	r.stopping, r.hurry = context.WithCancel(context.Background())
	return r
}

// Start listens. It is called for each signal and starts once.
func (r *otlpReceiver) Start(ctx context.Context, host component.Host) error {
	r.starting.Do(func() {
		r.startErr = r.start(ctx, host)
		if r.startErr != nil { // Nobody calls Shutdown of what did not start.
			r.startErr = errors.Join(r.startErr, r.Shutdown(ctx))
		}
	})
	return r.startErr
}

func (r *otlpReceiver) start(ctx context.Context, host component.Host) error {
	if c := r.config.Protocols.GRPC.Get(); c != nil {
		if err := r.startGRPC(ctx, host, c); err != nil {
			return err
		}
	}
	if c := r.config.Protocols.HTTP.Get(); c != nil {
		return r.startHTTP(ctx, host, c)
	}
	return nil
}

func (r *otlpReceiver) startGRPC(ctx context.Context, host component.Host, c *configgrpc.ServerConfig) error {
	server, err := c.ToServer(ctx, host.GetExtensions(), r.set.TelemetrySettings,
		configgrpc.WithGrpcServerOption(grpc.ForceServerCodecV2(newCodec())),
		configgrpc.WithGrpcServerOption(grpc.MaxHeaderListSize(maxHeaderBytes)),
		configgrpc.WithGrpcServerOption(grpc.ConnectionTimeout(handshakeTimeout)),
	)
	if err != nil {
		return fmt.Errorf("set up OTLP over gRPC: %w", err)
	}
	r.registerServices(server)
	listener, err := c.NetAddr.Listen(ctx)
	if err != nil {
		return fmt.Errorf("accept OTLP over gRPC: %w", err)
	}
	r.set.Logger.Info("Starting GRPC server", zap.String("endpoint", listener.Addr().String()))
	r.grpc = server
	r.serve(host, listener, server.Serve)
	return nil
}

func (r *otlpReceiver) startHTTP(ctx context.Context, host component.Host, c *confighttp.ServerConfig) error {
	server, err := c.ToServer(ctx, host.GetExtensions(), r.set.TelemetrySettings, r.routes(), confighttp.WithErrorHandler(errorHandler))
	if err != nil {
		return fmt.Errorf("set up OTLP over HTTP: %w", err)
	}
	server.Handler = r.withHold(server.Handler)
	server.MaxHeaderBytes = maxHeaderBytes
	server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: maxStreams}
	listener, err := c.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("accept OTLP over HTTP: %w", err)
	}
	r.set.Logger.Info("Starting HTTP server", zap.String("endpoint", listener.Addr().String()))
	r.http = server
	r.serve(host, listener, server.Serve)
	return nil
}

// serve accepts until the server is stopped. If it ends before, so does the process.
func (r *otlpReceiver) serve(host component.Host, listener net.Listener, serve func(net.Listener) error) {
	r.servers.Go(func() {
		err := serve(listener)
		if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, grpc.ErrServerStopped) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
}

// Shutdown accepts nothing more and lets what is in flight finish. When four
// fifths of the time that ctx leaves are over, the rest is told to send again;
// at the end, connections are cut.
func (r *otlpReceiver) Shutdown(ctx context.Context) error {
	r.ending.Do(func() {
		if r.forget != nil {
			r.forget()
		}
		r.endErr = r.shutdown(ctx)
	})
	return r.endErr
}

func (r *otlpReceiver) shutdown(ctx context.Context) error {
	defer r.hurry()
	if end, ok := ctx.Deadline(); ok {
		defer time.AfterFunc(time.Until(end)*4/5, r.hurry).Stop()
	}
	done := make(chan struct{})
	var stops sync.WaitGroup
	if r.http != nil {
		stops.Go(func() { _ = r.http.Shutdown(ctx) }) // It fails as ctx does.
	}
	if r.grpc != nil {
		stops.Go(r.grpc.GracefulStop)
	}
	go func() {
		stops.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	if ctx.Err() == nil {
		r.servers.Wait()
		return nil
	}
	r.hurry()
	if r.grpc != nil {
		r.grpc.Stop()
	}
	var err error
	if r.http != nil {
		err = r.http.Close()
	}
	return errors.Join(fmt.Errorf("requests were not answered in time; their senders send them again: %w", ctx.Err()), err)
}

// live is the context of a request, which also ends when it has to be answered
// because the receiver stops.
func (r *otlpReceiver) live(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(r.stopping, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}
