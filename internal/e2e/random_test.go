//go:build e2e

package e2e_test

import (
	"crypto/rand"

	"go.opentelemetry.io/otel/trace"
)

func randomTrace() (id trace.TraceID) {
	_, _ = rand.Read(id[:])
	return id
}

func randomSpan() (id trace.SpanID) {
	_, _ = rand.Read(id[:])
	return id
}
