package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// watchEvery is how often a server that is not our child is looked at.
const watchEvery = 100 * time.Millisecond

// process is a running server. gone is closed when it has ended.
type process struct {
	pid  int
	gone chan struct{}
}

// newChild watches a server that we have started.
func newChild(cmd *exec.Cmd) *process {
	p := &process{pid: cmd.Process.Pid, gone: make(chan struct{})}
	go func() {
		defer close(p.gone)
		_ = cmd.Wait() // The log says why it ended.
	}()
	return p
}

// newSurvivor watches a server that an earlier process has started.
func newSurvivor(pid int, dir string) *process {
	p := &process{pid: pid, gone: make(chan struct{})}
	go func() {
		defer close(p.gone)
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for isServerOf(pid, dir) {
			<-ticker.C
		}
	}()
	return p
}

// signal sends a signal, unless the process has ended.
func (p *process) signal(signal syscall.Signal) {
	select {
	case <-p.gone:
	default:
		_ = syscall.Kill(p.pid, signal) // It may have ended just now.
	}
}

// stop asks the server to end at once but in order, for as long as ctx lasts;
// then without order, from which it recovers at its next start.
func (p *process) stop(ctx context.Context) error {
	p.signal(syscall.SIGINT)
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
	}
	for _, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		p.signal(signal)
		select {
		case <-p.gone:
			return fmt.Errorf("the database server did not stop in time and was cut off; it recovers at the next start: %w", ctx.Err())
		case <-time.After(5 * time.Second):
		}
	}
	return fmt.Errorf("the database server (process %d) does not end", p.pid)
}

// pidFile is what a server says of itself in postmaster.pid.
type pidFile struct {
	pid            int
	dir, socketDir string
}

// readPIDFile reads postmaster.pid: process, data directory, start, port, folder
// of the socket, and more, a line each. It reports false if there is none, or
// a server is just writing it.
func readPIDFile(dir string) (pidFile, bool) {
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid")) //nolint:gosec // Of our own cluster: the operator or our own file in the data folder names it.
	if err != nil {
		return pidFile{}, false
	}
	return parsePIDFile(string(text))
}

func parsePIDFile(text string) (pidFile, bool) {
	lines := strings.Split(text, "\n")
	if len(lines) < 5 {
		return pidFile{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return pidFile{}, false
	}
	return pidFile{pid: pid, dir: lines[1], socketDir: lines[4]}, true
}

// isServerOf reports whether the process is a server that runs on the cluster:
// a server's working directory is its data directory. Numbers of processes are
// used again, so that the number alone says nothing.
func isServerOf(pid int, dir string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	if cwd, err := os.Readlink(filepath.Join(proc, "cwd")); err == nil {
		name, err := os.ReadFile(filepath.Join(proc, "comm"))
		program := strings.TrimSpace(string(name))
		return err == nil && cwd == dir && (program == "postgres" || program == "postmaster")
	}
	if _, err := os.Stat("/proc/self"); err == nil {
		return false // It has ended, or is somebody else's.
	}
	line, err := exec.CommandContext(context.Background(), "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // The argument is a number.
	return err == nil && strings.Contains(string(line), "postgres") && strings.Contains(string(line), dir)
}

// anyWorksIn reports whether any process has its working directory there, and
// false if that cannot be told on this system.
func anyWorksIn(dir string) (works, known bool) {
	all, _ := filepath.Glob("/proc/[0-9]*/cwd") // The only error is a bad pattern.
	for _, link := range all {
		if cwd, err := os.Readlink(link); err == nil && cwd == dir {
			return true, true
		}
	}
	return false, len(all) > 0
}

// awaitOrphans waits until the children of a killed server have noticed, which
// takes them a moment: PostgreSQL refuses to start beside them. It waits for
// ten seconds at most; the new server says what is wrong then.
func awaitOrphans(ctx context.Context, dir string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		if works, _ := anyWorksIn(dir); !works {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// clearStale removes a postmaster.pid that names a process which exists but is
// another program: PostgreSQL would take it for a server and refuse to start.
// It leaves the file alone while any process works in the cluster, such as a
// child of a killed server; PostgreSQL itself waits for those.
func clearStale(file pidFile, dir string) error {
	if err := syscall.Kill(file.pid, 0); errors.Is(err, syscall.ESRCH) {
		return nil
	}
	if works, known := anyWorksIn(dir); works || !known {
		return nil
	}
	if err := os.Remove(filepath.Join(dir, "postmaster.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove what a killed database server left: %w", err)
	}
	return nil
}

// clearSocketLock removes the lock beside the socket if nobody works in the
// cluster. It names the process of a killed server, and PostgreSQL would believe
// in it while that number exists: as a zombie that nobody has waited for, or
// used again. The socket's folder is private, so the lock is ours.
func clearSocketLock(socketDir, dir string) error {
	if works, known := anyWorksIn(dir); works || !known {
		return nil
	}
	lock := filepath.Join(socketDir, ".s.PGSQL."+strconv.Itoa(socketPort)+".lock")
	if err := os.Remove(lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove what a killed database server left: %w", err)
	}
	return nil
}
