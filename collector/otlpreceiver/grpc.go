package otlpreceiver

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // What the codec falls back to.
	"google.golang.org/grpc/mem"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// message is a request as gRPC brings it: its bytes, copied once out of the
// buffers that gRPC uses again.
type message struct {
	hold  *request.Hold
	bytes []byte
	busy  bool
}

// codec takes messages as bytes and sends answers that are bytes. The handlers
// decode, since gRPC would answer any fault of a codec with INTERNAL, which does
// not tell a sender that its request is bad.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if answer, ok := v.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(answer)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*message)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	if !m.hold.Reserve(int64(data.Len())) {
		m.busy = true
		return nil
	}
	m.bytes = data.Materialize()
	return nil
}

// registerServices offers the services of the signals that have a pipeline.
func (r *otlpReceiver) registerServices(server *grpc.Server) {
	for _, s := range r.signals() {
		if !s.wanted {
			continue
		}
		server.RegisterService(&grpc.ServiceDesc{
			ServiceName: s.service,
			HandlerType: (*any)(nil),
			Methods:     []grpc.MethodDesc{{MethodName: "Export", Handler: r.export(s)}},
		}, struct{}{})
	}
}

// export answers the calls of one service.
func (r *otlpReceiver) export(s signal) grpc.MethodHandler {
	return func(server any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		m := &message{hold: r.budget.Hold()}
		defer m.hold.Release()
		if err := decode(m); err != nil {
			return nil, err
		}
		handle := func(ctx context.Context, _ any) (any, error) { return r.exportMessage(ctx, s, m) }
		if interceptor == nil {
			return handle(ctx, m)
		}
		return interceptor(ctx, m, &grpc.UnaryServerInfo{Server: server, FullMethod: "/" + s.service + "/Export"}, handle)
	}
}

func (r *otlpReceiver) exportMessage(ctx context.Context, s signal, m *message) (any, error) {
	if m.busy {
		return nil, statusOf(request.ErrBusy).Err()
	}
	failpoint.Here(failpoint.BodyRead)
	answer, err := r.take(ctx, s, incoming{format: protobuf, body: m.bytes})
	if err != nil {
		return nil, statusOf(err).Err()
	}
	return answer, nil
}

// signal is one kind of telemetry.
type signal struct {
	name, service, path string
	wanted              bool
	// take checks, decodes and handles a request, and answers.
	take func(context.Context, incoming) (partial, error)
	// answer writes an answer of which some was refused.
	answer func(partial, format) ([]byte, error)
}

func (r *otlpReceiver) signals() []signal {
	return []signal{
		{"traces", "opentelemetry.proto.collector.trace.v1.TraceService", "/v1/traces", r.nextTraces != nil, r.takeTraces, answerTraces},
		{"metrics", "opentelemetry.proto.collector.metrics.v1.MetricsService", "/v1/metrics", r.nextMetrics != nil, r.takeMetrics, answerMetrics},
		{"logs", "opentelemetry.proto.collector.logs.v1.LogsService", "/v1/logs", r.nextLogs != nil, r.takeLogs, answerLogs},
	}
}
