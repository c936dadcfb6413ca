package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// config is what `slowburn serve` is told: by flags, by SLOWBURN_… in the
// environment, or by the YAML file of --config, the first of them winning.
type config struct {
	file            string
	collectorConfig string
	dataDir         string
	http            string
	otlpGRPC        string
	otlpHTTP        string
	databaseURL     string
	slos            string
	alerting        string
	alertmanagerURL string
	externalURL     string
	allowedHosts    []string
	role            string
	otlpTokenFile   string
	apiTokenFile    string
	tlsCert         string
	tlsKey          string
	insecure        bool
	logLevel        string
	development     bool

	// How far back spans are taken, and how far back repeats are recognised.
	lateness, dedupHorizon time.Duration
	journalMaxAge          time.Duration
	journalMaxSize         byteSize
	// acceptLoss are damaged segments whose records are given up.
	acceptLoss []string

	// changed are the flags that were set, however, for the settings page.
	changed []view.Setting
}

func (c *config) bind(f *pflag.FlagSet) {
	f.StringVar(&c.file, "config", "", "`FILE` (YAML) that sets these flags by their names")
	f.StringVar(&c.collectorConfig, "collector-config", "", "OpenTelemetry Collector configuration `FILE`, merged over the embedded one")
	f.StringVar(&c.dataDir, "data-dir", "./data", "`FOLDER` that holds the journal and the database")
	f.StringVar(&c.http, "http", "127.0.0.1:8080", "`ADDRESS` of the page and the API")
	f.StringVar(&c.otlpGRPC, "otlp-grpc", "127.0.0.1:4317", "`ADDRESS` of OTLP over gRPC")
	f.StringVar(&c.otlpHTTP, "otlp-http", "127.0.0.1:4318", "`ADDRESS` of OTLP over HTTP")
	f.StringVar(&c.databaseURL, "database-url", "", "`URL` of a PostgreSQL server, 15 or newer; without it Slowburn runs its own below the data folder")
	f.StringVar(&c.slos, "slos", "", "OpenSLO `FILE or FOLDER`, watched; its objectives are read-only in the API")
	f.StringVar(&c.alerting, "alerting", "", "Alertmanager configuration `FILE`: who receives pages")
	f.StringVar(&c.alertmanagerURL, "alertmanager-url", "", "`URL` of an Alertmanager to push alerts to (API v2)")
	f.StringVar(&c.externalURL, "external-url", "", "`URL` under which people reach the page, for links in messages (default http://ADDRESS of --http)")
	f.StringSliceVar(&c.allowedHosts, "allowed-hosts", nil, "further `HOSTS` that requests to the page and the API may name")
	f.StringVar(&c.role, "role", "all", "which part runs in this process; only `all` exists")
	f.StringVar(&c.otlpTokenFile, "otlp-token-file", "", "`FILE` with the bearer tokens that exporters must send, one a line")
	f.StringVar(&c.apiTokenFile, "api-token-file", "", "`FILE` with the bearer tokens for page and API, one a line")
	f.StringVar(&c.tlsCert, "tls-cert", "", "certificate `FILE` (PEM) for OTLP, page and API")
	f.StringVar(&c.tlsKey, "tls-key", "", "private key `FILE` (PEM) of --tls-cert")
	f.BoolVar(&c.insecure, "insecure", false, "listen beyond loopback without tokens or TLS")
	f.BoolVar(&c.development, "development", false, "add the gallery of pages at /-/gallery")
	f.DurationVar(&c.lateness, "lateness", 24*time.Hour, "how `LONG` after its end a span may arrive; later ones are refused")
	f.DurationVar(&c.dedupHorizon, "dedup-horizon", slo.Horizon, "how `LONG` after its arrival a span that comes again is recognised; at most --lateness")
	f.DurationVar(&c.journalMaxAge, "journal-max-age", 24*time.Hour, "how `LONG` the journal keeps what was counted")
	c.journalMaxSize = 20 << 30
	f.Var(&c.journalMaxSize, "journal-max-size", "`SIZE` that the journal may reach; above it telemetry is refused, retryably, until what was counted has made room")
	f.StringSliceVar(&c.acceptLoss, "accept-loss", nil, "damaged `SEGMENTS` of the journal to go on without; what they held is unmeasured")
	f.StringVar(&c.logLevel, "log-level", "info", "least `LEVEL` of the log: debug, info, warn or error")
}

// envName is the environment variable of a flag: SLOWBURN_DATA_DIR of data-dir.
func envName(flag string) string {
	return "SLOWBURN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// complete fills in the environment and the configuration file where the
// command line said nothing, and checks the whole.
func (c *config) complete(f *pflag.FlagSet, getenv func(string) string) error {
	var err error
	f.VisitAll(func(flag *pflag.Flag) {
		if value := getenv(envName(flag.Name)); value != "" && !flag.Changed && flag.Name != "help" {
			if setErr := f.Set(flag.Name, value); setErr != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", envName(flag.Name), setErr))
			}
		}
	})
	if err != nil {
		return err
	}
	if c.file != "" {
		if err := c.readFile(f); err != nil {
			return err
		}
	}
	f.Visit(func(flag *pflag.Flag) {
		c.changed = append(c.changed, view.Setting{Name: flag.Name, Value: shown(flag)})
	})
	return c.check()
}

