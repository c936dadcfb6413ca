package decompressextension_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/slowburn-slo/slowburn/collector/decompressextension"
)

// handler answers with the body that it reads, or 400 and the error.
func handler(t testing.TB) http.Handler {
	t.Helper()
	set := extensiontest.NewNopSettings(component.MustNewType(decompressextension.TypeName))
	e, err := decompressextension.NewFactory().Create(t.Context(), set, &decompressextension.Config{MaxSizeMiB: 1})
	require.NoError(t, err)
	wrap, err := e.(extensionmiddleware.HTTPServer).GetHTTPHandler(t.Context())
	require.NoError(t, err)
	wrapped, err := wrap(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			body = []byte(err.Error())
		}
		if err := r.Body.Close(); err != nil {
			t.Errorf("close the body: %v", err)
		}
		if _, err := w.Write(body); err != nil {
			t.Errorf("answer: %v", err)
		}
	}))
	require.NoError(t, err)
	return wrapped
}

func send(t testing.TB, h http.Handler, encoding string, body []byte) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Encoding", encoding)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func encode(t testing.TB, encoding string, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if encoding == "zstd" {
		var err error
		w, err = zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		require.NoError(t, err)
	}
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestBodiesAreDecodedWithinBounds(t *testing.T) {
	t.Parallel()
	full, large := bytes.Repeat([]byte("a"), 1<<20), bytes.Repeat([]byte("a"), 1<<20+1)
	tests := map[string]struct {
		encoding string
		body     []byte
		status   int
		answer   string
	}{
		"no encoding":           {"", []byte("hello"), 200, "hello"},
		"identity":              {"identity", []byte("hello"), 200, "hello"},
		"gzip":                  {"gzip", encode(t, "gzip", []byte("hello")), 200, "hello"},
		"zstd":                  {"zstd", encode(t, "zstd", []byte("hello")), 200, "hello"},
		"upper case":            {"GZIP", encode(t, "gzip", []byte("hello")), 200, "hello"},
		"gzip up to the bound":  {"gzip", encode(t, "gzip", full), 200, string(full)},
		"zstd up to the bound":  {"zstd", encode(t, "zstd", full), 200, string(full)},
		"gzip above the bound":  {"gzip", encode(t, "gzip", large), 400, "request body too large"},
		"zstd above the bound":  {"zstd", encode(t, "zstd", large), 400, "request body too large"},
		"gzip that is none":     {"gzip", []byte("hello"), 400, "decode gzip"},
		"gzip without anything": {"gzip", nil, 400, "decode gzip"},
		"zstd that is none":     {"zstd", []byte("hello"), 400, "invalid input"},
		"zstd that claims 512 MiB": {
			"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 19 << 3, 1 | 1<<3, 0, 0, 'a'}, 400, "window size exceeded",
		},
		"an encoding it does not have": {"br", []byte("hello"), 400, `the content encoding "br" is not supported: send gzip, zstd or none`},
		"two encodings":                {"gzip, zstd", []byte("hello"), 400, "is not supported"},
	}
	h := handler(t)
	// Twice, as decoders are used again.
	for range 2 {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				status, answer := send(t, h, test.encoding, test.body)
				require.Equal(t, test.status, status)
				require.Contains(t, answer, test.answer, "the answer of %d bytes is not the one wanted", len(answer))
			})
		}
	}
}

func TestTheBoundIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, (&decompressextension.Config{MaxSizeMiB: 1}).Validate())
	require.NoError(t, decompressextension.NewFactory().CreateDefaultConfig().(*decompressextension.Config).Validate())
	for _, size := range []int{-1, 0, 1025} {
		require.ErrorContains(t, (&decompressextension.Config{MaxSizeMiB: size}).Validate(), "max_size_mib")
	}
}

func FuzzBodies(f *testing.F) {
	f.Add(true, encode(f, "zstd", []byte("hello")))
	f.Add(false, encode(f, "gzip", []byte("hello")))
	h := handler(f)
	f.Fuzz(func(t *testing.T, zstd bool, body []byte) {
		encoding := map[bool]string{true: "zstd", false: "gzip"}[zstd]
		status, answer := send(t, h, encoding, body)
		require.Contains(t, []int{200, 400}, status)
		require.LessOrEqual(t, len(answer), 1<<20)
		// What came before leaves nothing behind in a reused decoder.
		status, answer = send(t, h, encoding, encode(t, encoding, []byte("hello")))
		require.Equal(t, 200, status)
		require.Equal(t, "hello", answer)
	})
}
