package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"

	"github.com/slowburn-slo/slowburn/examples"
	"github.com/slowburn-slo/slowburn/examples/shop"
	"github.com/slowburn-slo/slowburn/internal/buildinfo"
)

const (
	// maxHistory keeps the history within the lateness bound, with time to
	// send it.
	maxHistory = 20 * time.Hour
	// platformPatience is how long the demo waits for the platform.
	platformPatience = 2 * time.Minute
	// consoleAddress is where the demo's own page is.
	consoleAddress = "127.0.0.1:8090"
	// closeGrace is how long the demo's last spans and answers may take.
	closeGrace = 5 * time.Second
)

// demoConfig is what `slowburn demo` is told.
type demoConfig struct {
	otlp, api, listen   string
	otlpToken, apiToken string
	history             time.Duration
	rate                float64
	seed                uint64
}

func newDemo() *cobra.Command {
	var c demoConfig
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A small shop that sends telemetry, to try Slowburn with",
		Long: "A small shop of several services that sends telemetry to a running Slowburn: first some hours of\n" +
			"history, then live traffic. It creates its objectives, and shows the webhooks that arrive.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.history < 0 || c.history > maxHistory {
				return usageError{fmt.Errorf("--history %s: it must be from 0 to %s, since Slowburn refuses what ended more than a day ago", c.history, maxHistory)}
			}
			if c.rate <= 0 || c.rate > 1000 {
				return usageError{fmt.Errorf("--rate %g: it must be above 0 and at most 1000", c.rate)}
			}
			return c.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.otlp, "otlp", "127.0.0.1:4317", "`ADDRESS` of Slowburn's OTLP over gRPC")
	f.StringVar(&c.api, "api", "http://127.0.0.1:8080", "`URL` of Slowburn's page and API")
	f.StringVar(&c.listen, "listen", consoleAddress, "`ADDRESS` of the demo's own page")
	f.StringVar(&c.otlpToken, "otlp-token-file", "", "`FILE` whose first token is sent with telemetry")
	f.StringVar(&c.apiToken, "api-token-file", "", "`FILE` whose first token is sent to the API")
	f.DurationVar(&c.history, "history", 6*time.Hour, "how much history is sent first")
	f.Float64Var(&c.rate, "rate", 20, "requests in a second at the busiest time of day")
	f.Uint64Var(&c.seed, "seed", 1, "makes the same shop again")
	cmd.AddCommand(newDemoBreak(), newDemoHeal(), newDemoStatus())
	return cmd
}

// run applies the objectives, sends the history and then goes on live.
func (c demoConfig) run(ctx context.Context, out io.Writer) (err error) {
	if err := c.wait(ctx, out); err != nil {
		return err
	}
	if err := c.applyObjectives(ctx); err != nil {
		return err
	}
	exporter, err := c.exporter(ctx)
	if err != nil {
		return err
	}
	s, err := shop.New(shop.Settings{Exporter: exporter, Rate: c.rate, Seed: c.seed, Version: buildinfo.Version()})
	if err != nil {
		return err
	}
	defer func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer cancel()
		// Slowburn may have been stopped first; that is no failure of the demo.
		if s.Close(grace) != nil {
			fmt.Fprintln(out, "the newest spans were not sent: Slowburn does not answer any more")
		}
		err = errors.Join(err, exporter.Shutdown(grace))
	}()
	stop, err := c.openConsole(ctx, s)
	if err != nil {
		return err
	}
	defer stop()
	if err := c.sendHistory(ctx, s, out); err != nil || ctx.Err() != nil {
		return err
	}
	fmt.Fprint(out, c.next())
	s.Live(ctx)
	return nil
}

