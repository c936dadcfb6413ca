package decompressextension

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // The codec that is guarded.
	"google.golang.org/grpc/mem"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/collector/shape"
)

// guardedCodec checks a message of gRPC before it is decoded. A refusal is
// answered as Internal, which senders do not repeat.
type guardedCodec struct {
	encoding.CodecV2
	schema *shape.Schema
}

func newGuardedCodec(s *shape.Schema) guardedCodec {
	return guardedCodec{CodecV2: encoding.GetCodecV2("proto"), schema: s}
}

// Unmarshal implements encoding.CodecV2.
func (g guardedCodec) Unmarshal(data mem.BufferSlice, v any) error {
	message := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer message.Free()
	if root := rootOf(v); root != 0 {
		if _, err := g.schema.Protobuf(root, message.ReadOnlyData()); err != nil {
			return err
		}
	}
	return g.CodecV2.Unmarshal(mem.BufferSlice{message}, v)
}

// rootOf is the kind of request that a value is made to hold. The types are
// internal to pdata, so their names tell.
func rootOf(v any) shape.Kind {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer {
		return 0
	}
	switch t.Elem().Name() {
	case "ExportTraceServiceRequest":
		return shape.Traces
	case "ExportMetricsServiceRequest":
		return shape.Metrics
	case "ExportLogsServiceRequest":
		return shape.Logs
	default:
		return 0
	}
}

// guardBody reads the body of a request, at most maxSize and what its share of
// memory allows, and checks it. A fault takes the place of the body, so that the
// receiver answers it; ours takes the bytes as they are, without reading them again.
func (d *decompressor) guardBody(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	original := r.Body
	var content bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= d.maxSize {
		content.Grow(int(n) + bytes.MinRead)
	}
	_, err := content.ReadFrom(request.HoldOf(r.Context()).Reader(http.MaxBytesReader(w, original, d.maxSize)))
	var found shape.Findings
	if err == nil {
		found, err = d.check(r, content.Bytes())
	}
	return &body{reader: &content, compressed: original, err: err, content: content.Bytes(), found: found}
}

func (d *decompressor) check(r *http.Request, content []byte) (shape.Findings, error) {
	format, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return shape.Findings{}, nil //nolint:nilerr // The receiver answers what it does not know with 415, undecoded.
	}
	switch format {
	case "application/json":
		return shape.JSON(content)
	case "application/x-protobuf":
	default:
		return shape.Findings{}, nil
	}
	roots := map[string]shape.Kind{"/v1/traces": shape.Traces, "/v1/metrics": shape.Metrics, "/v1/logs": shape.Logs}
	root, known := roots[r.URL.Path]
	if !known { // A receiver on a path of its own would decode what is not checked.
		return shape.Findings{}, errors.New("OTLP is accepted on /v1/traces, /v1/metrics and /v1/logs")
	}
	return d.schema.Protobuf(root, content)
}
