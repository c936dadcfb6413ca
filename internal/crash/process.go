package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// platform is one `slowburn serve` with its data folder and ports, which stay
// the same however often the process dies.
type platform struct {
	binary           string
	dir              string
	http, grpc, otlp string
	args             []string

	cmd  *exec.Cmd
	dead chan struct{}
	// died is when the end of the process was seen, its state why.
	died  time.Time
	state *os.ProcessState
}

// errDied says that the process ended while it was waited for.
var errDied = errors.New("the process ended")

// startLimit is how long a start may take until it answers: recovery of
// PostgreSQL on a busy machine.
const startLimit = time.Minute

// logPath is the log of all processes of this folder.
func (p *platform) logPath() string { return filepath.Join(p.dir, "slowburn.log") }

// dataDir is what --data-dir says.
func (p *platform) dataDir() string { return filepath.Join(p.dir, "data") }

// start starts the process; wrap is a command before it, such as strace.
func (p *platform) start(env []string, wrap ...string) error {
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // The process has its own copy.
	fmt.Fprintf(log, "--- start %s %s\n", time.Now().Format(time.TimeOnly), strings.Join(env, " "))
	line := slices.Concat(wrap, []string{
		p.binary, "serve", "--data-dir", p.dataDir(), "--http", p.http, "--otlp-grpc", p.grpc, "--otlp-http", p.otlp,
	}, p.args)
	cmd := exec.CommandContext(context.Background(), line[0], line[1:]...) //nolint:gosec // The binary under test; it outlives contexts.
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	dead := make(chan struct{})
	p.cmd, p.dead = cmd, dead
	go func() {
		_ = cmd.Wait() // The state says how it ended.
		p.died, p.state = time.Now(), cmd.ProcessState
		close(dead)
	}()
	return nil
}

// ready waits until the process takes telemetry, or returns errDied.
func (p *platform) ready(ctx context.Context) error {
	return p.poll(ctx, startLimit, "ready", func(ctx context.Context) (bool, error) {
		status, body, err := p.get(ctx, "/readyz")
		if err == nil && status != http.StatusOK {
			err = errors.New(body)
		}
		return err == nil, err
	})
}

// poll asks until it holds; the error tells what was seen last, or errDied.
func (p *platform) poll(ctx context.Context, limit time.Duration, what string, holds func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		ok, seen := holds(ctx)
		if ok {
			return nil
		}
		select {
		case <-p.dead:
			return errDied
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %s; last seen: %w", what, limit, errors.Join(seen, ctx.Err()))
		case <-ticker.C:
		}
	}
}

// running reports whether the process lives.
func (p *platform) running() bool {
	if p.dead == nil {
		return false
	}
	select {
	case <-p.dead:
		return false
	default:
		return true
	}
}

// kill is kill -9; PostgreSQL survives, as in life.
func (p *platform) kill() {
	if p.running() {
		_ = p.cmd.Process.Signal(syscall.SIGKILL)
		<-p.dead
	}
}

// terminate asks the process to end and returns how long it took.
func (p *platform) terminate(limit time.Duration) (time.Duration, error) {
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-p.dead:
	case <-time.After(limit):
		p.kill()
		return time.Since(begin), fmt.Errorf("SIGTERM did not end the process within %s", limit)
	}
	if !p.state.Success() {
		return time.Since(begin), fmt.Errorf("after SIGTERM the process ended with %s", p.state)
	}
	return time.Since(begin), nil
}

// sigkilled reports whether the process died of SIGKILL, its own or strace's.
func (p *platform) sigkilled() bool {
	status, known := p.state.Sys().(syscall.WaitStatus)
	return known && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func (p *platform) get(ctx context.Context, path string) (int, string, error) {
	return p.do(ctx, http.MethodGet, path, nil)
}

// apply sends an objective to the API.
func (p *platform) apply(ctx context.Context, document string) error {
	status, body, err := p.do(ctx, http.MethodPost, "/api/v1/slos", strings.NewReader(document))
	if err == nil && status >= http.StatusMultipleChoices {
		err = errors.New(body)
	}
	return err
}

func (p *platform) do(ctx context.Context, method, path string, content io.Reader) (int, string, error) {
	return fetch(ctx, method, "http://"+p.http+path, content)
}

// fetch makes one request to the API.
func fetch(ctx context.Context, method, url string, content io.Reader) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}
