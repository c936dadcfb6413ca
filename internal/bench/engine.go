package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"syscall"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

const (
	engineWarmUp = 3 * time.Second
	// engineWindow is the window of the figure engine, rebuildWindow that of rebuild.
	engineWindow      = 90 * 24 * time.Hour
	rebuildObjectives = 1000
	rebuildWindow     = 30 * 24 * time.Hour
	// feedCommand makes this program the ledger of the engine's figure, in a
	// process of its own so that its CPU is not the engine's.
	feedCommand = "feed"
)

func engineDefinitions(objectives int, window time.Duration) ([]slo.Definition, error) {
	target, err := slo.ParseTarget("0.999", false)
	if err != nil {
		return nil, err
	}
	all := make([]slo.Definition, objectives)
	for i := range all {
		all[i] = slo.Definition{SLO: slo.SLO{
			Name: fmt.Sprintf("objective-%d", i), Window: slo.Window{Duration: window},
			Indicator:  slo.Indicator{Total: slo.SpanSource{Service: strconv.Itoa(i)}, Bad: &slo.SpanSource{}},
			Objectives: []slo.Objective{{Target: target}},
		}}
	}
	return all, nil
}

// aged is a ledger whose series are old: it reads as many buckets of each as a
// service has that was busy for the whole window, by the hour, the minute and
// the slice as histories keep them. Commits come from the store.
type aged struct {
	*postgres.Store
	definitions []slo.Definition
	window      time.Duration
}

func (a aged) ReadLedger(ctx context.Context, since time.Time, detail slo.Detail, visit func(slo.Delta)) (
	map[slo.SeriesID]slo.SeriesState, slo.Coverage, map[string]int64, error,
) {
	_, coverage, sequences, err := a.Store.ReadLedger(ctx, since, detail, visit)
	if err != nil {
		return nil, coverage, nil, err
	}
	const hour, minute = 360, 6 // Slices.
	now := time.Now()
	begin, end := slo.SliceOf(now.Add(-a.window)), slo.SliceOf(now)
	coverage = slo.Coverage{Since: begin.Start(), Until: now}
	states := map[slo.SeriesID]slo.SeriesState{}
	for _, d := range a.definitions {
		id := d.SLO.SeriesOf(0).ID
		states[id] = slo.SeriesState{Watermark: now, Counted: []slo.Interval{{From: coverage.Since}}}
		for s := begin; s <= end; {
			step := slo.Slice(1)
			switch age := end - s; {
			case age > 72*hour:
				step = hour
			case age > 6*hour:
				step = minute
			}
			c := slo.Counts{Good: 100 * int64(step)}
			if s/minute%10 == 0 {
				c.Bad = 1
			}
			visit(slo.Delta{Series: id, Slice: s, Counts: c})
			s = (s/step + 1) * step
		}
	}
	return states, coverage, sequences, nil
}

// silent tells nobody.
type silent struct{}

func (silent) Labels(slo.Transition) map[string]string { return nil }

func (silent) Notifications(slo.Transition) ([]slo.Notification, error) { return nil, nil }

// benchEngine measures the CPU of evaluations and the memory of objectives of 90
// days, 10 % of the series changing every second, fed through PostgreSQL.
func benchEngine(ctx context.Context, o options, out io.Writer) error {
	return withDatabase(ctx, func(server *postgres.Server, store *postgres.Store) error {
		definitions, err := engineDefinitions(o.objectives, engineWindow)
		if err != nil {
			return err
		}
		return runEngine(ctx, store, aged{store, definitions, engineWindow}, definitions, func(ctx context.Context, e *engine.Engine) error {
			return measureEngine(ctx, o, e, server, out)
		})
	})
}

