package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/run"

	"github.com/slowburn-slo/slowburn/collector"
	"github.com/slowburn-slo/slowburn/internal/buildinfo"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
	"github.com/slowburn-slo/slowburn/slo/audit"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/engine"
	"github.com/slowburn-slo/slowburn/slo/indicator"
	"github.com/slowburn-slo/slowburn/slo/ledger"
	"github.com/slowburn-slo/slowburn/slo/recount"
	"github.com/slowburn-slo/slowburn/slo/traffic"
	"github.com/slowburn-slo/slowburn/storage/dedup"
	"github.com/slowburn-slo/slowburn/storage/journal"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/web"
)

// shard names the journal of this process in the ledger; with one collector
// there is one.
const shard = "main"

// platform is every part, wired. The two ends of each interface meet here.
type platform struct {
	config    config
	logger    *slog.Logger
	journal   *journal.Journal
	server    *postgres.Server // nil with --database-url
	store     *postgres.Store
	catalog   *catalog.Catalog
	folder    *catalog.Folder // nil without --slos
	engine    *engine.Engine
	sightings *dedup.Store
	ledger    *ledger.Projection
	recount   *recount.Background
	audit     *audit.Auditor
	alarms    *alerting.Alarms
	traffic   *traffic.Projection
	recounter *recount.Recounter
	sender    *alerting.Sender
	collector *collector.Collector
	web       *web.Server
	started   time.Time
	// receiverNames are the receivers as the outbox calls them.
	receiverNames []string

	// packed is how many buckets were packed since the start.
	packed atomic.Int64

	mu            sync.Mutex
	refusingSince time.Time
}

