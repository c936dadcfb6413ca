//go:build browser

package browsertest_test

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/axe/axe.min.js
var axe string

// buffer collects the output of a process while it runs.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// process is a slowburn that runs.
type process struct {
	cmd    *exec.Cmd
	output *buffer
	exited chan error
}

func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(os.Getenv("SLOWBURN_BIN"))
	require.NoError(t, err)
	require.FileExists(t, path, "SLOWBURN_BIN names the binary under test")
	return path
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary(t), args...), output: &buffer{}, exited: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	require.NoError(t, p.cmd.Start())
	go func() { p.exited <- p.cmd.Wait() }()
	t.Cleanup(func() { p.stop(t) })
	return p
}

// stop asks the process to end, and expects that it does so well.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if p.cmd == nil {
		return
	}
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-p.exited:
		require.NoError(t, err, p.output.String())
	case <-time.After(60 * time.Second):
		require.NoError(t, p.cmd.Process.Kill())
		require.Fail(t, "it did not end", p.output.String())
	}
	p.cmd = nil
}

// run runs a subcommand to its end.
func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binary(t), args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// world is a platform with its addresses, and those of the demo.
type world struct {
	dir, http, grpc, otlp, console, alerting string
	platform, demo                           *process
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "slowburn-browser-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711)) // The database's user passes through it.
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	w := &world{dir: dir, http: freePort(t), grpc: freePort(t), otlp: freePort(t), console: freePort(t), alerting: filepath.Join(dir, "alerting.yml")}
	require.NoError(t, os.WriteFile(w.alerting, fmt.Appendf(nil,
		"route: {receiver: demo}\nreceivers:\n  - name: demo\n    webhook_configs: [{url: \"http://%s/webhook\"}]\n", w.console), 0o600))
	w.startPlatform(t)
	return w
}

func (w *world) startPlatform(t *testing.T) {
	t.Helper()
	w.platform = start(t, "serve", "--data-dir", filepath.Join(w.dir, "data"), "--http", w.http, "--otlp-grpc", w.grpc, "--otlp-http", w.otlp, "--alerting", w.alerting)
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + w.http + "/readyz")
		if err != nil {
			return false
		}
		defer func() { _ = answer.Body.Close() }()
		return answer.StatusCode == http.StatusOK
	}, time.Minute, 100*time.Millisecond, w.platform.output)
}

// startDemo starts the shop and returns when its history is counted.
func (w *world) startDemo(t *testing.T) {
	t.Helper()
	w.demo = start(t, "demo", "--otlp", w.grpc, "--api", "http://"+w.http, "--listen", w.console, "--history", "1h", "--rate", "40")
	require.Eventually(t, func() bool { return strings.Contains(w.demo.output.String(), "The shop is open") }, 2*time.Minute, 100*time.Millisecond)
	require.Contains(t, w.demo.output.String(), "all acknowledged")
}

// browser is one page of Chromium that remembers what went wrong.
type browser struct {
	ctx    context.Context
	mu     sync.Mutex
	faults []string
	// offline: failed requests are expected.
	offline bool
}

// open starts Chromium. Whatever a page logs as an error, throws, cannot
// fetch, or asks of another origin fails the test at its end.
func open(t *testing.T, origins ...string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	require.NoError(t, err, "deploy/dev/chromium.sh installs it")
	allocator, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Headless, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	require.NoError(t, chromedp.Do(ctx))
	require.NoError(t, chromedp.Listen(ctx, func(event any) { b.hear(event, origins) }))
	_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	require.NoError(t, err)
	t.Cleanup(func() { b.requireNoFaults(t) })
	return b
}

func (b *browser) hear(event any, origins []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	note := func(format string, args ...any) { b.faults = append(b.faults, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		note("exception: %s at %s:%d", e.ExceptionDetails.Text, e.ExceptionDetails.URL, e.ExceptionDetails.LineNumber)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !b.offline {
			note("console: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || (u.Scheme != "data" && u.Scheme != "about" && !slices.Contains(origins, u.Host)) {
			note("a request to another origin: %s", e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 && !b.offline {
			note("%d: %s", e.Response.Status, e.Response.URL)
		}
	}
}

func (b *browser) setOffline(is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offline = is
}

func (b *browser) requireNoFaults(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(t, b.faults)
}

func (b *browser) do(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	require.NoError(t, chromedp.Do(ctx, actions...))
}

// ask evaluates an expression in the page.
func ask[T any](t *testing.T, b *browser, expression string, options ...chromedp.EvaluateOption) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	require.NoError(t, err)
	return value
}

// until waits for a condition of the page, which may be on its way to another
// one meanwhile.
func (b *browser) until(t *testing.T, limit time.Duration, condition string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+condition+")"))
		if err == nil && holds {
			return
		}
		select {
		case <-ctx.Done():
			b.screenshot(t, "failed")
			require.Fail(t, "it did not come true", "%s\n%s", condition, ask[string](t, b, "location.href + ' ' + document.body.innerText"))
		case <-ticker.C:
		}
	}
}

// says is the condition that the page says something.
func says(words string) string { return fmt.Sprintf("document.body.innerText.includes(%q)", words) }

// look is a width and a theme.
type look struct {
	width, height int64
	theme         string
}

func looks() []look {
	return []look{{1536, 960, "light"}, {1536, 960, "dark"}, {390, 844, "light"}, {390, 844, "dark"}}
}

// wear gives the page a look.
func (b *browser) wear(t *testing.T, l look) {
	t.Helper()
	b.do(t, chromedp.EmulateViewport(l.width, l.height))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	require.NoError(t, err)
}

// check looks at the page that is open: nothing hangs over its edge, and axe
// finds nothing.
func (b *browser) check(t *testing.T, name string, l look) {
	t.Helper()
	width := ask[int64](t, b, "document.documentElement.scrollWidth")
	ask[bool](t, b, axe+"; true")
	found := ask[string](t, b, `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) =>
		({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " " + (n.any[0]?.message ?? ""))}))))`,
		chromedp.EvalAwaitPromise)
	assert.LessOrEqual(t, width, l.width, "%s at %d", name, l.width)
	var violations []any
	require.NoError(t, json.Unmarshal([]byte(found), &violations))
	assert.Empty(t, violations, "%s at %d, %s", name, l.width, l.theme)
	b.screenshot(t, fmt.Sprintf("%s-%d-%s", name, l.width, l.theme))
}

// screenshot is kept where SLOWBURN_SCREENSHOTS says, if it does.
func (b *browser) screenshot(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("SLOWBURN_SCREENSHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600))
}
