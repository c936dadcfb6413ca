// Command gallery serves the pages on fixtures, without a backend, to look at
// them while they are worked on: http://127.0.0.1:8099/-/gallery, and around it
// the whole interface on an invented set of objectives.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func main() {
	address := flag.String("http", "127.0.0.1:8099", "address to listen on")
	many := flag.Int("objectives", 0, "number of objectives; 0 for one in each state")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := serve(ctx, *address, *many)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, address string, many int) error {
	statuses := append(webtest.All(), webtest.Silent(), webtest.Gappy())
	if many > 0 {
		statuses = webtest.Many(many)
	}
	source := webtest.NewSource(statuses...)
	source.Moving = webtest.Busy()
	source.Seen = []slo.Service{{Name: "checkout", Spans: 12_345, LastSeen: webtest.Now()}}
	counting := &webtest.Counting{
		Found: webtest.Differing(), Turned: webtest.RefusedItems(), Befell: slo.Corrections{Late: 12, Repeats: 3},
		Verdicts: []slo.SliceVerdict{{From: slo.SliceOf(webtest.Now()) - 8640, To: slo.SliceOf(webtest.Now()), Verdict: slo.AuditEqual, At: webtest.Now()}},
	}
	server, err := web.New(web.Settings{
		Audits: counting, Recounts: counting, Corrections: counting, Refusals: counting, RefusedArrivals: counting,
		Statuses: source, Definitions: source, Objects: source, Drafts: source, Traffic: source.Moving, Ledger: source, Episodes: source, Health: source,
		Development: true, Version: "gallery", OTLPGRPC: "127.0.0.1:4317", OTLPHTTP: "127.0.0.1:4318", Now: webtest.Now,
	})
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "http://%s/-/gallery\n", listener.Addr())
	return server.Serve(ctx, listener, nil)
}
