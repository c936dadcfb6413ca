package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	pageLoads = 20
	pageShift = 30 * time.Second
)

// benchPages measures the pages: with 1,000 objectives in Chromium, with 10,000
// by what the server takes.
func benchPages(ctx context.Context, o options, out io.Writer) (err error) {
	p, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := p.applyMany(ctx, 0, 1000); err != nil {
		return err
	}
	feeding, stop := context.WithCancel(ctx)
	defer stop()
	go p.trickle(feeding)
	for _, page := range []string{"/", "/slos/load-0000", "/slos"} {
		if err := p.paint(ctx, page, out); err != nil {
			return err
		}
	}
	if err := p.weigh(ctx, out); err != nil {
		return err
	}
	for i := 1000; i < 10_000; i += 1000 {
		if err := p.applyMany(ctx, i, 1000); err != nil {
			return err
		}
	}
	for name, path := range map[string]string{"list": "/slos", "filter": "/fragments/slos?q=0042", "sort": "/slos?sort=-burn", "overview": "/"} {
		if err := p.firstByte(ctx, name, path, out); err != nil {
			return err
		}
	}
	return nil
}

// applyMany applies a thousand objectives from a number on.
func (p *process) applyMany(ctx context.Context, from, n int) error {
	var documents strings.Builder
	for i := from; i < from+n; i++ {
		documents.WriteString(document(fmt.Sprintf("load-%04d", i), fmt.Sprintf("service-%d", i%ingestServices), i))
	}
	return p.apply(ctx, documents.String())
}

// trickle sends a little of everything, so that verdicts come.
func (p *process) trickle(ctx context.Context) {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			body, err := encode(traces(fmt.Sprintf("service-%d", i%ingestServices), time.Now(), 20, i%7 == 0))
			if err == nil {
				request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.otlp+"/v1/traces", strings.NewReader(string(body)))
				if err == nil {
					request.Header.Set("Content-Type", "application/x-protobuf")
					if answer, err := http.DefaultClient.Do(request); err == nil {
						_ = answer.Body.Close()
					}
				}
			}
		}
	}
}

// paint loads a page again and again in Chromium, warm, and then watches
// whether anything moves while it is refreshed.
func (p *process) paint(ctx context.Context, page string, out io.Writer) error {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return fmt.Errorf("install Chromium for this figure: %w", err)
	}
	allocator, cancel := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Headless,
		chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true))
	defer cancel()
	tab, cancel := chromedp.NewContext(allocator)
	defer cancel()
	var paints []float64
	for range pageLoads + 1 {
		if err := chromedp.Do(tab, chromedp.Navigate("http://"+p.http+page), chromedp.WaitVisible(chromedp.CSS("h1"))); err != nil {
			return err
		}
		at, err := chromedp.Run(tab, chromedp.Evaluate[float64](
			`new Promise((done) => new PerformanceObserver((l) => done(l.getEntriesByName("first-contentful-paint")[0].startTime)).observe({type: "paint", buffered: true}))`,
			chromedp.EvalAwaitPromise))
		if err != nil {
			return err
		}
		paints = append(paints, at)
	}
	shift, err := chromedp.Run(tab, chromedp.Evaluate[float64](fmt.Sprintf(
		`new Promise((done) => { let sum = 0; new PerformanceObserver((l) => l.getEntries().forEach((e) => { sum += e.value; }))
			.observe({type: "layout-shift", buffered: true}); setTimeout(() => done(sum), %d); })`, pageShift.Milliseconds()), chromedp.EvalAwaitPromise))
	if err != nil {
		return err
	}
	cold, warm := paints[0], paints[1:]
	slices.Sort(warm)
	_, err = fmt.Fprintf(out, "pages %-18s first contentful paint warm p50 %.0f ms, worst %.0f ms (target 300), cold %.0f ms; layout shift in %s: %.4f (target 0)\n",
		page, warm[len(warm)/2], warm[len(warm)-1], cold, pageShift, shift)
	return err
}

// weigh sums the scripts and styles of the page of an objective, compressed.
func (p *process) weigh(ctx context.Context, out io.Writer) error {
	_, body, err := p.do(ctx, http.MethodGet, "/slos/load-0000", nil)
	if err != nil {
		return err
	}
	total := 0
	for _, path := range regexp.MustCompile(`"(/static/[^"]+\.(?:js|css))"`).FindAllStringSubmatch(body, -1) {
		_, content, err := p.do(ctx, http.MethodGet, path[1], nil)
		if err != nil {
			return err
		}
		var packed strings.Builder
		w := gzip.NewWriter(&packed)
		if _, err := io.WriteString(w, content); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		total += packed.Len()
	}
	_, err = fmt.Fprintf(out, "pages scripts and styles   %d bytes compressed (target 150000)\n", total)
	return err
}

// firstByte asks for a page of a list of 10,000.
func (p *process) firstByte(ctx context.Context, name, path string, out io.Writer) error {
	var times []time.Duration
	for range 50 {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.http+path, http.NoBody)
		if err != nil {
			return err
		}
		begin := time.Now()
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		times = append(times, time.Since(begin))
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", path, answer.Status)
		}
	}
	slices.Sort(times)
	_, err := fmt.Fprintf(out, "pages 10,000, %-12s first byte p50 %s, worst %s (target 100 ms)\n", name,
		times[len(times)/2].Round(100*time.Microsecond), times[len(times)-1].Round(100*time.Microsecond))
	return err
}
