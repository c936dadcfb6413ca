package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// injections are the system calls at which strace kills the platform. strace
// counts them by thread, so when is small. Sockets are written to by write; a
// Go program has no sendto.
func injections() []string {
	return []string{"fsync", "pwrite64", "write", "/^rename", "fsync", "pwrite64", "write", "/^unlink"}
}

const (
	// straceLimit is how long a call with its number may take to come.
	straceLimit = 5 * time.Second
	// exitLimit is how long the platform may take to end after its disk failed.
	exitLimit = 15 * time.Second
)

// syscallKill lets strace kill the platform at the nth of a system call.
func (s *stand) syscallKill(ctx context.Context, call string) error {
	if err := s.survivingDatabase(ctx); err != nil {
		return err
	}
	when := 1 + s.random.IntN(12)
	if call == "write" { // The first of a thread may be of `postgres --version`, which strace follows.
		when = 3 + s.random.IntN(60)
	}
	if err := s.startTraced(call, fmt.Sprintf("signal=SIGKILL:when=%d", when)); err != nil {
		return err
	}
	kind := strings.TrimLeft(call, "/^")
	select {
	case <-s.dead:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(straceLimit):
		s.count(&s.notPassed, kind)
		flying := s.meter.inFlight()
		s.killTraced()
		s.killed("random", flying)
		return nil
	}
	if !s.sigkilled() {
		return s.endedByItself()
	}
	flying := s.meter.cutBy(s.died)
	s.killed(kind, flying)
	s.logf("kill %d (%s, number %d of its thread), requests in flight %d", s.kills, kind, when, flying)
	return nil
}

// inJournal is part of the path of every file of the journal. A run of sightings
// that cannot be synced is thrown away and written anew, since the journal has
// all of it: only a sync of the journal must end the process.
const inJournal = "/data/journal"

// failedSync lets one fsync of each thread fail. The platform must end, and
// acknowledge no request that began after it.
func (s *stand) failedSync(ctx context.Context) error {
	if err := s.survivingDatabase(ctx); err != nil {
		return err
	}
	// Only the nth fails: a program that tries again would succeed.
	when := 1 + s.random.IntN(40)
	if err := s.startTraced("fsync,fdatasync", fmt.Sprintf("error=EIO:when=%d", when)); err != nil {
		return err
	}
	deadline := time.After(straceLimit + exitLimit)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	var injected time.Time
	for {
		select {
		case <-s.dead:
			return s.diedOfFailure(when)
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			s.killTraced()
			switch {
			case !injected.IsZero():
			case !s.injectedAt("").IsZero():
				s.count(&s.faults, "EIO of fsync of sightings")
				return nil
			default:
				s.count(&s.notPassed, "EIO")
				return nil
			}
			return red("an fsync failed, and %s later the process still runs", time.Since(injected).Round(time.Second))
		case <-ticker.C:
			if injected.IsZero() {
				injected = s.injectedAt(inJournal)
			}
		}
	}
}

// diedOfFailure checks how a process ended whose fsync failed.
func (s *stand) diedOfFailure(when int) error {
	at := s.injectedAt(inJournal)
	if at.IsZero() {
		return s.endedByItself()
	}
	if s.state.Success() {
		return red("an fsync failed, and the process ended with status 0")
	}
	if _, newest := s.meter.progress(); newest.After(at) {
		return red("an fsync failed at %s, and a request that began %s later was acknowledged", at, newest.Sub(at))
	}
	s.count(&s.faults, "EIO of fsync")
	s.logf("fsync %d of its thread failed, the process ended %s later (%s)", when, s.died.Sub(at).Round(time.Millisecond), s.state)
	return nil
}

func (s *stand) traceLog() string { return filepath.Join(s.dir, "strace.log") }

func (s *stand) startTraced(calls, what string) error {
	if err := os.WriteFile(s.traceLog(), nil, 0o600); err != nil {
		return err
	}
	wrap := []string{"strace", "-f", "-qq", "-ttt", "-y", "-o", s.traceLog(), "-e", "trace=" + calls, "-e", "signal=none", "-e", "inject=" + calls + ":" + what}
	if strings.HasPrefix(what, "error") {
		wrap = append(wrap, "--seccomp-bpf") // Much faster, but strace 6.1 injects no signals with it.
	}
	return s.begin(nil, wrap...)
}

// survivingDatabase leaves a database server of an earlier process behind, so
// that the one under strace does not start its own: strace would follow it.
func (s *stand) survivingDatabase(ctx context.Context) error {
	if s.running() || postmasterOf(s.cluster) != 0 {
		return s.down(ctx)
	}
	if err := s.up(ctx); err != nil {
		return err
	}
	return s.down(ctx)
}

// killTraced kills the platform below strace: strace's death would set it free.
func (s *stand) killTraced() {
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid)) // The only error is a bad pattern.
	for _, file := range children {
		text, _ := os.ReadFile(file)
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	<-s.dead
}

// injectedAt is when strace let a call on a file fail; zero before.
func (s *stand) injectedAt(file string) time.Time {
	f, err := os.Open(s.traceLog())
	if err != nil {
		return time.Time{}
	}
	defer func() { _ = f.Close() }()
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) < 2 || !strings.Contains(scanner.Text(), "(INJECTED)") || !strings.Contains(scanner.Text(), file) {
			continue
		}
		if seconds, err := strconv.ParseFloat(fields[1], 64); err == nil {
			return time.UnixMicro(int64(seconds * 1e6))
		}
	}
	return time.Time{}
}

// haveStrace fails if strace is missing: a lane that is skipped proves nothing.
func haveStrace() error {
	if _, err := exec.LookPath("strace"); err != nil {
		return fmt.Errorf("the lane of system calls needs strace, which deploy/dev/crash.sh installs: %w", err)
	}
	return nil
}
