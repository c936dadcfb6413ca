// Command crash kills Slowburn and counts what is left. It drives the real
// binary with a real PostgreSQL (fsync on) under load from clients that keep
// their own list of what was acknowledged, kills it at random times, at named
// points, at system calls and by its database, and compares every bucket and
// every notification with that list.
//
//	go run ./internal/crash                     30 kills
//	go run ./internal/crash -kills 300          more of them
//	go run ./internal/crash -lane points        one kind only
//	go run ./internal/crash -lane planted       proves that planted bugs are found
//	go run ./internal/crash verify -evidence FILE -url http://127.0.0.1:8080
//
// It needs a binary with the build tag crash, which SLOWBURN_CRASH_BIN names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	binary  string
	lane    string
	wanted  int
	lasting time.Duration
	seed    uint64
	verbose bool
	keep    bool
	exact   bool
	// plant is the bug that is planted; empty for none.
	plant failpoint.Bug
	out   io.Writer
}

// logf prints what happens, with -v.
func (o options) logf(format string, args ...any) {
	if o.verbose {
		fmt.Fprintf(o.out, time.Now().Format("15:04:05.000 ")+format+"\n", args...)
	}
}

// source is a source of randomness of its own for each name, from the seed.
func (o options) source(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(o.seed, h.Sum64())) //nolint:gosec // To be repeated is what it is for.
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == "verify" {
		return verify(ctx, args[1:], out)
	}
	o := options{out: out, binary: os.Getenv("SLOWBURN_CRASH_BIN")}
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	flags.StringVar(&o.lane, "lane", "all", "random, points, syscalls, postgres, restarts, planted or all")
	flags.IntVar(&o.wanted, "kills", 30, "how many kills")
	flags.DurationVar(&o.lasting, "for", 0, "how long, instead of -kills")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "seed of the driver and the clients")
	flags.BoolVar(&o.verbose, "v", false, "say what happens")
	flags.BoolVar(&o.keep, "keep", false, "keep the data folders of green runs, too")
	flags.BoolVar(&o.exact, "exact", true, "false: a build without deduplication, where acknowledged <= counted <= sent")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.binary == "" {
		return errors.New("SLOWBURN_CRASH_BIN names the binary, built with -tags crash; make crash sets it")
	}
	var err error
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	if err := haveStrace(); err != nil {
		return err
	}
	if o.lane == "planted" {
		return planted(ctx, o)
	}
	return drive(ctx, o)
}

// drive runs the lanes and prints the closing lines.
func drive(ctx context.Context, o options) error {
	sum := &summary{begun: time.Now(), seed: o.seed, keep: o.keep, out: o.out}
	defer sum.print(context.WithoutCancel(ctx), o.out)
	until := make(chan struct{})
	if o.lasting > 0 {
		o.wanted = 1 << 30
		timer := time.AfterFunc(o.lasting, func() { close(until) })
		defer timer.Stop()
	}
	own := o.lane == "postgres" || (o.lane == "all" && o.wanted >= 100) // Too slow for a short run.
	share := o.wanted
	if own { // Some of it on a database of the harness's own.
		share = o.wanted * 3 / 4
	}
	s, err := newStand(ctx, o, o.lane)
	if err == nil {
		err = s.runLane(ctx, o.lane, share, until)
	}
	if err := sum.conclude(s, err); err != nil {
		return err
	}
	if !own {
		return nil
	}
	if o.lane == "all" {
		if err := newMigrations(ctx, o, min(o.wanted/50, 20), sum); err != nil {
			return err
		}
	}
	s, err = ownStand(ctx, o, o.lane+"-own")
	if err == nil {
		err = s.runLane(ctx, o.lane, o.wanted-share, until)
	}
	return sum.conclude(s, err)
}

// conclude adds a stand to the summary and ends it; of one that failed it keeps
// and shows everything.
func (u *summary) conclude(s *stand, err error) error {
	if s == nil {
		return err
	}
	u.add(s)
	path := ""
	if err != nil {
		var saveErr error
		path, saveErr = s.save()
		err = errors.Join(err, saveErr)
	}
	s.close(err != nil || u.keep)
	if err != nil {
		s.tails(u.out)
		fmt.Fprintf(u.out, "kept: %s, with what the clients know in %s\n", s.dir, path)
	}
	return err
}

// verify compares the evidence of an earlier run with a running platform.
func verify(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("crash verify", flag.ContinueOnError)
	file := flags.String("evidence", "", "evidence.json of a run")
	url := flags.String("url", "http://127.0.0.1:8080", "the platform on that run's data folder")
	delivered := flags.Bool("delivered", false, "every notification must have arrived")
	if err := flags.Parse(args); err != nil {
		return err
	}
	e, err := readEvidence(*file)
	if err != nil {
		return err
	}
	e.Delivered = *delivered
	if err := (api{*url}).fill(ctx, &e); err != nil {
		return err
	}
	f := e.judge()
	fmt.Fprintln(out, f.String())
	if f.red() {
		return errors.New("what is counted is not what was acknowledged")
	}
	return nil
}
