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
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one running `slowburn serve`.
type process struct {
	dir               string
	http, grpc, otlp  string
	binary            string
	args, environment []string
	cmd               *exec.Cmd
	log               bytes.Buffer
}

// start runs the binary on free ports in a new folder and waits until it is ready.
func start(ctx context.Context, o options, args ...string) (*process, error) {
	return startWith(ctx, o, nil, args...)
}

// startWith is start with more in the environment.
func startWith(ctx context.Context, o options, environment []string, args ...string) (*process, error) {
	dir, err := os.MkdirTemp("", "slowburn-bench-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // Root's database runs as another user.
		return nil, err
	}
	p := &process{dir: dir}
	for _, address := range []*string{&p.http, &p.grpc, &p.otlp} {
		if *address, err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	p.binary, p.environment = o.binary, environment
	p.args = append([]string{
		"serve", "--data-dir", filepath.Join(dir, "data"), "--http", p.http, "--otlp-grpc", p.grpc, "--otlp-http", p.otlp,
		"--log-level", "warn",
	}, args...)
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	return p, p.wait(ctx, "/readyz", time.Minute, func(int, string) bool { return true })
}

// run starts the program and does not wait for anything.
func (p *process) run(ctx context.Context) error {
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.binary, p.args...) //nolint:gosec // The binary under test.
	p.cmd.Env = append(os.Environ(), p.environment...)
	p.cmd.Stdout, p.cmd.Stderr = io.Discard, &p.log
	return p.cmd.Start()
}

// again kills the program and starts it on the same folder.
func (p *process) again(ctx context.Context) error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = p.cmd.Wait() // It was killed.
	return p.run(ctx)
}

// signalTree signals a process and its children.
func signalTree(pid int, signal syscall.Signal) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	for child := range strings.FieldsSeq(string(children)) {
		if number, err := strconv.Atoi(child); err == nil {
			_ = syscall.Kill(number, signal) // It may have ended meanwhile.
		}
	}
	return syscall.Kill(pid, signal)
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// wait polls a path until it answers 200 with what is wanted.
func (p *process) wait(ctx context.Context, path string, limit time.Duration, wanted func(int, string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		status, body, err := p.do(ctx, http.MethodGet, path, nil)
		if err == nil && status == http.StatusOK && wanted(status, body) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not come as expected within %s: %s", path, limit, body)
		case <-ticker.C:
		}
	}
}

func (p *process) do(ctx context.Context, method, path string, body io.Reader) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.http+path, body)
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return response.StatusCode, string(data), err
}

// apply sends OpenSLO documents.
func (p *process) apply(ctx context.Context, documents string) error {
	status, body, err := p.do(ctx, http.MethodPost, "/api/v1/slos", strings.NewReader(documents))
	if err == nil && status >= 300 {
		err = errors.New(body)
	}
	return err
}

// stop drains the process and removes its folder.
func (p *process) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if waitErr := p.cmd.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("%w\n%s", waitErr, p.log.String()))
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// usage is what a process tree has used: CPU of the program, CPU of its
// PostgreSQL (all its processes, the ended ones too), and the program's memory.
type usage struct {
	program, database time.Duration
	rss               int64
}

func (p *process) usage() (u usage, err error) {
	if u.program, err = cpu(p.cmd.Process.Pid); err != nil {
		return u, err
	}
	postmaster, err := p.postmaster()
	if err != nil {
		return u, err
	}
	if u.database, err = treeCPU(postmaster); err != nil {
		return u, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			u.rss = kib << 10
		}
	}
	return u, nil
}

// postmaster finds the server of this process by its data folder.
func (p *process) postmaster() (int, error) {
	var pid int
	err := filepath.WalkDir(p.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "postmaster.pid" {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // Found below our own folder.
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(data), "\n")
		pid, err = strconv.Atoi(first)
		return err
	})
	if err == nil && pid == 0 {
		err = errors.New("no postmaster.pid below " + p.dir)
	}
	return pid, err
}

// clockTick is the unit of CPU times in /proc: USER_HZ, 100 on every Linux.
const clockTick = 10 * time.Millisecond

// cpu is the user and system time of a process, without its children.
func cpu(pid int) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	return ticks(fields[11:13]), nil
}

// treeCPU is the time of a process, of those that it has waited for, and of
// its living children.
func treeCPU(pid int) (time.Duration, error) {
	for {
		before, err := stat(pid)
		if err != nil {
			return 0, err
		}
		total := ticks(before[11:15])
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return 0, err
		}
		for _, e := range entries {
			child, err := strconv.Atoi(e.Name())
			if err != nil {
				continue
			}
			if fields, err := stat(child); err == nil && fields[1] == strconv.Itoa(pid) {
				total += ticks(fields[11:15])
			}
		}
		after, err := stat(pid)
		if err != nil {
			return 0, err
		}
		// A child that was waited for meanwhile would be in neither, or in both.
		if ticks(before[13:15]) == ticks(after[13:15]) {
			return total, nil
		}
	}
}

// stat returns the fields of /proc/PID/stat from the state on: [0] state,
// [1] parent, [11] utime, [12] stime, [13] cutime, [14] cstime.
func stat(pid int) ([]string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	text := string(data)
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:]), nil
}

func ticks(fields []string) time.Duration {
	var total time.Duration
	for _, f := range fields {
		n, _ := strconv.ParseInt(f, 10, 64)
		total += time.Duration(n) * clockTick
	}
	return total
}
