package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/audit"
	"github.com/slowburn-slo/slowburn/slo/indicator"
	"github.com/slowburn-slo/slowburn/slo/ledger"
	"github.com/slowburn-slo/slowburn/storage/dedup"
	"github.com/slowburn-slo/slowburn/storage/disk"
	"github.com/slowburn-slo/slowburn/storage/journal"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

// countedFolder is a data folder with a journal in which spans repeat, and a
// local database that has counted it.
func countedFolder(t *testing.T) (dir string, server *postgres.Server) {
	t.Helper()
	dir, err := os.MkdirTemp("", "slowburn-audit-test-") // The server's user cannot enter t.TempDir.
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711))
	server, err = postgres.StartServer(t.Context(), postgres.ServerOptions{DataDir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	store, err := postgres.Open(t.Context(), server.URL(), postgres.Options{MaxConns: 3})
	require.NoError(t, err)
	defer store.Close()
	folder := filepath.Join(dir, "journal")
	j, err := journal.Open(folder, journal.Options{SegmentBytes: 64 << 10})
	require.NoError(t, err)
	defer func() { require.NoError(t, j.Close()) }()
	id, err := journalID(folder)
	require.NoError(t, err)
	require.NoError(t, store.Own(t.Context(), id))
	fill(t, j)
	count(t, dir, j, store)
	return dir, server
}

// fill appends definitions and batches; about one span in four is sent again.
func fill(t *testing.T, j *journal.Journal) {
	t.Helper()
	set := []slo.Series{
		slo.Indicator{Good: &slo.SpanSource{Condition: `span.status.code != STATUS_CODE_ERROR`, MaxDuration: 300}}.Series(),
		slo.Indicator{
			Total: slo.SpanSource{Service: "shop", Condition: `span.kind == SPAN_KIND_SERVER`},
			Bad:   &slo.SpanSource{Condition: `span.attributes["n"] > 5`},
		}.Series(),
	}
	definitions, err := slo.EncodeSeries(set)
	require.NoError(t, err)
	_, err = j.Append(t.Context(), slo.Record{Kind: slo.RecordDefinitions, Payload: definitions})
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		traces := ptrace.NewTraces()
		for range 3 {
			resource := traces.ResourceSpans().AppendEmpty()
			resource.Resource().Attributes().PutStr("service.name", []string{"shop", "cart"}[random.IntN(2)])
			spans := resource.ScopeSpans().AppendEmpty().Spans()
			for range 10 {
				n := random.IntN(8000)
				span := spans.AppendEmpty()
				span.SetTraceID(pcommon.TraceID{1, 14: byte(n >> 8), 15: byte(n)})
				span.SetSpanID(pcommon.SpanID{1})
				span.SetKind(ptrace.SpanKind(2 + random.IntN(2)))
				end := time.Now().Add(-time.Duration(random.ExpFloat64() * float64(time.Hour)))
				span.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
				span.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-time.Duration(random.IntN(600)))))
				span.Attributes().PutInt("n", int64(n%10))
				span.Status().SetCode(ptrace.StatusCode(random.IntN(3)))
			}
		}
		payload, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
		require.NoError(t, err)
		_, err = j.Append(t.Context(), slo.Record{Kind: slo.RecordTraces, Payload: payload})
		require.NoError(t, err)
	}
}

// count lets the ledger count all of the journal.
func count(t *testing.T, dir string, j *journal.Journal, store *postgres.Store) {
	t.Helper()
	memory, err := dedup.Open(disk.OS{}, filepath.Join(dir, "dedup"), dedup.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, memory.Close()) }()
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	counter := indicator.NewCounter(compiler, limits(), memory)
	whole := make(chan struct{})
	durable := j.Durable()
	projection, err := ledger.New(ledger.Settings{
		Shard: shard, Journal: j, Store: store, Judge: counter, Memory: counter, Logger: slog.New(slog.DiscardHandler),
		OpenReader: func(after slo.Offset) (ledger.Reader, error) { return j.Reader(after) },
		Committed: func(c slo.Commit) {
			if c.To >= durable && c.From < durable {
				close(whole)
			}
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- projection.Run(ctx) }()
	select {
	case <-whole:
	case err := <-done:
		require.NoError(t, err)
	}
	cancel()
	require.NoError(t, <-done)
}

// runAudit runs the command, and returns its exit status and what it printed.
func runAudit(t *testing.T, args ...string) (int, auditOutput, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	none := func(string) string { return "" }
	status := execute(t.Context(), append([]string{"audit", "-o", "json"}, args...), none, nil, &stdout, &stderr)
	var report auditOutput
	if stdout.Len() > 0 {
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &report))
	}
	return status, report, stderr.String()
}

