// Package web is the read side: the JSON API, the pages and the health checks
// of Slowburn. It shows what the other parts concluded, through interfaces
// that it declares itself, and computes nothing of its own.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/static"
	"github.com/slowburn-slo/slowburn/web/view"
)

// The limits of the server. A slow client cannot hold a connection open, and
// a slow store is given up before the client's time is over.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	handlerTimeout    = 25 * time.Second
	shutdownTimeout   = 10 * time.Second
	maxHeaderBytes    = 16 << 10
	maxBodyBytes      = 1 << 20
)

// Settings is what a Server is made of. The first sources are required.
type Settings struct {
	Statuses    Statuses
	Definitions Definitions
	Objects     Objects
	Drafts      Drafts
	Traffic     Traffic
	Ledger      Ledger
	Episodes    Episodes
	Health      Health

	// What follows may be nil while nothing of the kind runs: the pages leave it
	// out then, and the API says that it is not known.
	Audits          Audits
	Recounts        Recounts
	Corrections     Corrections
	Refusals        Refusals
	RefusedArrivals RefusedArrivals
	Resets          Resets

	// Metrics answers GET /metrics; nil leaves the route out.
	Metrics http.Handler
	// TokenFile names a file with the tokens that open the API and the pages,
	// one a line; empty lines and lines that begin with # do not count. It is
	// read once, by New. Empty leaves everything open.
	//
	// A client sends a token as a bearer token. A browser, which cannot, asks
	// for a name and a password: any name, and the token as the password.
	TokenFile string
	// AllowedHosts are the names, without port, under which the server is
	// reached beside localhost and its addresses: the host that it was told to
	// listen on, if that is a name, and the names of proxies before it.
	AllowedHosts []string
	// Development adds the gallery: every page in every state, on fixtures.
	Development bool
	// Version is shown at the foot of each page.
	Version string
	// OTLPGRPC and OTLPHTTP are the addresses (host:port, or a URL) of the OTLP
	// receivers, which the empty page tells people to send to; OTLPToken and
	// OTLPTLS report that they want a token, and TLS.
	OTLPGRPC, OTLPHTTP string
	OTLPToken, OTLPTLS bool

	// Logger is where requests (debug) and faults (error) are written; nil
	// drops them.
	Logger *slog.Logger
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// defaults checks what is required and fills in what is optional.
func (s *Settings) defaults() error {
	required := []struct {
		name    string
		missing bool
	}{
		{"Statuses", s.Statuses == nil},
		{"Definitions", s.Definitions == nil},
		{"Objects", s.Objects == nil},
		{"Drafts", s.Drafts == nil},
		{"Traffic", s.Traffic == nil},
		{"Ledger", s.Ledger == nil},
		{"Episodes", s.Episodes == nil},
		{"Health", s.Health == nil},
	}
	for _, r := range required {
		if r.missing {
			return fmt.Errorf("web settings: %s is required", r.name)
		}
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return nil
}

// Server answers the requests of people and programs.
type Server struct {
	settings Settings
	logger   *slog.Logger
	tokens   tokens
	hosts    hosts
	assets   *static.Assets
	renderer *view.Renderer
	engine   *gin.Engine
	handler  http.Handler

	// What the store said a moment ago, so that pages that are drawn each second
	// do not ask it each second; raised is the text of the alarms.
	audited   *kept[struct{}, []slo.Audit]
	corrected *kept[windowKey, slo.Corrections]
	compared  *kept[windowKey, view.Compared]
	raised    *kept[struct{}, string]

	// listeners counts the pages that hear of verdicts; stopping ends them, so
	// that they do not hold up a stop.
	listeners atomic.Int64
	stopping  chan struct{}
	stop      func()
}

// New builds a server. It refuses settings that lack a source, and a token
// file that cannot be read or holds no token.
//
// It puts Gin, whose mode belongs to the whole process, into release mode.
func New(settings Settings) (*Server, error) {
	if err := settings.defaults(); err != nil {
		return nil, err
	}
	s := &Server{
		settings: settings, logger: settings.Logger, hosts: newHosts(settings.AllowedHosts), stopping: make(chan struct{}),
		audited: newKept[struct{}, []slo.Audit](keepFor), corrected: newKept[windowKey, slo.Corrections](keepFor),
		compared: newKept[windowKey, view.Compared](keepFor), raised: newKept[struct{}, string](pulsePeriod),
	}
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	var err error
	if s.tokens, err = readTokens(settings.TokenFile); err != nil {
		return nil, err
	}
	if s.assets, err = static.New(); err != nil {
		return nil, err
	}
	if s.renderer, err = view.New(s.assets.Path); err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	// A redirect of Gin's would bypass authentication and error pages.
	s.engine.RedirectTrailingSlash = false
	// The name of a service may hold a slash, which comes escaped.
	s.engine.UseRawPath = true
	s.engine.HandleMethodNotAllowed = true
	if err := s.engine.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("trust no proxy: %w", err)
	}
	s.routes()
	if s.handler, err = s.protect(s.engine); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler is the whole server: every protection, then the routes.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on the listener, with TLS unless the configuration is nil,
// until the context ends. Then it lets the requests under way finish for up to
// ten seconds, closes the listener and returns nil.
func (s *Server) Serve(ctx context.Context, listener net.Listener, tlsConfig *tls.Config) error {
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() {
		if tlsConfig == nil {
			served <- server.Serve(listener)
			return
		}
		server.TLSConfig = tlsConfig.Clone()
		served <- server.ServeTLS(listener, "", "")
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve web on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	s.stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		err = fmt.Errorf("stop web: requests did not finish within %s: %w", shutdownTimeout, errors.Join(err, server.Close()))
	}
	// Serve has ended with http.ErrServerClosed, which is no news.
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
