package tokenauthextension

import (
	"context"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

var (
	_ extensionauth.Server           = (*tokenAuth)(nil)
	_ extensionmiddleware.GRPCServer = (*tokenAuth)(nil)
)

// tokenAuth is both an authenticator, for HTTP and gRPC, and a gRPC middleware
// that refuses a stranger before his message is read.
type tokenAuth struct {
	component.StartFunc
	component.ShutdownFunc
	file   string
	logger *zap.Logger

	mu    sync.Mutex
	stamp os.FileInfo // Of the file as last looked at; nil if it was missing.
	valid tokens
}

func newTokenAuth(file string, logger *zap.Logger) (*tokenAuth, error) {
	stamp, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	valid, err := readTokens(file)
	if err != nil {
		return nil, err
	}
	return &tokenAuth{file: file, logger: logger, stamp: stamp, valid: valid}, nil
}

// Authenticate lets a request pass whose headers hold a valid bearer token. Its
// error is a gRPC status Unauthenticated, 401 over HTTP.
func (a *tokenAuth) Authenticate(ctx context.Context, headers map[string][]string) (context.Context, error) {
	token, ok := bearerToken(headers)
	if !ok {
		return ctx, refusal("a bearer token is required: set OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20<token>")
	}
	if !a.current().contain(token) {
		return ctx, refusal("the bearer token is not valid: ask the operator of this Slowburn for one")
	}
	return ctx, nil
}

// GetGRPCServerOptions checks the headers of a call before its message is read
// and decoded; an authenticator of the Collector is asked only afterwards.
func (a *tokenAuth) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	return []grpc.ServerOption{grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
		return a.Authenticate(ctx, info.Header)
	})}, nil
}

// current reads the file again if it changed, so that a token can be added or
// revoked at any time. A file that cannot be used changes nothing.
func (a *tokenAuth) current() tokens {
	a.mu.Lock()
	defer a.mu.Unlock()
	stamp, err := os.Stat(a.file)
	if sameFile(a.stamp, stamp) {
		return a.valid
	}
	a.stamp = stamp
	if err == nil {
		var valid tokens
		if valid, err = readTokens(a.file); err == nil {
			a.valid = valid
			a.logger.Info("the token file was read again", zap.Int("tokens", len(valid)))
			return a.valid
		}
	}
	a.logger.Error("the token file cannot be used; the tokens read before stay valid", zap.Error(err))
	return a.valid
}

// sameFile reports whether nothing happened to the file between two looks; nil
// is a missing file.
func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}

// refusal prints as its sentence alone over HTTP, where the Collector writes
// Error() into the answer, and has a status for gRPC.
type refusal string

// Error is the sentence.
func (r refusal) Error() string { return string(r) }

// GRPCStatus is Unauthenticated.
func (r refusal) GRPCStatus() *status.Status { return status.New(codes.Unauthenticated, string(r)) }
