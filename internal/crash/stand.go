package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// stand is everything that a lane drives: one platform under load, its
// clients, and who is told. Its book outlives every kill.
type stand struct {
	options
	platform
	random   *rand.Rand
	book     *book
	meter    *meter
	gate     *gate
	receiver *receiver
	api      api
	// cluster is where the database's files are.
	cluster    string
	objectives map[string]string
	// latecomers counts the objectives that were defined on the way; later are
	// those whose recount is not compared yet. Once the journal was trimmed they
	// can no longer be.
	latecomers int
	later      []string
	trimmed    bool
	stopLoad   context.CancelFunc
	load       sync.WaitGroup
	// journal and ledger are the furthest offsets seen: they never go back.
	journal, ledger int64
	last            finding
	// own is the database of the harness's own; nil if the platform runs its own.
	own   *server
	turns map[string]int
	result
}

// clientCount is how many clients send at once.
const clientCount = 6

// newStand makes folder, configuration and receivers, and starts the clients;
// the platform is started by the lanes. url is a database of the harness's own,
// empty for the platform's.
func newStand(ctx context.Context, o options, lane string) (*stand, error) {
	dir, err := os.MkdirTemp("", "slowburn-crash-"+lane+"-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // Root's database runs as another user.
		return nil, err
	}
	s := &stand{
		options: o, random: o.source(lane), book: newBook(), meter: newMeter(), gate: &gate{clients: clientCount},
		platform:   platform{binary: o.binary, dir: dir},
		objectives: map[string]string{}, cluster: filepath.Join(dir, "data", "postgres"),
	}
	ports, err := freePorts(ctx, s.random, 3)
	if err != nil {
		return nil, err
	}
	s.http, s.grpc, s.otlp = ports[0], ports[1], ports[2]
	s.api = api{"http://" + s.http}
	if s.receiver, err = newReceiver(ctx, o.source(lane+" receiver")); err != nil {
		return nil, err
	}
	if err := s.configure(); err != nil {
		return nil, err
	}
	return s, s.startLoad(ctx, lane)
}

// begin starts the platform with the bug that is planted, and with a plan of death.
func (s *stand) begin(plan []string, wrap ...string) error {
	s.meter.reset()
	// Small segments and runs of sightings and quick trimming, so that all of it
	// happens within a short run.
	plan = append(slices.Clip(plan), "SLOWBURN_CRASH_SEGMENT_BYTES=1048576", "SLOWBURN_CRASH_TRIM_SECONDS=1",
		"SLOWBURN_CRASH_LEAST_JOURNAL_BYTES=1048576", "SLOWBURN_CRASH_TABLE_ITEMS=5000",
		// Hours are packed at once, and again and again while they are counted.
		"SLOWBURN_CRASH_PACK_SECONDS=1", "SLOWBURN_CRASH_PACK_AFTER_SECONDS=-7200")
	if s.plant != "" {
		plan = append(plan, "SLOWBURN_PLANT="+string(s.plant))
	}
	return s.start(plan, wrap...)
}

// configure writes the files that the platform is started with.
func (s *stand) configure() error {
	names, documents := objectives()
	for _, name := range names {
		s.objectives[name] = name
	}
	slos, alerting := filepath.Join(s.dir, "slos.yaml"), filepath.Join(s.dir, "alerting.yaml")
	err := errors.Join(os.WriteFile(slos, []byte(documents), 0o600), os.WriteFile(alerting, []byte(s.receiver.alerting()), 0o600))
	s.args = []string{"--slos", slos, "--alerting", alerting}
	return err
}

// startLoad starts the clients, half of them on each protocol.
func (s *stand) startLoad(ctx context.Context, lane string) error {
	ctx, s.stopLoad = context.WithCancel(ctx)
	for i := range clientCount {
		random := s.source(fmt.Sprintf("%s client %d", lane, i))
		c := &client{
			random: random, book: s.book, meter: s.meter, gate: s.gate, exact: s.exact,
			maker: maker{random: random, exact: s.exact, begun: time.Now()},
		}
		if i%2 == 0 {
			grpcSender, err := newGRPCSender(s.grpc)
			if err != nil {
				return err
			}
			c.sender = grpcSender
		} else {
			c.sender = newHTTPSender(s.otlp, i%4 == 1)
		}
		s.load.Go(func() {
			defer c.sender.close()
			c.run(ctx)
		})
	}
	return nil
}

// up starts the platform without any plan of death, if it does not run, and
// waits until it is ready.
func (s *stand) up(ctx context.Context) error {
	if !s.running() {
		begin := time.Now()
		if err := s.begin(nil); err != nil {
			return err
		}
		if err := s.ready(ctx); err != nil {
			return red("a start after a kill: %w", err)
		}
		s.starts++
		s.starting += time.Since(begin)
		s.slowest = max(s.slowest, time.Since(begin))
	}
	return s.ready(ctx)
}

// close ends what the stand started, and removes its folder unless it is evidence.
func (s *stand) close(keep bool) {
	s.stopLoad()
	s.gate.open()
	s.kill()
	s.load.Wait()
	s.receiver.close()
	if pid := postmasterOf(s.cluster); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGQUIT)
		_ = awaitGone(context.Background(), s.cluster)
	}
	if keep {
		return
	}
	_ = os.RemoveAll(s.dir)
}

// freePorts finds ports below those that the system gives to connections: a
// client that dials a port on which nobody listens must not meet itself.
func freePorts(ctx context.Context, random *rand.Rand, n int) ([]string, error) {
	var lc net.ListenConfig
	var ports []string
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+random.IntN(12000))
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil || slices.Contains(ports, address) {
			continue
		}
		if err := l.Close(); err != nil {
			return nil, err
		}
		if ports = append(ports, address); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free ports between 20000 and 32000")
}

// evidence is what the harness knows by itself.
func (s *stand) evidence() evidence {
	deliveries, _ := s.receiver.taken()
	return evidence{Exact: s.exact, Objectives: s.objectives, Rows: s.book.rows(), Deliveries: deliveries}
}

// save writes the evidence, for `verify` by hand.
func (s *stand) save() (string, error) {
	text, err := json.Marshal(s.evidence())
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.dir, "evidence.json")
	return path, os.WriteFile(path, text, 0o600)
}

// tails shows the ends of the logs.
func (s *stand) tails(out io.Writer) {
	for _, path := range []string{s.logPath(), filepath.Join(s.dataDir(), "postgres.log")} {
		text, err := os.ReadFile(path)
		if err == nil {
			fmt.Fprintf(out, "--- the end of %s\n%s\n", path, text[max(0, len(text)-4000):])
		}
	}
}

func readEvidence(path string) (evidence, error) {
	var e evidence
	text, err := os.ReadFile(path)
	if err != nil {
		return e, fmt.Errorf("read the evidence: %w", err)
	}
	return e, json.Unmarshal(text, &e)
}