// withDatabase starts a database of its own.
func withDatabase(ctx context.Context, use func(*postgres.Server, *postgres.Store) error) (err error) {
	dir, err := os.MkdirTemp("", "slowburn-bench-engine-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // Root's database runs as another user.
		return err
	}
	logger := slog.New(slog.DiscardHandler)
	server, err := postgres.StartServer(ctx, postgres.ServerOptions{DataDir: dir, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	store, err := postgres.Open(ctx, server.URL(), postgres.Options{Logger: logger})
	if err != nil {
		return err
	}
	defer store.Close()
	return use(server, store)
}

// runEngine runs an engine with the definitions of the figure while it is used.
func runEngine(ctx context.Context, store *postgres.Store, ledger engine.Ledger, definitions []slo.Definition, use func(context.Context, *engine.Engine) error) (err error) {
	e := engine.New(engine.Settings{
		Ledger: ledger, Episodes: store, Announcer: silent{}, Logger: slog.New(slog.DiscardHandler),
		Lead: func(ctx context.Context) (engine.Term, error) {
			term, err := store.Lead(ctx)
			if err != nil {
				return nil, err
			}
			return term, nil
		},
	})
	e.SetDefinitions(definitions)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() { ended <- e.Run(ctx) }()
	go func() { ended <- store.Listen(ctx, e.Wake) }()
	defer func() {
		cancel()
		for range cap(ended) {
			if stopped := <-ended; !errors.Is(stopped, context.Canceled) {
				err = errors.Join(err, stopped)
			}
		}
	}()
	return use(ctx, e)
}

// measureEngine feeds the ledger from another process and compares what this
// one and the database have used.
func measureEngine(ctx context.Context, o options, e *engine.Engine, server *postgres.Server, out io.Writer) error {
	for !e.Ready() { // The start, which reads the ledger and judges everything, is not in the figure.
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	debug.FreeOSMemory()                                                                                                                                      // What the start left behind; later a collection is due in a quarter of an hour.
	feeder := exec.CommandContext(ctx, "/proc/self/exe", feedCommand, server.URL(), (o.duration + warmUp(o.objectives)).String(), strconv.Itoa(o.objectives)) //nolint:gosec // This program itself.
	feeder.Stderr = os.Stderr
	if err := feeder.Start(); err != nil {
		return err
	}
	select { // Nor is the first commit.
	case <-time.After(warmUp(o.objectives)):
	case <-ctx.Done():
		return ctx.Err()
	}
	stop, err := startProfile(o.profile)
	if err != nil {
		return err
	}
	begin := selfCPU()
	evaluations := e.Evaluations()
	database, err := treeCPU(server.PID())
	if err != nil {
		return err
	}
	if err := feeder.Wait(); err != nil {
		return fmt.Errorf("feed the ledger: %w", err)
	}
	n := int64(e.Evaluations() - evaluations)
	used := selfCPU() - begin
	stop()
	after, err := treeCPU(server.PID())
	if err != nil {
		return err
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	runtime.KeepAlive(e)
	fmt.Fprintf(out, "engine objectives=%d changing_per_second=%d evaluations=%d evaluations_per_second=%.0f engine_cpu_us_per_evaluation=%.1f "+
		"postgres_cpu_us_per_evaluation=%.1f heap_bytes_per_objective=%d (all windows to 90d, all tiers, full histories, reading the commits included)\n",
		o.objectives, o.objectives/10, n, float64(n)/o.duration.Seconds(), micros(used, n), micros(after-database, n),
		memory.HeapAlloc/uint64(o.objectives))
	return nil
}

// startProfile writes a CPU profile to a file, if one is named, until it is stopped.
func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return pprof.StopCPUProfile, nil
}

// warmUp is how long the first commits, which touch every objective, are not in
// the figure.
func warmUp(objectives int) time.Duration {
	return engineWarmUp + time.Duration(objectives)*200*time.Microsecond
}

// selfCPU is the user and system time of this process.
func selfCPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// feed commits counts of a tenth of the series every second.
func feed(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("feed URL DURATION OBJECTIVES")
	}
	objectives, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	duration, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, args[0], postgres.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer store.Close()
	definitions, err := engineDefinitions(objectives, engineWindow)
	if err != nil {
		return err
	}
	ids := make([]slo.SeriesID, len(definitions))
	for i, d := range definitions {
		ids[i] = d.SLO.SeriesOf(0).ID
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var offset slo.Offset
	for begin, sequence := time.Now(), int64(1); time.Since(begin) < duration; sequence++ {
		now := time.Now()
		c := slo.Commit{
			Shard: "bench", Sequence: sequence, From: offset, To: offset + 1, MeasuredUntil: now,
			Watermarks: map[slo.SeriesID]time.Time{},
		}
		for i, id := range ids {
			if (i+int(sequence))%10 != 0 {
				continue
			}
			c.Deltas = append(c.Deltas, slo.Delta{Series: id, Slice: slo.SliceOf(now), Counts: slo.Counts{Good: 100}})
			c.Watermarks[id] = now
		}
		if err := store.Commit(ctx, c); err != nil {
			return err
		}
		offset = c.To
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}
