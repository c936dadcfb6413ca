package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"syscall"
)

// audit lets `slowburn audit` count the whole journal again beside the running
// program, and measures what that takes.
func (p *process) audit(ctx context.Context, out io.Writer) error {
	bytesBefore := p.size()
	cmd := exec.CommandContext(ctx, p.binary, "audit", "--data-dir", filepath.Join(p.dir, "data"), "-o", "json") //nolint:gosec // The binary under test.
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	answer, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("audit: %w\n%s%s", err, answer, complaint.String())
	}
	var report struct {
		Equal   bool    `json:"equal"`
		Buckets int64   `json:"buckets"`
		Spans   int64   `json:"spans"`
		Seconds float64 `json:"seconds"`
	}
	if err := json.Unmarshal(answer, &report); err != nil {
		return err
	}
	if !report.Equal || report.Spans == 0 || report.Buckets == 0 {
		return fmt.Errorf("the audit compared nothing, or found differences: %s", answer)
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not say what a process has used")
	}
	fmt.Fprintf(out, "audit journal_mib=%d spans=%d buckets=%d equal=true took_s=%.1f cpu_us_per_span=%.2f rss_mb=%d load_average=%s\n",
		bytesBefore>>20, report.Spans, report.Buckets, report.Seconds,
		micros(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), report.Spans), used.Maxrss>>10, loadAverage())
	return nil
}
