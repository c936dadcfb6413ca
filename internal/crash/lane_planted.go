package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// redError says that a comparison failed: the product is wrong, not the
// harness or the machine.
type redError struct{ error }

func (r redError) Unwrap() error { return r.error }

func red(format string, args ...any) error { return redError{fmt.Errorf(format, args...)} }

// detector is what must turn red while a bug is planted, and green without it.
type detector struct {
	bug  failpoint.Bug
	name string
	// run returns a redError if it found something.
	run func(context.Context, options) error
}

// detectors has one at least for every bug. A kill -9 leaves the page cache as
// it is, so that what only the loss of power shows is for the tests of the
// journal on a simulated disk.
func detectors() []detector {
	const journal, crashClones = "./storage/journal", "TestTenThousandCrashClones"
	random := func(ctx context.Context, s *stand) error { return s.randomKill(ctx) }
	return []detector{
		unitTest(failpoint.AckBeforeSync, journal, crashClones),
		unitTest(failpoint.SkipDirSync, journal, crashClones),
		unitTest(failpoint.RetryFsync, journal, crashClones),
		realLane(failpoint.RetryFsync, "EIO of fsync", func(ctx context.Context, s *stand) error { return s.failedSync(ctx) }),
		unitTest(failpoint.TrimEarly, journal, crashClones),
		unitTest(failpoint.NoFence, "./storage/postgres", "TestNoZombieEverWrites"),
		realLane(failpoint.DedupAfterCommit, "random kills", random),
		realLane(failpoint.FloatCounts, "random kills", random),
		realLane(failpoint.DeliveredBeforeSent, "kills at K12", func(ctx context.Context, s *stand) error {
			return s.pointKill(ctx, killPoint{failpoint.OutboxClaimed, 2, 30 * time.Second, nil})
		}),
	}
}

// unitTest is a test on a simulated disk or a real database.
func unitTest(bug failpoint.Bug, pkg, name string) detector {
	return detector{bug, "go test -run " + name + " " + pkg, func(ctx context.Context, o options) error {
		cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-tags=remove_all_sd,grpcnotrace,crash", "-run", name, pkg) //nolint:gosec // Fixed names.
		cmd.Env = append(os.Environ(), "GOFLAGS=")
		if o.plant != "" {
			cmd.Env = append(cmd.Env, "SLOWBURN_PLANT="+string(o.plant))
		}
		out, err := cmd.CombinedOutput()
		switch {
		case strings.Contains(string(out), "no tests to run"), strings.Contains(string(out), "no test files"):
			return fmt.Errorf("%s has no test %s", pkg, name)
		case err != nil && strings.Contains(string(out), "--- FAIL"), err != nil && strings.Contains(string(out), "\npanic: "):
			return red("the test fails")
		case err != nil:
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}}
}

// plantedKills is how many kills find a bug, or let it escape.
const plantedKills = 8

// realLane is a short lane of the real binary: a step over and over, and a
// comparison after each.
func realLane(bug failpoint.Bug, name string, do step) detector {
	return detector{bug, name, func(ctx context.Context, o options) error {
		kills := plantedKills
		if o.plant == "" {
			kills = 3 // Without the bug it has only to be shown that it is green.
		}
		s, err := newStand(ctx, o, "planted")
		if s != nil {
			defer func() { s.close(false) }()
		}
		if err != nil {
			return err
		}
		for s.done() < kills {
			if err := do(ctx, s); err != nil {
				return err
			}
			if err := s.settle(ctx, false); err != nil {
				return err
			}
		}
		return s.settle(ctx, o.plant != "")
	}}
}

// planted runs every detector without and with its bug and prints a table. It
// fails if a bug escapes, or if a detector is red without one.
func planted(ctx context.Context, o options) error {
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "bug\tdetector\twithout the bug\tcaught")
	caught, green := map[failpoint.Bug]bool{}, map[string]error{}
	var failures []error
	for _, d := range detectors() {
		if _, known := caught[d.bug]; !known {
			caught[d.bug] = false
		}
		clean, known := green[d.name]
		if !known {
			o.plant = ""
			clean = d.run(ctx, o)
			green[d.name] = clean
		}
		o.plant = d.bug
		begin := time.Now()
		found := d.run(ctx, o)
		row := fmt.Sprintf("%s\t%s", d.bug, d.name)
		var isRed redError
		switch {
		case clean != nil:
			failures = append(failures, fmt.Errorf("%s is red without %s: %w", d.name, d.bug, clean))
			row += "\tred\t-"
		case errors.As(found, &isRed):
			caught[d.bug] = true
			row += fmt.Sprintf("\tgreen\tafter %s: %s", time.Since(begin).Round(time.Second), firstLine(found))
		case found != nil:
			failures = append(failures, fmt.Errorf("%s with %s did not run: %w", d.name, d.bug, found))
			row += "\tgreen\tdid not run"
		default:
			row += "\tgreen\tescaped"
		}
		fmt.Fprintln(table, row)
		o.logf("%s: without: %v, with: %v", d.bug, clean, found)
	}
	_ = table.Flush() // The output is all that there is to complain to.
	for bug, found := range caught {
		if !found {
			failures = append(failures, fmt.Errorf("the planted bug %s escaped", bug))
		}
	}
	fmt.Fprintf(o.out, "planted bugs %d, escaped %d\n", len(caught), escaped(caught))
	return errors.Join(failures...)
}

func escaped(caught map[failpoint.Bug]bool) (n int) {
	for _, found := range caught {
		if !found {
			n++
		}
	}
	return n
}

func firstLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	line := strings.TrimSpace(lines[min(1, len(lines)-1)])
	return line[:min(len(line), 110)]
}
