package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// batchSize is the usual export of an SDK.
const batchSize = 500

// traces makes one export request of a service: server spans of about 460
// bytes each as OTLP protobuf, with the attributes that HTTP instrumentation sets.
func traces(service string, end time.Time, n int, failed bool) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", service)
	rs.Resource().Attributes().PutStr("service.version", "1.42.0")
	rs.Resource().Attributes().PutStr("telemetry.sdk.language", "go")
	rs.Resource().Attributes().PutStr("k8s.pod.name", service+"-7d4f9c6b5-x2x9z")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp")
	ids := make([]byte, 24*n)
	_, _ = rand.Read(ids)
	ss.Spans().EnsureCapacity(n)
	for i := range n {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID(ids[24*i : 24*i+16]))
		s.SetSpanID(pcommon.SpanID(ids[24*i+16 : 24*i+24]))
		s.SetParentSpanID(pcommon.SpanID(ids[24*i+8 : 24*i+16]))
		s.SetName("GET /api/v1/orders/{id}")
		s.SetKind(ptrace.SpanKindServer)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-time.Duration(20+i%400) * time.Millisecond)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
		a := s.Attributes()
		a.PutStr("http.request.method", "GET")
		a.PutStr("http.route", "/api/v1/orders/{id}")
		a.PutStr("url.path", fmt.Sprintf("/api/v1/orders/%d", 100000+i))
		a.PutStr("url.scheme", "https")
		a.PutStr("server.address", "orders.shop.svc.cluster.local")
		a.PutInt("server.port", 8443)
		a.PutInt("http.response.status_code", 200)
		a.PutStr("network.protocol.version", "1.1")
		a.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0")
		a.PutStr("client.address", "10.42.17.33")
		if failed || i%200 == 0 {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	return td
}

// encode is the body of an export request.
func encode(td ptrace.Traces) ([]byte, error) {
	return ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
}

// document is an availability and latency objective of one service, number i
// of several on it.
func document(name, service string, i int) string {
	good := "condition: 'span.status.code != STATUS_CODE_ERROR'"
	if i%2 == 1 {
		good += fmt.Sprintf(", maxDuration: %dms", 100+10*i)
	}
	condition := "span.kind == SPAN_KIND_SERVER"
	if i >= 2 {
		condition += fmt.Sprintf(` and span.attributes["http.route"] != "/unused/%d"`, i/2)
	}
	return fmt.Sprintf(`---
apiVersion: openslo/v1
kind: SLO
metadata: {name: %s}
spec:
  service: %s
  indicator:
    metadata: {name: %s}
    spec:
      ratioMetric:
        counter: true
        total: {metricSource: {type: Spans, spec: {service: %s, condition: '%s'}}}
        good: {metricSource: {type: Spans, spec: {%s}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
`, name, service, name, service, condition, good)
}