func TestAuditAgreesWithTheLedgerAndFindsWhatIsChangedInIt(t *testing.T) {
	t.Parallel()
	dir, server := countedFolder(t)
	status, report, stderr := runAudit(t, "--data-dir", dir)
	require.Zero(t, status, stderr)
	require.True(t, report.Equal)
	require.EqualValues(t, 6000, report.Spans)
	require.Greater(t, report.Repeats, int64(500))
	require.Greater(t, report.Buckets, int64(200))
	require.Len(t, report.Series, 2)

	conn, err := pgx.Connect(t.Context(), server.URL())
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `UPDATE buckets SET bad = bad + 1 WHERE (series, slice) = (SELECT series, slice FROM buckets ORDER BY slice LIMIT 1)`)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	status, report, stderr = runAudit(t, "--data-dir", dir)
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "the ledger differs from the journal in 1 of")
	require.Len(t, report.Differences, 1)
	require.Equal(t, report.Differences[0].Recount.Bad+1, report.Differences[0].Ledger.Bad)

	require.NoError(t, server.Stop(t.Context()))
	status, report, stderr = runAudit(t, "--data-dir", dir)
	require.Equal(t, 1, status, "nothing runs: the audit starts the database itself")
	require.EqualValues(t, 1, report.Differing, stderr)
}

func TestAuditSaysWhatIsWrongWithACall(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		status int
		says   string
	}{
		"a folder without a journal":              {[]string{"--data-dir", t.TempDir()}, 1, "there is no journal"},
		"an unknown format":                       {[]string{"-o", "xml"}, 2, "expected text or json"},
		"a flag of serve that means nothing here": {[]string{"--http", ":1"}, 2, "unknown flag"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, _, stderr := runAudit(t, test.args...)
			require.Equal(t, test.status, status)
			require.Contains(t, stderr, test.says)
		})
	}
}

func TestAuditPrintsForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := slo.Audit{From: 176722560, To: 176722566, Through: 9, Buckets: 5, Spans: 70, Series: []slo.SeriesID{"s"}, Differing: 102}
	for n := range slo.MaxDifferences {
		r.Differences = append(r.Differences, slo.Difference{
			Series: "s", Slice: slo.Slice(176722560 + n), Ledger: slo.Counts{Good: 3, Bad: 1}, Recount: slo.Counts{Good: 3},
		})
	}
	report := audit.Report{Audit: r}
	report.Repeats, report.Unknown = 4, []slo.SeriesID{"gone"}
	require.NoError(t, printAudit(&out, report, 1500*time.Millisecond, "text"))
	for _, line := range []string{
		"Recounted 70 spans up to record 9 in 1.5 s, 4 of them repeats of counted ones.",
		"Compared 5 buckets of 1 series in 6 slices, 2026-01-01T00:00:00Z to 2026-01-01T00:01:00Z: 102 differ.",
		"s at 2026-01-01T00:00:00Z: ledger 3 good, 1 bad, 0 unknown, recount 3 good, 0 bad, 0 unknown",
		"and 2 more",
		"Not audited: series gone",
	} {
		require.Contains(t, out.String(), line)
	}
	out.Reset()
	now := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	require.NoError(t, printAudit(&out, audit.Report{Audit: slo.Audit{At: now}}, 0, "text"))
	require.Equal(t, fmt.Sprintln("There is nothing to audit yet."), out.String())
	out.Reset()
	future := slo.SliceOf(now.Add(time.Hour))
	require.NoError(t, printAudit(&out, audit.Report{Audit: slo.Audit{At: now, From: future, To: future}}, 0, "text"))
	require.Contains(t, out.String(), "may repeat them. The first events that can be compared are those from 2026-11-29T04:00:00Z on.")
}
