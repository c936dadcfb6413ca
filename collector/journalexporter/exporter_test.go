package journalexporter_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slowburn-slo/slowburn/collector/journalexporter"
	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/slo"
)

// journal is an extension too, as a distribution made by the builder brings one.
type journal struct {
	component.StartFunc
	component.ShutdownFunc
	records []slo.Record
	err     error
}

// Append keeps the record, unless told to fail.
func (j *journal) Append(_ context.Context, r slo.Record) (slo.Offset, error) {
	if j.err != nil {
		return 0, j.err
	}
	j.records = append(j.records, r)
	return slo.Offset(len(j.records)), nil
}

func settings(logger *zap.Logger) exporter.Settings {
	set := exportertest.NewNopSettings(component.MustNewType(journalexporter.TypeName))
	set.Logger = logger
	return set
}

func oneSpan() ptrace.Traces {
	td := ptrace.NewTraces()
	td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("GET /pay")
	return td
}

func onePoint() pmetric.Metrics {
	md := pmetric.NewMetrics()
	metric := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(7)
	return md
}

func TestSpansAreStoredAsTheyCameAndHandedOverReadOnly(t *testing.T) {
	t.Parallel()
	j := &journal{}
	e, err := journalexporter.NewFactoryFor(j).CreateTraces(t.Context(), settings(zap.NewNop()), &journalexporter.Config{})
	require.NoError(t, err)
	require.False(t, e.Capabilities().MutatesData)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, e.ConsumeTraces(t.Context(), oneSpan()))
	require.NoError(t, e.ConsumeTraces(t.Context(), ptrace.NewTraces()))
	require.NoError(t, e.Shutdown(t.Context()))

	require.Len(t, j.records, 1)
	require.Equal(t, slo.RecordTraces, j.records[0].Kind)
	require.Zero(t, j.records[0].Offset)
	require.True(t, j.records[0].Arrival.IsZero())
	stored, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(j.records[0].Payload)
	require.NoError(t, err)
	require.Equal(t, "GET /pay", stored.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Name())
	handed := j.records[0].Decoded.(ptrace.Traces)
	require.Panics(t, func() { handed.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetName("changed") })
}

func TestMetricsAreStoredAsTheyCameAndHandedOverReadOnly(t *testing.T) {
	t.Parallel()
	j := &journal{}
	e, err := journalexporter.NewFactoryFor(j).CreateMetrics(t.Context(), settings(zap.NewNop()), &journalexporter.Config{})
	require.NoError(t, err)
	require.NoError(t, e.ConsumeMetrics(t.Context(), onePoint()))
	require.NoError(t, e.ConsumeMetrics(t.Context(), pmetric.NewMetrics()))

	require.Len(t, j.records, 1)
	require.Equal(t, slo.RecordMetrics, j.records[0].Kind)
	stored, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(j.records[0].Payload)
	require.NoError(t, err)
	require.Equal(t, 1, stored.DataPointCount())
	handed := j.records[0].Decoded.(pmetric.Metrics)
	require.Panics(t, func() { handed.ResourceMetrics().AppendEmpty() })
}

func TestLogsAreRefusedForGood(t *testing.T) {
	t.Parallel()
	e, err := journalexporter.NewFactoryFor(&journal{}).CreateLogs(t.Context(), settings(zap.NewNop()), &journalexporter.Config{})
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	err = e.ConsumeLogs(t.Context(), plog.NewLogs())
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.ErrorContains(t, err, "logs are not accepted")
	require.NoError(t, e.Shutdown(t.Context()))
}

func TestARefusingJournalIsLoggedOnceAndItsReturnOnce(t *testing.T) {
	t.Parallel()
	core, lines := observer.New(zap.InfoLevel)
	j := &journal{err: errors.New("no space left on device")}
	e, err := journalexporter.NewFactoryFor(j).CreateTraces(t.Context(), settings(zap.New(core)), &journalexporter.Config{})
	require.NoError(t, err)
	for range 3 {
		require.Equal(t, codes.Unavailable, status.Code(e.ConsumeTraces(t.Context(), oneSpan())))
	}
	j.err = nil
	for range 3 {
		require.NoError(t, e.ConsumeTraces(t.Context(), oneSpan()))
	}
	require.Equal(t, 2, lines.Len())
	require.Equal(t, "no space left on device", lines.All()[0].ContextMap()["error"])
	require.Equal(t, "the journal accepts telemetry again", lines.All()[1].Message)
}

func TestASenderThatIsGoneIsNotAFaultOfTheJournal(t *testing.T) {
	t.Parallel()
	core, lines := observer.New(zap.InfoLevel)
	e, err := journalexporter.NewFactoryFor(&journal{err: context.Canceled}).CreateTraces(t.Context(), settings(zap.New(core)), &journalexporter.Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, codes.Canceled, status.Code(e.ConsumeTraces(ctx, oneSpan())))
	require.Zero(t, lines.Len())
}

// bystander is an extension that is no journal.
type bystander struct {
	component.StartFunc
	component.ShutdownFunc
}

// host has extensions.
type host map[component.ID]component.Component

// GetExtensions returns them.
func (h host) GetExtensions() map[component.ID]component.Component { return h }

