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
)

// guardedCodec checks a message of gRPC before it is decoded. A refusal is
// answered as Internal, which senders do not repeat.
type guardedCodec struct {
	encoding.CodecV2
	schema *schema
}

func newGuardedCodec(s *schema) guardedCodec {
	return guardedCodec{CodecV2: encoding.GetCodecV2("proto"), schema: s}
}

// Unmarshal implements encoding.CodecV2.
func (g guardedCodec) Unmarshal(data mem.BufferSlice, v any) error {
	request := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer request.Free()
	if root := rootOf(v); root != none {
		if err := g.schema.checkProtobuf(root, request.ReadOnlyData()); err != nil {
			return err
		}
	}
	return g.CodecV2.Unmarshal(mem.BufferSlice{request}, v)
}

// rootOf is the kind of request that a value is made to hold. The types are
// internal to pdata, so their names tell.
func rootOf(v any) kind {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer {
		return none
	}
	switch t.Elem().Name() {
	case "ExportTraceServiceRequest":
		return traces
	case "ExportMetricsServiceRequest":
		return metrics
	case "ExportLogsServiceRequest":
		return logs
	default:
		return none
	}
}

// guardBody reads the body of a request, at most maxSize, and checks it. A fault
// takes the place of the body, so that the receiver answers it.
func (d *decompressor) guardBody(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	original := r.Body
	var content bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= d.maxSize {
		content.Grow(int(n) + bytes.MinRead)
	}
	_, err := content.ReadFrom(http.MaxBytesReader(w, original, d.maxSize))
	if err == nil {
		err = d.check(r, content.Bytes())
	}
	return &body{reader: &content, compressed: original, err: err}
}

func (d *decompressor) check(r *http.Request, request []byte) error {
	content, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil //nolint:nilerr // The receiver answers what it does not know with 415, undecoded.
	}
	switch content {
	case "application/json":
		return checkJSON(request)
	case "application/x-protobuf":
	default:
		return nil
	}
	roots := map[string]kind{"/v1/traces": traces, "/v1/metrics": metrics, "/v1/logs": logs}
	root, known := roots[r.URL.Path]
	if !known { // A receiver on a path of its own would decode what is not checked.
		return errors.New("OTLP is accepted on /v1/traces, /v1/metrics and /v1/logs")
	}
	return d.schema.checkProtobuf(root, request)
}
