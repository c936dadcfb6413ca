package webtest

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Busy is the traffic of a few services: one that fails, one that only
// consumes, one whose names are hostile, one that is idle.
func Busy() Traffic {
	return Traffic{
		traffic("checkout", "", slo.ServerSpan, 36_000, 12), traffic("checkout", "POST /checkout", slo.ServerSpan, 30_000, 12),
		traffic("checkout", "GET /cart", slo.ServerSpan, 6000, 0),
		traffic("payment", "", slo.ServerSpan, 7200, 860), traffic("payment", "charge", slo.ServerSpan, 7200, 860),
		traffic("mail", "", slo.ConsumerSpan, 90, 0), traffic("mail", "process orders", slo.ConsumerSpan, 90, 0),
		traffic(`"><script>alert(1)</script>`, "", slo.ServerSpan, 5, 5), traffic(`"><script>alert(1)</script>`, `GET /{id}?"'`, slo.ServerSpan, 5, 5),
		traffic("idle", "", slo.ServerSpan, 0, 0),
	}
}

func traffic(service, operation string, kind slo.SpanKind, spans, errors int64) slo.Traffic {
	t := slo.Traffic{
		Operation: slo.Operation{Service: service, Name: operation, Kind: kind}, From: Now().Add(-time.Hour), To: Now(),
		Spans: spans, Errors: errors, LastSeen: Now().Add(-2 * time.Second), Steps: make([]slo.TrafficStep, 30),
	}
	if spans > 0 {
		t.P50, t.P95, t.P99 = 42*time.Millisecond, 180*time.Millisecond, 1250*time.Millisecond
	}
	for i := range t.Steps {
		t.Steps[i] = slo.TrafficStep{Spans: spans * int64(20+i%7) / 700, Errors: errors * int64(i) / 435}
	}
	return t
}