// wait returns once the platform is ready, and says how to start it while it
// does not answer.
func (c demoConfig) wait(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, platformPatience)
	defer cancel()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for told := false; ; told = true {
		answer, err := c.ask(ctx, http.MethodGet, "/readyz", nil)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("it answers %s", answer.Status)
		}
		if !told {
			fmt.Fprintf(out, "waiting for Slowburn at %s (slowburn serve starts it)\n", c.api)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("slowburn at %s is not ready: %w; start it with `slowburn serve`, or name it with --api", c.api, err)
		case <-ticker.C:
		}
	}
}

// ask sends a request to the API.
func (c demoConfig) ask(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.api, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if token, err := firstToken(c.apiToken); err != nil {
		return nil, err
	} else if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return http.DefaultClient.Do(r)
}

func (c demoConfig) applyObjectives(ctx context.Context) error {
	answer, err := c.ask(ctx, http.MethodPost, "/api/v1/slos", examples.ShopSLOs())
	if err != nil {
		return fmt.Errorf("apply the demo's objectives: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return fmt.Errorf("apply the demo's objectives: %s: %s", answer.Status, bytes.TrimSpace(text))
	}
	return nil
}

func (c demoConfig) exporter(ctx context.Context) (*otlptrace.Exporter, error) {
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(c.otlp), otlptracegrpc.WithInsecure()}
	token, err := firstToken(c.otlpToken)
	if err != nil {
		return nil, err
	}
	if token != "" {
		options = append(options, otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer " + token}))
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to --otlp %s: %w", c.otlp, err)
	}
	return exporter, nil
}

// firstToken is the first token of a file, empty if no file is named.
func firstToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line, nil
		}
	}
	return "", fmt.Errorf("the token file %s holds no token", file)
}

// openConsole serves the demo's own page until it is stopped.
func (c demoConfig) openConsole(ctx context.Context, s *shop.Shop) (stop func(), err error) {
	console, err := shop.NewConsole(s, strings.TrimSuffix(c.api, "/"))
	if err != nil {
		return nil, err
	}
	loopback, err := isLoopback(c.listen)
	if err != nil {
		return nil, usageError{fmt.Errorf("--listen %s: %w", c.listen, err)}
	}
	if !loopback {
		return nil, usageError{fmt.Errorf("--listen %s is reachable from other machines: the demo has no protection, keep it on loopback", c.listen)}
	}
	listener, err := listen(ctx, "--listen", c.listen)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: console.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // It ends when it is closed.
	}()
	return func() {
		_ = server.Close()
		<-done
	}, nil
}

// sendHistory tells how far it has got, and that nothing was lost.
func (c demoConfig) sendHistory(ctx context.Context, s *shop.Shop, out io.Writer) error {
	if c.history == 0 {
		return nil
	}
	begin := time.Now()
	to := begin.Truncate(time.Second)
	fmt.Fprintf(out, "sending %s of history\n", c.history)
	err := s.History(ctx, to.Add(-c.history), to, func(done time.Duration) {
		acknowledged, _ := s.Sent()
		fmt.Fprintf(out, "  %s of %s, %d spans\n", done, c.history, acknowledged)
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // It was told to stop.
	}
	acknowledged, failed := s.Sent()
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d spans of the history were not taken", failed)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "history of %s sent: %d spans in %.1f s, all acknowledged\n", c.history, acknowledged, time.Since(begin).Seconds())
	return nil
}

// next says what to do.
func (c demoConfig) next() string {
	flag := ""
	if c.listen != consoleAddress {
		flag = " --listen " + c.listen
	}
	host := c.listen
	if name, port, err := net.SplitHostPort(c.listen); err == nil && name == "" {
		host = "127.0.0.1:" + port
	}
	return fmt.Sprintf(`
The shop is open. Look:
  %s                     your services and objectives
  %s/slos/shop-payments-work   one of them
  http://%s                     the webhooks that arrive, and buttons to break things

Break something, watch the budget burn, wait for the page (a minute or two), mend it:
  slowburn demo break payments --errors 20%%%s
  slowburn demo heal%s
`, c.api, strings.TrimSuffix(c.api, "/"), host, flag, flag)
}