// shown is the value of a flag without what may be a secret: a URL may hold a
// password. Files of secrets are named, not read.
func shown(flag *pflag.Flag) string {
	if !strings.HasSuffix(flag.Name, "-url") {
		return flag.Value.String()
	}
	u, err := url.Parse(flag.Value.String())
	if err != nil {
		return "(not shown)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// readFile sets the flags that neither the command line nor the environment set.
func (c *config) readFile(f *pflag.FlagSet) error {
	data, err := os.ReadFile(c.file)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return fmt.Errorf("%s: %w", c.file, err)
	}
	if len(document.Content) == 0 {
		return nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: expected keys and values, as in \"data-dir: /var/lib/slowburn\"", c.file, root.Line)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if seen[key.Value] {
			return fmt.Errorf("%s:%d: %s is given twice", c.file, key.Line, key.Value)
		}
		seen[key.Value] = true
		flag := f.Lookup(key.Value)
		if flag == nil || key.Value == "config" || key.Value == "help" {
			return fmt.Errorf("%s:%d: unknown key %q; the keys are the flags of slowburn serve without their dashes", c.file, key.Line, key.Value)
		}
		text := value.Value
		if value.Kind == yaml.SequenceNode {
			var list []string
			if err := value.Decode(&list); err != nil {
				return fmt.Errorf("%s:%d: %s: %w", c.file, value.Line, key.Value, err)
			}
			text = strings.Join(list, ",")
		} else if value.Kind != yaml.ScalarNode {
			return fmt.Errorf("%s:%d: %s: expected one value", c.file, value.Line, key.Value)
		}
		if flag.Changed {
			continue
		}
		if err := f.Set(key.Value, text); err != nil {
			return fmt.Errorf("%s:%d: %w", c.file, value.Line, err)
		}
	}
	return nil
}

// check refuses what cannot work or is not safe, before anything starts.
func (c *config) check() error {
	if c.role != "all" {
		return fmt.Errorf("--role %s does not exist yet; only \"all\" does", c.role)
	}
	if (c.tlsCert == "") != (c.tlsKey == "") {
		return errors.New("--tls-cert and --tls-key belong together: give both or neither")
	}
	if c.dataDir == "" {
		return errors.New("--data-dir must not be empty")
	}
	if err := c.checkTimes(); err != nil {
		return err
	}
	for _, f := range []struct{ flag, path string }{
		{"collector-config", c.collectorConfig},
		{"slos", c.slos},
		{"alerting", c.alerting},
		{"otlp-token-file", c.otlpTokenFile},
		{"api-token-file", c.apiTokenFile},
		{"tls-cert", c.tlsCert},
		{"tls-key", c.tlsKey},
	} {
		if f.path == "" {
			continue
		}
		if _, err := os.Stat(f.path); err != nil {
			return fmt.Errorf("--%s: %w", f.flag, err)
		}
	}
	for _, u := range []struct{ flag, value string }{{"alertmanager-url", c.alertmanagerURL}, {"external-url", c.externalURL}} {
		if u.value == "" {
			continue
		}
		parsed, err := url.Parse(u.value)
		if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
			return fmt.Errorf("--%s must be an absolute http or https URL", u.flag)
		}
	}
	for _, l := range []struct{ flag, address, tokenFlag, tokenFile string }{
		{"http", c.http, "api-token-file", c.apiTokenFile},
		{"otlp-grpc", c.otlpGRPC, "otlp-token-file", c.otlpTokenFile},
		{"otlp-http", c.otlpHTTP, "otlp-token-file", c.otlpTokenFile},
	} {
		loopback, err := isLoopback(l.address)
		if err != nil {
			return fmt.Errorf("--%s %s: %w", l.flag, l.address, err)
		}
		if loopback || c.insecure || (l.tokenFile != "" && c.tlsCert != "") {
			continue
		}
		return fmt.Errorf("--%s %s is reachable from other machines: give --%s, --tls-cert and --tls-key, or say --insecure if something else protects it",
			l.flag, l.address, l.tokenFlag)
	}
	return nil
}

// checkTimes refuses bounds that contradict each other.
func (c *config) checkTimes() error {
	switch {
	case c.lateness < time.Minute || c.lateness > maxLateness:
		return fmt.Errorf("--lateness %s must lie between 1m and %s", c.lateness, maxLateness)
	case c.dedupHorizon < time.Second || c.dedupHorizon > c.lateness:
		return fmt.Errorf("--dedup-horizon %s must lie between 1s and --lateness (%s)", c.dedupHorizon, c.lateness)
	case c.journalMaxAge < c.dedupHorizon:
		return fmt.Errorf("--journal-max-age %s must not be below --dedup-horizon (%s): the journal is what repeats are recognised by", c.journalMaxAge, c.dedupHorizon)
	case int64(c.journalMaxSize) < failpoint.Number("LEAST_JOURNAL_BYTES", leastJournal):
		return fmt.Errorf("--journal-max-size %s must be at least %s", c.journalMaxSize.String(), "128MiB")
	}
	return nil
}

// maxLateness is the longest lateness bound. The ledger takes whatever was
// accepted within it, so that a change of the setting changes no count.
const maxLateness = 30 * 24 * time.Hour

// leastJournal is two segments.
const leastJournal = int64(128 << 20)

// isLoopback reports whether an address can be reached from this machine only.
func isLoopback(address string) (bool, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false, errors.New("expected HOST:PORT, as in 127.0.0.1:8080")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false, fmt.Errorf("%q is not a port", port)
	}
	if host == "localhost" {
		return true, nil
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback(), nil
}

// externalBase is the URL under which the page is linked.
func (c *config) externalBase() string {
	if c.externalURL != "" {
		return strings.TrimSuffix(c.externalURL, "/")
	}
	scheme := "http"
	if c.tlsCert != "" {
		scheme = "https"
	}
	return scheme + "://" + c.http
}
