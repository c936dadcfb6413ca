package otlpreceiver

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// format is how a request is written, and its answer.
type format string

// The formats of OTLP over HTTP.
const (
	protobuf format = "application/x-protobuf"
	jsonText format = "application/json"
)

// formatOf is the format of a request, empty if it is not one of OTLP's.
func formatOf(req *http.Request) format {
	media, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || (media != string(protobuf) && media != string(jsonText)) {
		return ""
	}
	return format(media)
}

// withHold gives each request its share of memory, and takes it back.
func (r *otlpReceiver) withHold(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		hold := r.budget.Hold()
		defer hold.Release()
		next.ServeHTTP(w, req.WithContext(request.WithHold(req.Context(), hold)))
	})
}

func (r *otlpReceiver) routes() http.Handler {
	mux := http.NewServeMux()
	for _, s := range r.signals() {
		if s.wanted {
			mux.HandleFunc(s.path, func(w http.ResponseWriter, req *http.Request) { r.handle(w, req, s) })
		}
	}
	return mux
}

func (r *otlpReceiver) handle(w http.ResponseWriter, req *http.Request, s signal) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		write(w, "text/plain", http.StatusMethodNotAllowed, []byte("405 method not allowed, supported: [POST]"))
		return
	}
	f := formatOf(req)
	if f == "" {
		write(w, "text/plain", http.StatusUnsupportedMediaType,
			fmt.Appendf(nil, "415 unsupported media type, supported: [%s, %s]", jsonText, protobuf))
		return
	}
	in, err := r.read(req, f)
	if err != nil {
		writeError(w, f, err)
		return
	}
	failpoint.Here(failpoint.BodyRead)
	answer, err := r.take(req.Context(), s, in)
	if err != nil {
		writeError(w, f, err)
		return
	}
	write(w, string(f), http.StatusOK, answer)
}

// read takes the body that was read and checked already, or reads it.
func (r *otlpReceiver) read(req *http.Request, f format) (incoming, error) {
	in := incoming{format: f}
	var err error
	if body, ok := req.Body.(request.Body); ok {
		in.body, in.findings, err = body.Content()
	} else {
		in.body, err = io.ReadAll(request.HoldOf(req.Context()).Reader(req.Body))
	}
	if err == nil {
		err = req.Body.Close()
	}
	switch {
	case err == nil, errors.Is(err, request.ErrBusy):
		return in, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return in, fmt.Errorf("the request took too long to arrive: send it again: %w", err)
	default:
		return in, badRequestError{err}
	}
}

// writeError answers an error as OTLP wants it, a google.rpc.Status in the
// format of the request.
func writeError(w http.ResponseWriter, f format, err error) {
	s := statusOf(err)
	code := httpCode(s)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		code = http.StatusRequestEntityTooLarge
		s = status.Newf(codes.ResourceExhausted, "the request body is too large: at most %d bytes are taken, compressed or not; send less at a time", tooLarge.Limit)
	}
	writeStatus(w, f, code, s)
}

// errorHandler answers what is refused before the handlers, such as a missing token.
func errorHandler(w http.ResponseWriter, req *http.Request, message string, code int) {
	f := formatOf(req)
	if f == "" {
		f = jsonText
	}
	writeStatus(w, f, code, status.New(grpcCode(code), message))
}

func writeStatus(w http.ResponseWriter, f format, code int, s *status.Status) {
	if delay := retryDelay(s); delay > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64(delay.Seconds()), 10))
	}
	var content []byte
	var err error
	if f == jsonText {
		content, err = protojson.Marshal(s.Proto())
	} else {
		content, err = proto.Marshal(s.Proto())
	}
	if err != nil { // The code alone says what to do.
		content = nil
	}
	write(w, string(f), code, content)
}

func write(w http.ResponseWriter, contentType string, code int, content []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	_, _ = w.Write(content) // A sender that is gone sends again.
}
