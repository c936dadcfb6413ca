package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postmasterOf is the process of the server that runs on a cluster, 0 for none.
func postmasterOf(cluster string) int {
	text, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || !worksIn(pid, cluster) {
		return 0
	}
	return pid
}

// worksIn reports whether a process has its working directory in the cluster:
// every process of a PostgreSQL server does.
func worksIn(pid int, cluster string) bool {
	cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	return err == nil && cwd == cluster
}

// signalServer sends a signal to every process of a server.
func signalServer(cluster string, signal syscall.Signal) int {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // The only error is a bad pattern.
	n := 0
	for _, link := range links {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err == nil && worksIn(pid, cluster) && syscall.Kill(pid, signal) == nil {
			n++
		}
	}
	return n
}

// server is a PostgreSQL of the harness's own, for --database-url.
type server struct {
	bin, dir string
	port     int
	user     *syscall.Credential
	// gone is closed when the process that was started last has ended.
	gone <-chan struct{}
}

// postgresBin is where the programs of the newest installed server are.
func postgresBin() (string, error) {
	if dir := os.Getenv("SLOWBURN_POSTGRES_BIN"); dir != "" {
		return dir, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // The only error is a bad pattern.
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", fmt.Errorf("PostgreSQL's server is not installed: make postgres does it: %w", err)
	}
	return filepath.Dir(path), nil
}

// postgresVersion is what the server says of itself.
func postgresVersion(ctx context.Context) string {
	bin, err := postgresBin()
	if err != nil {
		return "none"
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output() //nolint:gosec // A fixed program.
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(strings.TrimPrefix(string(out), "postgres (PostgreSQL)"))
}

// newServer makes a cluster in a folder and starts it.
func newServer(ctx context.Context, dir string, port int) (*server, error) {
	s := &server{dir: filepath.Join(dir, "cluster"), port: port}
	var err error
	if s.bin, err = postgresBin(); err != nil {
		return nil, err
	}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root.
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, err
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr, os.Chown(s.dir, int(uid), int(gid))); err != nil {
			return nil, err
		}
		s.user = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if out, err := s.command(ctx, "initdb", "-D", s.dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, s.start(ctx)
}

func (s *server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...) //nolint:gosec // PostgreSQL's own programs.
	cmd.Dir, cmd.Env = s.dir, []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.user}
	return cmd
}

// url is what --database-url gets.
func (s *server) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

// start starts the server and waits until it answers, recovery included. It is
// a child of the harness, which buries it: PostgreSQL takes a zombie for a server
// that runs.
func (s *server) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // The server has its own copy.
	cmd := s.command(context.WithoutCancel(ctx), "postgres", "-D", s.dir, "-c", "fsync=on", "-c", "listen_addresses=127.0.0.1",
		"-c", "port="+strconv.Itoa(s.port), "-c", "unix_socket_directories="+s.dir)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	s.gone = gone
	go func() {
		_ = cmd.Wait() // Its log says why it ended.
		close(gone)
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for s.command(ctx, "pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port)).Run() != nil {
		select {
		case <-gone:
			return fmt.Errorf("the database server ended at once, see %s", log.Name())
		case <-ctx.Done():
			return fmt.Errorf("the database server does not answer, see %s: %w", log.Name(), ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

// awaitGone waits until no process of a server is left.
func awaitGone(ctx context.Context, cluster string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for signalServer(cluster, 0) > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the processes of the server in %s do not end: %w", cluster, ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}
