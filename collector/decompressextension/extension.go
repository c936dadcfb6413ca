package decompressextension

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"google.golang.org/grpc"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/collector/shape"
)

var (
	_ extensionmiddleware.GRPCServer = (*decompressor)(nil)
	_ extensionmiddleware.HTTPServer = (*decompressor)(nil)
	_ request.Body                   = (*body)(nil)
)

// decompressor is a middleware of both protocols.
type decompressor struct {
	component.StartFunc
	component.ShutdownFunc
	maxSize  int64
	schema   *shape.Schema
	decoders decoders
}

// GetHTTPHandler decodes bodies by their Content-Encoding (none, gzip or zstd)
// and checks what they would decode to.
// Faults are reported when the body is read, so that the receiver answers them
// in the encoding of the request.
func (d *decompressor) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			encoding := strings.ToLower(r.Header.Get("Content-Encoding"))
			if encoding != "" && encoding != "identity" {
				body := d.decode(encoding, r.Body)
				defer body.release()
				r.Body = body
				r.Header.Del("Content-Encoding")
				r.Header.Del("Content-Length")
				r.ContentLength = -1
			}
			r.Body = d.guardBody(w, r)
			next.ServeHTTP(w, r)
		}), nil
	}, nil
}

func (d *decompressor) decode(encoding string, compressed io.ReadCloser) *body {
	var reader io.Reader
	var release func()
	var err error
	switch encoding {
	case "gzip":
		reader, release, err = d.decoders.gzip(compressed)
	case "zstd":
		reader, release, err = d.decoders.zstd(compressed)
	default:
		err = fmt.Errorf("the content encoding %q is not supported: send gzip, zstd or none", encoding)
	}
	return &body{reader: reader, compressed: compressed, err: err, giveBack: release}
}

// GetGRPCServerOptions puts the bounded decoder in the place of the registered
// one for zstd; that of gRPC for gzip is bounded, as gzip has a small window.
// The codec checks what messages would decode to.
func (d *decompressor) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	return []grpc.ServerOption{
		//nolint:staticcheck // The replacement is global to the process and can only be registered in init.
		grpc.RPCDecompressor(zstdMessages{d}),
		grpc.ForceServerCodecV2(newGuardedCodec(d.schema)),
	}, nil
}

// zstdMessages decodes whole gRPC messages.
type zstdMessages struct{ *decompressor }

// Do decodes one message. It stops one byte after the bound; gRPC, whose own
// bound should be no larger, then says which it is.
func (z zstdMessages) Do(r io.Reader) ([]byte, error) {
	reader, release, err := z.decoders.zstd(r)
	if err != nil {
		return nil, err
	}
	defer release()
	return io.ReadAll(io.LimitReader(reader, z.maxSize+1))
}

// Type is the name of the encoding.
func (zstdMessages) Type() string { return "zstd" }

// body is a decoded HTTP body.
type body struct {
	reader     io.Reader
	compressed io.Closer
	err        error
	giveBack   func()
	// content is the whole of what reader reads, and found what its check found.
	content []byte
	found   shape.Findings
}

// Content implements request.Body.
func (b *body) Content() ([]byte, shape.Findings, error) { return b.content, b.found, b.err }

// Read reads decoded bytes.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return b.reader.Read(p)
}

// Close closes the compressed body. The decoder is given back by the handler,
// when nobody can read any more.
func (b *body) Close() error { return b.compressed.Close() }

// release gives the decoder back.
func (b *body) release() {
	if b.giveBack != nil {
		b.giveBack()
	}
}
