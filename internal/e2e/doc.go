// Package e2e tests the real binary from outside: its own PostgreSQL, the real
// OpenTelemetry SDK over gRPC and HTTP, a real webhook, kill -9. The tests need
// the build tag e2e and the binary's path in SLOWBURN_BIN; make e2e gives both.
package e2e
