// Command bench measures Slowburn as its users meet it and prints one line for
// each figure: journal, peer, ingest, ack, restart, engine, rebuild, backtest, detect, pages. It
// drives the real binary named by SLOWBURN_BIN with a real PostgreSQL; its own CPU
// is not in the figures. SLOWBURN_PEER_BIN is the Collector that ingest is compared
// with. SLOWBURN_CRASH_BIN, built with the tag crash, adds what ingest costs
// without deduplication and without syncing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options say how long and how much.
type options struct {
	binary string
	// harness is a binary built with the tag crash, for what only it can leave out.
	harness string
	// peer is a stock Collector, built from the folder peer.
	peer     string
	duration time.Duration
	phases   int
	// objectives is how many the engine figure has.
	objectives int
	// profile is a file for a CPU profile of the engine figure; empty for none.
	profile string
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == feedCommand {
		return feed(ctx, args[1:])
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "journal,peer,ingest,ack,restart,engine,rebuild,backtest,detect,pages", "which figures, separated by commas")
	o := options{binary: os.Getenv("SLOWBURN_BIN"), harness: os.Getenv("SLOWBURN_CRASH_BIN"), peer: os.Getenv("SLOWBURN_PEER_BIN")}
	flags.DurationVar(&o.duration, "duration", 20*time.Second, "how long each load lasts")
	flags.IntVar(&o.objectives, "objectives", 100_000, "objectives of the engine figure")
	flags.IntVar(&o.phases, "phases", 40, "random phases of the detect figure")
	flags.StringVar(&o.profile, "cpuprofile", "", "file for a CPU profile of what the engine figure measures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.binary == "" {
		return errors.New("SLOWBURN_BIN names the binary to measure; make bench sets it")
	}
	figures := map[string]func(context.Context, options, io.Writer) error{
		"journal": benchJournal, "peer": benchPeer, "ingest": benchIngest, "ack": benchAck, "restart": benchRestart,
		"engine": benchEngine, "rebuild": benchRebuild, "backtest": benchBacktest, "detect": benchDetect, "pages": benchPages,
	}
	for name := range strings.SplitSeq(*only, ",") {
		figure := figures[name]
		if figure == nil {
			return fmt.Errorf("no figure %q: choose of journal, peer, ingest, ack, restart, engine, rebuild, backtest, detect, pages", name)
		}
		if err := figure(ctx, o, out); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
