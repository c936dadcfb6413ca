package indicator_test

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

const (
	benchServices = 100
	benchSpans    = 500
)

// benchIndicators are n objectives on a hundred services: up to ten for each.
func benchIndicators(n int) []slo.Indicator {
	var all []slo.Indicator
	for i := range n {
		good := &slo.SpanSource{Condition: "span.status.code != STATUS_CODE_ERROR"}
		switch k := i / benchServices; k {
		case 0:
		case 1, 2, 3:
			good.MaxDuration = time.Duration(k) * 100 * time.Millisecond
		default:
			good = &slo.SpanSource{MaxDuration: time.Duration(k) * time.Second}
		}
		total := slo.SpanSource{Service: fmt.Sprintf("service-%d", i%benchServices), Condition: "span.kind == SPAN_KIND_SERVER"}
		if i/benchServices >= 8 {
			total.Condition = fmt.Sprintf(`span.attributes["http.route"] == "/route/%d"`, i/benchServices)
		}
		all = append(all, slo.Indicator{Total: total, Good: good})
	}
	return all
}

// benchRecords are batches of 500 spans of about 460 bytes, each of one service.
func benchRecords(b *testing.B) []slo.Record {
	b.Helper()
	records := make([]slo.Record, benchServices)
	for i := range records {
		all := ptrace.NewTraces()
		resource := all.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", i))
		spans := resource.ScopeSpans().AppendEmpty().Spans()
		for k := range benchSpans {
			fillBenchSpan(spans.AppendEmpty(), k)
		}
		records[i] = record(b, all)
		records[i].Decoded = all
	}
	return records
}

func fillBenchSpan(s ptrace.Span, k int) {
	span{
		name: "GET /route", end: noon().Add(-time.Duration(k) * 10 * time.Millisecond),
		took: time.Duration(1+k%400) * time.Millisecond,
		attributes: map[string]any{
			"http.request.method": "GET", "http.route": fmt.Sprintf("/route/%d", k%20), "url.scheme": "https",
			"http.response.status_code": 200, "server.address": "checkout.example.com", "server.port": 8443,
			"user_agent.original":      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
			"network.protocol.version": "1.1", "client.address": "198.51.100.23", "deployment.environment.name": "production",
		},
	}.fill(s)
	if k%50 == 0 {
		s.Status().SetCode(ptrace.StatusCodeError)
	}
	s.SetTraceID([16]byte{byte(k), 1})
	s.SetSpanID([8]byte{byte(k), 1})
	s.SetParentSpanID([8]byte{byte(k), 2})
}

// BenchmarkJudge is what judging costs on batches handed over in memory.
func BenchmarkJudge(b *testing.B) {
	for _, objectives := range []int{0, 10, 100, 1000} {
		b.Run(fmt.Sprintf("objectives=%d", objectives), func(b *testing.B) {
			judgeBatches(b, benchIndicators(objectives), benchRecords(b))
		})
	}
}

// BenchmarkJudgeValues is what judging by values costs: five series of each
// service ask the duration, and five one attribute.
func BenchmarkJudgeValues(b *testing.B) {
	var all []slo.Indicator
	for i := range 1000 {
		v := valued(slo.DurationValue, slo.LTE, slo.Decimal(strconv.Itoa(1+i/benchServices)))
		if i/benchServices >= 5 {
			v.Value.Of = `span.attributes["http.response.status_code"]`
		}
		v.Total = slo.SpanSource{Service: fmt.Sprintf("service-%d", i%benchServices)}
		all = append(all, v)
	}
	judgeBatches(b, all, benchRecords(b))
}

// BenchmarkJudgePayload is what a ledger pays that lags or has restarted.
func BenchmarkJudgePayload(b *testing.B) {
	records := benchRecords(b)
	for i := range records {
		records[i].Decoded = nil
	}
	judgeBatches(b, benchIndicators(1000), records)
}

func judgeBatches(b *testing.B, indicators []slo.Indicator, records []slo.Record) {
	b.Helper()
	set, tally := compile(b, indicators...), indicator.NewTally(indicator.Limits{})
	b.ReportAllocs()
	n, begin := 0, cpuTime(b)
	for b.Loop() {
		if err := set.Judge(records[n%benchServices], tally); err != nil {
			b.Fatal(err)
		}
		if n++; n%benchServices == 0 {
			tally.Drain(&slo.Commit{})
		}
	}
	spans := float64(n) * benchSpans
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/spans, "ns/span")
	b.ReportMetric(float64((cpuTime(b)-begin).Nanoseconds())/spans, "cpu-ns/span")
	b.ReportMetric(float64(len(records[0].Payload))/benchSpans, "B/span")
}

// cpuTime is the processor time that the process has used: unlike the clock,
// it does not grow when other processes are busy.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
