package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// futureBound is how far the clock of a sender may run ahead.
const futureBound = 10 * time.Minute

// factsTimeout is how long the database may take for all of them.
const factsTimeout = 2 * time.Second

// Facts says how the program is set and how its parts are.
func (p *platform) Facts(ctx context.Context) view.Facts {
	ctx, cancel := context.WithTimeout(ctx, factsTimeout)
	defer cancel()
	f := view.Facts{
		Started: p.started, JournalDir: filepath.Join(p.config.dataDir, "journal"), JournalBytes: p.journal.Size(),
		JournalMaxBytes: int64(p.config.journalMaxSize), JournalMaxAge: p.config.journalMaxAge, JournalRecords: int64(p.journal.Durable()),
		Database: p.database(), LedgerLag: p.ledger.Progress().Lag, Evaluations: p.engine.Evaluations(),
		Late: p.config.lateness, Future: futureBound, Flags: p.config.changed,
		Listeners: []view.Setting{{Name: "page and API", Value: p.config.http}},
	}
	for _, endpoint := range p.collector.Endpoints() {
		protocol, address, _ := strings.Cut(endpoint, " ")
		f.Listeners = append(f.Listeners, view.Setting{Name: "OTLP over " + protocol, Value: address})
	}
	p.addCounting(ctx, &f)
	var err error
	if f.DatabaseBytes, err = p.store.Size(ctx); err != nil {
		f.Unknown = append(f.Unknown, "The size of the database is not known: it does not answer.")
	}
	if f.Receivers, err = p.receivers(ctx); err != nil {
		f.Unknown = append(f.Unknown, "How the receivers are doing is not known: the database does not answer.")
	}
	if err != nil {
		p.logger.Error("facts could not be read", "error", err)
	}
	return f
}

// addCounting fills in what is known of the parts that count.
func (p *platform) addCounting(ctx context.Context, f *view.Facts) {
	stats, reign := p.sightings.Stats(), p.engine.Reign()
	f.DedupHorizon, f.DedupItems = p.config.dedupHorizon, stats.Items
	f.DedupMemoryBytes, f.DedupDiskBytes = stats.TableBytes+stats.FilterBytes, stats.DiskBytes
	f.JournalRefusing, f.JournalRefusingSince = p.refusing()
	f.JournalOldest = p.recount.Oldest()
	f.LeaderTerm, f.Leading, f.LeaderSince = reign.Epoch, p.engine.Leading(), reign.Since
	var err error
	if f.Repeats, f.Conflicts, err = p.store.Repeated(ctx); err != nil {
		f.Unknown = append(f.Unknown, "How many items were repeated is not known: the database does not answer.")
	}
}

// receivers are those that are configured, with how their delivery is doing,
// and former ones while something waits for them.
func (p *platform) receivers(ctx context.Context) ([]slo.ReceiverState, error) {
	states, err := p.store.Receivers(ctx)
	configured := map[string]bool{}
	var all []slo.ReceiverState
	for _, name := range p.receiverNames {
		configured[name] = true
		state := slo.ReceiverState{Name: name}
		for _, s := range states {
			if s.Name == name {
				state = s
			}
		}
		all = append(all, state)
	}
	for _, s := range states {
		if !configured[s.Name] && s.Undelivered > 0 {
			all = append(all, s)
		}
	}
	return all, err
}

// database says where the database is, without its password.
func (p *platform) database() string {
	if p.server != nil {
		return fmt.Sprintf("our own, in %s", p.server.Dir())
	}
	u, err := url.Parse(p.config.databaseURL)
	if err != nil || u.Host == "" {
		return "that of --database-url"
	}
	return u.Host + u.Path
}