// assemble starts the database and makes every part; none of them runs yet.
func assemble(ctx context.Context, c config, j *journal.Journal, logger *slog.Logger) (*platform, error) {
	p := &platform{config: c, logger: logger, journal: j, started: time.Now()}
	if err := p.make(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// make refuses what it can before it starts the database.
func (p *platform) make(ctx context.Context) error {
	c := p.config
	alerts, err := readAlerting(c.alerting)
	if err != nil {
		return err
	}
	p.collector, err = collector.New(collector.Settings{
		Journal: p.journal, UserConfig: c.collectorConfig, GRPCEndpoint: c.otlpGRPC, HTTPEndpoint: c.otlpHTTP,
		Late: c.lateness, Future: futureBound, TokenFile: c.otlpTokenFile, TLSCert: c.tlsCert, TLSKey: c.tlsKey, Insecure: c.insecure,
		Version: buildinfo.Version(), Logger: slog.New(quiet{p.logger.With("part", "collector").Handler()}),
	})
	if err != nil {
		return err
	}
	if err := p.probe(ctx); err != nil {
		return err
	}
	compiler, err := indicator.NewCompiler()
	if err != nil {
		return err
	}
	if err := p.openStore(ctx); err != nil {
		return err
	}
	if err := p.makeAlerting(alerts); err != nil {
		return err
	}
	if err := p.makeLedger(compiler); err != nil {
		return err
	}
	if err := p.makeCatalog(ctx, compiler); err != nil {
		return err
	}
	if err := p.makeReaders(compiler); err != nil {
		return err
	}
	if err := p.makeAudit(ctx, compiler); err != nil {
		return err
	}
	return p.makeWeb()
}

// probe refuses OTLP ports that are in use before the database is started.
func (p *platform) probe(ctx context.Context) error {
	for _, endpoint := range p.collector.Endpoints() {
		protocol, address, _ := strings.Cut(endpoint, " ")
		l, err := listen(ctx, "--otlp-"+protocol, address)
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// openStore connects to the database of --database-url, or to our own.
func (p *platform) openStore(ctx context.Context) (err error) {
	url := p.config.databaseURL
	if url == "" {
		p.server, err = postgres.StartServer(ctx, postgres.ServerOptions{
			DataDir: p.config.dataDir, Logger: p.logger.With("part", "postgres"),
		})
		if err != nil {
			return err
		}
		url = p.server.URL()
	}
	p.store, err = postgres.Open(ctx, url, postgres.Options{Logger: p.logger.With("part", "store")})
	if err != nil && p.server == nil {
		// The driver tells of every address that it tried, a line each.
		return fmt.Errorf("--database-url: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	if err != nil {
		return err
	}
	return p.matchJournal(ctx)
}

// matchJournal refuses a journal that is not the one that the database has
// counted, or lacks what it has counted, before anything is appended to it.
func (p *platform) matchJournal(ctx context.Context) error {
	id, err := journalID(filepath.Join(p.config.dataDir, "journal"))
	if err != nil {
		return err
	}
	if err := p.store.Own(ctx, id); err != nil {
		return err
	}
	cursor, err := p.store.Cursor(ctx, shard)
	if err != nil {
		return err
	}
	if found := p.journal.Found(); cursor.Offset > found {
		return fmt.Errorf("the database has counted up to record %d, but the journal ends at record %d: "+
			"records that were acknowledged are missing; put them back, or use another database and data folder", cursor.Offset, found)
	}
	return nil
}

func (p *platform) makeAlerting(alerts alerting.Config) (err error) {
	for _, webhook := range alerts.Webhooks {
		p.receiverNames = append(p.receiverNames, webhook.ID)
	}
	if p.config.alertmanagerURL != "" {
		p.receiverNames = append(p.receiverNames, alerting.AlertmanagerReceiver)
	}
	messenger, err := alerting.NewMessenger(alerts, alerting.Options{
		ExternalURL: p.config.externalBase(), AlertmanagerURL: p.config.alertmanagerURL,
	})
	if err != nil {
		return err
	}
	p.sender, err = alerting.NewSender(alerting.Settings{
		Config: alerts, AlertmanagerURL: p.config.alertmanagerURL, Store: p.store,
		Logger: p.logger.With("part", "sender"), Version: buildinfo.Version(),
		Standing: func(receiver string) []slo.Notification { return p.alarms.Firing(receiver) },
	})
	if err != nil {
		return err
	}
	if err := p.makeAlarms(messenger); err != nil {
		return err
	}
	p.engine = engine.New(engine.Settings{
		Ledger: p.store, Episodes: p.store, Announcer: messenger, Announced: p.sender.Wake, Alarm: p.alarms.Observe,
		Expand: p.expand, Resets: p.store.Resets,
		Lead: func(ctx context.Context) (engine.Term, error) {
			term, err := p.store.Lead(ctx)
			if err != nil {
				return nil, err
			}
			return term, nil
		},
		Logger: p.logger.With("part", "engine"),
	})
	return nil
}

// makeReaders makes what reads the journal beside the ledger, for the pages.
func (p *platform) makeReaders(compiler *indicator.Compiler) (err error) {
	p.traffic, err = traffic.New(traffic.Settings{
		Journal:    p.journal,
		OpenReader: func(after slo.Offset) (traffic.Reader, error) { return follow(p.journal, after) },
		Logger:     p.logger.With("part", "traffic"),
	})
	if err != nil {
		return err
	}
	p.recounter, err = recount.New(recount.Settings{
		Journal:    p.journal,
		OpenReader: func(after slo.Offset) (recount.Reader, error) { return p.journal.Reader(after) },
		NewJudge:   func(i slo.Indicator) (recount.Judge, error) { return compiler.Sampler(i, limits()) },
	})
	return err
}

func (p *platform) makeCatalog(ctx context.Context, compiler *indicator.Compiler) (err error) {
	p.catalog, err = catalog.New(catalog.Settings{
		Store: p.store, Language: language{}, Compiler: compiler, Journal: p.journal,
		Logger: p.logger.With("part", "catalog"), Changed: p.engine.SetDefinitions,
		Lateness: p.config.lateness + time.Minute, // Clocks differ a little.
	})
	if err != nil {
		return err
	}
	if err := p.catalog.Load(ctx); err != nil {
		return err
	}
	if p.config.slos != "" {
		p.folder = catalog.NewFolder(p.config.slos, p.catalog)
		return p.folder.Load(ctx)
	}
	if origin := p.someFile(); origin != "" {
		p.logger.Warn("SLOs from files stay in force though --slos is not given; start with --slos to change or archive them", "origin", origin)
	}
	return nil
}

// someFile is a file that something in force comes from, or empty.
func (p *platform) someFile() string {
	for _, d := range p.catalog.Definitions() {
		if d.Origin != "" {
			return d.Origin
		}
	}
	for _, o := range p.catalog.Objects() {
		if o.Origin != "" {
			return o.Origin
		}
	}
	return ""
}

func (p *platform) makeWeb() (err error) {
	metrics, err := p.metricsHandler()
	if err != nil {
		return err
	}
	hosts := p.config.allowedHosts
	if host, _, err := net.SplitHostPort(p.config.http); err == nil && host != "" {
		hosts = append(hosts, host)
	}
	if host := hostOf(p.config.externalURL); host != "" {
		hosts = append(hosts, host)
	}
	p.web, err = web.New(web.Settings{
		Statuses: p.engine, Definitions: p.catalog, Objects: p.catalog, Traffic: p.traffic, Ledger: p.store, Episodes: p.store, Health: p,
		Audits: p.store, Recounts: recounts{p}, Corrections: p.store, Refusals: p.store, RefusedArrivals: p.store, Resets: resets{p},
		Drafts:    drafts{catalog: p.catalog, traffic: p.traffic, recounter: p.recounter},
		OTLPToken: p.config.otlpTokenFile != "", OTLPTLS: p.config.tlsCert != "", Development: p.config.development,
		Metrics: metrics, TokenFile: p.config.apiTokenFile, AllowedHosts: hosts,
		Version: buildinfo.Version(), OTLPGRPC: p.config.otlpGRPC, OTLPHTTP: p.config.otlpHTTP,
		Logger: p.logger.With("part", "web"),
	})
	return err
}

// addTo adds every part to the group, in the order in which they stop: what
// takes in, what counts, what judges, what tells, what shows, what they stand on.
func (p *platform) addTo(group *run.Group, page net.Listener, tlsConfig *tls.Config) {
	actor(group, p.logger, "collector", p.collector.Run)
	if p.folder != nil {
		actor(group, p.logger, "SLO folder", p.folder.Watch)
	}
	actor(group, p.logger, "earlier revisions", p.retire)
	actor(group, p.logger, "ledger", p.ledger.Run)
	actor(group, p.logger, "recount", p.recount.Run)
	actor(group, p.logger, "traffic", p.traffic.Run)
	actor(group, p.logger, "audit", p.audit.Run)
	actor(group, p.logger, "seal", p.seal)
	actor(group, p.logger, "packing", p.pack)
	actor(group, p.logger, "notifications of the store", func(ctx context.Context) error { return p.store.Listen(ctx, p.engine.Wake) })
	actor(group, p.logger, "engine", p.engine.Run)
	actor(group, p.logger, "watch", p.watch)
	actor(group, p.logger, "alarms", p.alarms.Run)
	actor(group, p.logger, "sender", p.sender.Run)
	actor(group, p.logger, "web", func(ctx context.Context) error { return p.web.Serve(ctx, page, tlsConfig) })
	actor(group, p.logger, "journal", p.keepJournal)
	if p.server != nil {
		actor(group, p.logger, "postgres", p.server.Run)
	}
}

// close ends what assemble started. The journal is the caller's.
func (p *platform) close() {
	if p.sightings != nil {
		if err := p.sightings.Close(); err != nil {
			p.logger.Warn("what was seen could not be stored, the next start reads it again", "error", err)
		}
	}
	if p.store != nil {
		p.store.Close()
	}
	if p.server != nil {
		// The caller's context has ended by now; stopping has a limit of its own.
		if err := p.server.Stop(context.Background()); err != nil {
			p.logger.Error("PostgreSQL could not be stopped", "error", err)
		}
	}
}

func readAlerting(file string) (alerting.Config, error) {
	if file == "" {
		return alerting.Config{}, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return alerting.Config{}, fmt.Errorf("read --alerting: %w", err)
	}
	return alerting.ParseConfig(file, data)
}
