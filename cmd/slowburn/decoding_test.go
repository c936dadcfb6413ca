package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/pref"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// Whoever follows the journal gets every record once and in order, decoded as
// the library decodes it, whether it comes from a file or from memory, and loses
// none by giving up waiting.
func TestFollowersGetEveryRecordDecoded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	options := journal.Options{Logger: slog.New(slog.DiscardHandler)}
	j, err := journal.Open(dir, options)
	require.NoError(t, err)
	append1 := func(record slo.Record) {
		_, err := j.Append(t.Context(), record)
		require.NoError(t, err)
	}
	var payloads [][]byte
	for i := range 20 {
		traces := ptrace.NewTraces()
		span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetName("GET /pay")
		span.SetSpanID(pcommon.SpanID{byte(i)})
		payload, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
		require.NoError(t, err)
		payloads = append(payloads, payload)
	}
	odd := []byte{31<<3 | 2, 1, 'x'} // A field that OTLP does not have.
	append1(slo.Record{Kind: slo.RecordTraces, Payload: odd})
	for _, payload := range payloads[:10] {
		append1(slo.Record{Kind: slo.RecordTraces, Payload: payload})
	}
	require.NoError(t, j.Close())
	j, err = journal.Open(dir, options) // From here on, what there is comes from files.
	require.NoError(t, err)
	defer func() { require.NoError(t, j.Close()) }()

	r, err := follow(j, 0)
	require.NoError(t, err)
	gaveUp, cancel := context.WithCancel(t.Context())
	cancel()
	var seen []slo.Record
	for added := 10; len(seen) < 21; {
		_, err := r.Next(gaveUp)
		require.ErrorIs(t, err, context.Canceled)
		record, err := r.Next(t.Context())
		require.NoError(t, err)
		if record.Kind == slo.RecordTraces {
			seen = append(seen, record)
		}
		if added < len(payloads) {
			append1(slo.Record{Kind: slo.RecordTraces, Payload: payloads[added]})
			added++
		}
	}
	require.Nil(t, seen[0].Decoded, "what is unusual is the consumer's to decode")
	require.Equal(t, odd, seen[0].Payload)
	for i, record := range seen[1:] {
		require.Greater(t, record.Offset, seen[i].Offset)
		require.Equal(t, payloads[i], record.Payload)
		want, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(payloads[i])
		require.NoError(t, err)
		got, ok := record.Decoded.(ptrace.Traces)
		require.True(t, ok)
		require.True(t, pref.EqualTraces(want, got))
	}
	require.NoError(t, r.Close(), "also while it waits for the next record")
}

func TestAFollowerTellsWhyTheJournalEnded(t *testing.T) {
	t.Parallel()
	j, err := journal.Open(t.TempDir(), journal.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	_, err = follow(j, 7)
	require.ErrorIs(t, err, journal.ErrDamaged)
	r, err := follow(j, 0)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	for err == nil {
		_, err = r.Next(t.Context())
	}
	require.ErrorIs(t, err, journal.ErrUnavailable)
	_, again := r.Next(t.Context())
	require.Equal(t, err, again)
	require.NoError(t, r.Close())
}
