package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// contentSecurityPolicy allows what the pages need from their own origin, and
// no inline script or style, so that a name in the telemetry stays text.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// protect puts the protections around the routes, the outermost first.
func (s *Server) protect(routes http.Handler) (http.Handler, error) {
	compress, err := compression()
	if err != nil {
		return nil, err
	}
	protected := s.headers(s.observe(s.allowHosts(s.refuseCrossOrigin(routes))))
	return s.limit(protected, compress(protected)), nil
}

// compression packs what is text and larger than a packet. Nothing that we
// send holds both a secret and what an attacker wrote.
func compression() (func(http.Handler) http.HandlerFunc, error) {
	compress, err := gzhttp.NewWrapper(
		gzhttp.MinSize(1400), gzhttp.EnableZstd(false), gzhttp.CompressionLevel(gzip.BestSpeed+1),
		gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "image/svg+xml", "application/json"}),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	return compress, nil
}

// limit bounds the body and the time of a request. A stream, to a page that
// listens for verdicts, has limits of its own.
func (s *Server) limit(stream, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == livePath {
			stream.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), handlerTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		next.ServeHTTP(w, r)
	})
}

// headers sets what protects the reader of every answer.
func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// observe logs each request, and answers one that panics.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := s.settings.Now()
		recorder := &recorder{ResponseWriter: w}
		defer func() {
			if cause := recover(); cause != nil {
				s.recovered(recorder, r, cause)
			}
			s.logger.LogAttrs(r.Context(), slog.LevelDebug, "request",
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", recorder.status),
				slog.String("remote", r.RemoteAddr), slog.Duration("took", s.settings.Now().Sub(begin)))
		}()
		next.ServeHTTP(recorder, r)
	})
}

// recovered answers a request whose handler panicked. If part of an answer is
// out, the connection is cut, so that nobody takes it for the whole.
func (s *Server) recovered(w *recorder, r *http.Request, cause any) {
	if cause == http.ErrAbortHandler { //nolint:errorlint // A panic value, compared as net/http does.
		panic(cause)
	}
	s.logger.ErrorContext(r.Context(), "handler_panicked",
		"method", r.Method, "path", r.URL.Path, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	s.fail(w, r, fmt.Errorf("handler panicked: %v", cause))
}

// recorder remembers the status of an answer; 0 while nothing was sent.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the first final status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write sends 200 before the first byte, as net/http does.
func (r *recorder) Write(body []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(body)
}

// Flush sends what was written, for streams; Gin asks its writer for it.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

// Unwrap gives http.ResponseController the writer beneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// refuseCrossOrigin refuses requests that change something and come from a
// page of another origin. It has no exceptions.
func (s *Server) refuseCrossOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, refuse(http.StatusForbidden, "a page of another origin may not change anything here"))
	}))
	return protection.Handler(next)
}

// hosts are the names under which the server may be reached.
type hosts []string

func newHosts(names []string) hosts {
	list := make(hosts, 0, len(names))
	for _, name := range names {
		list = append(list, strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), "."))
	}
	return list
}

// allow refuses what a browser sends after DNS rebinding, when a foreign name
// points at this server. An address needs no DNS and is always allowed.
func (h hosts) allow(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (host != "" && slices.Contains(h, host))
}

func (s *Server) allowHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.hosts.allow(r.Host) {
			s.fail(w, r, refuse(http.StatusMisdirectedRequest,
				"this server does not answer to the host %q: use its address, or add the name with the flag --allowed-hosts", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// clock is the time, in UTC.
func (s *Server) clock() time.Time { return s.settings.Now().UTC() }