func TestABuiltDistributionBringsItsJournalAsAnExtension(t *testing.T) {
	t.Parallel()
	one, two := component.MustNewID("mine"), component.MustNewIDWithName("mine", "second")
	j := &journal{}
	tests := map[string]struct {
		host host
		says string
	}{
		"one extension is a journal": {host{one: j}, ""},
		"no extension is a journal":  {host{one: bystander{}}, "no extension is a journal"},
		"two extensions are":         {host{one: j, two: &journal{}}, "more than one extension is a journal"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := journalexporter.NewFactory().CreateTraces(t.Context(), settings(zap.NewNop()), &journalexporter.Config{})
			require.NoError(t, err)
			err = e.Start(t.Context(), test.host)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			require.NoError(t, e.ConsumeTraces(t.Context(), oneSpan()))
			require.Len(t, j.records, 1)
		})
	}
}

func BenchmarkConsumeTraces(b *testing.B) {
	j := discard{}
	e, err := journalexporter.NewFactoryFor(j).CreateTraces(b.Context(), settings(zap.NewNop()), &journalexporter.Config{})
	require.NoError(b, err)
	td := ptrace.NewTraces()
	all := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 500 {
		span := all.AppendEmpty()
		span.SetName("GET /pay")
		span.Attributes().PutStr("http.route", "/pay")
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := e.ConsumeTraces(b.Context(), td); err != nil {
			b.Fatal(err)
		}
	}
}

// discard is a journal that keeps nothing.
type discard struct{}

// Append answers at once.
func (discard) Append(context.Context, slo.Record) (slo.Offset, error) { return 1, nil }

func TestBytesOfTheReceiverAreStoredOnlyForTheDataThatTheyAre(t *testing.T) {
	t.Parallel()
	j := &journal{}
	e, err := journalexporter.NewFactoryFor(j).CreateTraces(t.Context(), settings(zap.NewNop()), &journalexporter.Config{})
	require.NoError(t, err)
	td, handover := oneSpan(), request.New(nil)
	handover.SetTraces(td, []byte("as it came"))
	ctx := request.With(t.Context(), handover)
	require.NoError(t, e.ConsumeTraces(ctx, td))
	require.Equal(t, []byte("as it came"), j.records[0].Payload)
	require.Equal(t, td, j.records[0].Decoded)

	changed := ptrace.NewTraces()
	td.CopyTo(changed)
	changed.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetName("by a processor")
	require.NoError(t, e.ConsumeTraces(ctx, changed))
	stored, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(j.records[1].Payload)
	require.NoError(t, err)
	require.Equal(t, "by a processor", stored.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Name())

	me, err := journalexporter.NewFactoryFor(j).CreateMetrics(t.Context(), settings(zap.NewNop()), &journalexporter.Config{})
	require.NoError(t, err)
	md, handover := onePoint(), request.New(nil)
	handover.SetMetrics(md, []byte("as it came"))
	require.NoError(t, me.ConsumeMetrics(request.With(t.Context(), handover), md))
	require.Equal(t, []byte("as it came"), j.records[2].Payload)
}

func TestRefusalsAreStoredBehindWhatWasAccepted(t *testing.T) {
	t.Parallel()
	refused := []slo.Refusal{{Signal: "traces", Reason: slo.RefusedLate, Service: "checkout", Items: 7}}
	for name, td := range map[string]ptrace.Traces{"some accepted": oneSpan(), "none accepted": ptrace.NewTraces()} {
		j := &journal{}
		e, err := journalexporter.NewFactoryFor(j).CreateTraces(t.Context(), settings(zap.NewNop()), &journalexporter.Config{})
		require.NoError(t, err)
		require.NoError(t, e.ConsumeTraces(request.With(t.Context(), request.New(refused)), td))
		require.Len(t, j.records, 1+td.SpanCount(), name)
		last := j.records[td.SpanCount()]
		require.Equal(t, slo.RecordRefusals, last.Kind, name)
		stored, err := slo.DecodeRefusals(last.Payload)
		require.NoError(t, err)
		require.Equal(t, refused, stored, name)
		j.err = errors.New("no space left on device")
		err = e.ConsumeTraces(request.With(t.Context(), request.New(refused)), td)
		require.Equal(t, codes.Unavailable, status.Code(err), name)
	}
}

func TestRefusedLogsAreStoredAndToldToOurReceiver(t *testing.T) {
	t.Parallel()
	j := &journal{}
	e, err := journalexporter.NewFactoryFor(j).CreateLogs(t.Context(), settings(zap.NewNop()), &journalexporter.Config{})
	require.NoError(t, err)
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "checkout")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	records.AppendEmpty()
	records.AppendEmpty()
	handover := request.New(nil)
	require.NoError(t, e.ConsumeLogs(request.With(t.Context(), handover), ld))
	want := []slo.Refusal{{Signal: "logs", Reason: slo.RefusedSignal, Service: "checkout", Items: 2}}
	require.Equal(t, want, handover.Reported())
	stored, err := slo.DecodeRefusals(j.records[0].Payload)
	require.NoError(t, err)
	require.Equal(t, want, stored)
}
