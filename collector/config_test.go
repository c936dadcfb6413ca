package collector_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/collector"
)

func TestUserConfigurationsThatBreakThePromiseAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ content, says string }{
		"a batch processor": {
			"processors: {batch: }\nservice: {pipelines: {traces: {processors: [memory_limiter, batch]}}}",
			"processors::batch: a batch processor answers OK before the data is on disk",
		},
		"a named batch processor": {"processors: {batch/large: {timeout: 1s}}", "processors::batch/large: a batch processor"},
		"a pipeline with a batch processor": {
			"service: {pipelines: {metrics: {processors: [batch]}}}", "service::pipelines::metrics::processors: a batch processor",
		},
		"a sending queue": {
			"exporters: {journal: {sending_queue: {enabled: true}}}", "exporters::journal::sending_queue: the journal exporter takes no queue",
		},
		"a retry": {
			"exporters: {journal/second: {retry_on_failure: {enabled: true}}}", "exporters::journal/second::retry_on_failure: the journal exporter takes no queue, no retry",
		},
		"no pipeline that feeds the journal": {
			"service: {pipelines: null}\nexporters: null", "service::pipelines: no pipeline of traces or metrics has the exporter journal",
		},
		"a receiver that this program does not have": {
			"receivers: {jaeger: {protocols: {grpc: }}}", `receivers::jaeger: this program has no receiver of type "jaeger"; it has otlp`,
		},
		"an exporter that this program does not have": {
			"exporters: {otlp/backup: {endpoint: x}}", `exporters::otlp/backup: this program has no exporter of type "otlp"; it has journal`,
		},
		"a connector": {"connectors: {spanmetrics: }", `connectors::spanmetrics: this program has no connectors; take "spanmetrics" out`},
		"an extension that this program does not have": {
			"extensions: {pprof: }", `extensions::pprof: this program has no extension of type "pprof"; it has decompress, token_auth`,
		},
		"an unknown key":                {"receivers: {otlp: {protocols: {grpc: {endpiont: x}}}}", "endpiont"},
		"an unknown section":            {"receiver: {otlp: }", "receiver"},
		"telemetry of its own":          {"service: {telemetry: {metrics: {level: detailed}}}", "telemetry"},
		"a processor that is not there": {"service: {pipelines: {traces: {processors: [memory_limiter/b]}}}", "memory_limiter/b"},
		"a value of the wrong type":     {"processors: {memory_limiter: {check_interval: soon}}", "check_interval"},
		"a section of the wrong type":   {"receivers: [otlp]", "receivers"},
		"a memory limit out of range":   {"processors: {memory_limiter: {limit_percentage: 0}}", "processors::memory_limiter"},
		"an endpoint without a port":    {"receivers: {otlp: {protocols: {grpc: {endpoint: localhost}}}}", `protocols::grpc::endpoint: "localhost" is not host:port`},
		"an endpoint beyond loopback":   {"receivers: {otlp: {protocols: {http: {endpoint: '0.0.0.0:4318'}}}}", "protocols::http::endpoint: 0.0.0.0:4318 can be reached"},
		"a second open receiver": {
			"receivers: {otlp/b: {protocols: {grpc: {endpoint: '[::]:4319'}}}}\nservice: {pipelines: {traces: {receivers: [otlp, otlp/b]}}}",
			"receivers::otlp/b::protocols::grpc::endpoint: [::]:4319 can be reached",
		},
		"a variable that is not set":                {"receivers: {otlp: {protocols: {grpc: {endpoint: '${env:SLOWBURN_TEST_UNSET}'}}}}", `"SLOWBURN_TEST_UNSET" is not set`},
		"a file that is not there":                  {"receivers: {otlp: {protocols: {grpc: {endpoint: '${file:/does/not/exist}'}}}}", "/does/not/exist"},
		"text that is no YAML":                      {"receivers:\n\t- otlp", "line 2"},
		"YAML that is no mapping":                   {"- otlp", "is not a YAML mapping"},
		"an empty pipeline":                         {"service: {pipelines: {traces/b: }}", "service::pipelines::traces/b: must have at least one receiver"},
		"a pipeline taken out":                      {"service: {pipelines: {traces: null}}", "service::pipelines::traces: must have at least one receiver"},
		"a list without the extension that decodes": {"service: {extensions: []}", "service::extensions: lacks decompress"},
		"a pipeline of profiles":                    {"service: {pipelines: {profiles: {receivers: [otlp], exporters: [journal]}}}", "profiles"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, "collector.yaml", test.content)
			_, err := collector.New(collector.Settings{Journal: newJournal(), UserConfig: path})
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, path)
		})
	}
}

func TestAUserConfigurationCannotSwitchProtectionOff(t *testing.T) {
	t.Parallel()
	cert, key, _ := certificate(t)
	tokens := writeFile(t, "tokens", "token-of-team-a")
	tests := map[string]struct{ content, says string }{
		"no authenticator":       {"receivers: {otlp: {protocols: {http: {auth: null}}}}", "receivers::otlp::protocols::http::auth: is missing"},
		"no TLS":                 {"receivers: {otlp: {protocols: {grpc: {tls: null}}}}", "receivers::otlp::protocols::grpc::tls: is missing"},
		"another extension list": {"service: {extensions: []}", "service::extensions: lacks token_auth, which receivers::otlp::protocols::grpc uses"},
		"a receiver without": {
			"receivers: {otlp/b: {protocols: {grpc: {endpoint: 'localhost:4319'}}}}\nservice: {pipelines: {traces: {receivers: [otlp/b]}}}",
			"receivers::otlp/b::protocols::grpc::auth: is missing",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := collector.New(collector.Settings{
				Journal: newJournal(), TokenFile: tokens, TLSCert: cert, TLSKey: key,
				UserConfig: writeFile(t, "collector.yaml", test.content),
			})
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	t.Parallel()
	cert, key, _ := certificate(t)
	good := collector.Settings{Journal: newJournal()}
	tests := map[string]struct {
		change func(s *collector.Settings)
		says   string
	}{
		"no journal":                 {func(s *collector.Settings) { s.Journal = nil }, "a journal is required"},
		"a certificate without key":  {func(s *collector.Settings) { s.TLSCert = cert }, "both a certificate and a key"},
		"a key that is not there":    {func(s *collector.Settings) { s.TLSCert, s.TLSKey = cert, key+"x" }, key + "x"},
		"a token file not there":     {func(s *collector.Settings) { s.TokenFile = "/does/not/exist" }, "/does/not/exist"},
		"a token file without token": {func(s *collector.Settings) { s.TokenFile = writeFile(t, "tokens", "# none\n") }, "holds no token"},
		"an endpoint without a port": {func(s *collector.Settings) { s.HTTPEndpoint = "here" }, `collector settings: receivers::otlp::protocols::http::endpoint: "here" is not host:port`},
		"a user file not there":      {func(s *collector.Settings) { s.UserConfig = "/does/not/exist" }, "/does/not/exist"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			test.change(&s)
			_, err := collector.New(s)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestAUserConfigurationIsMergedOverTheSettings(t *testing.T) {
	t.Setenv("SLOWBURN_TEST_PORT", "5318")
	tests := map[string]struct {
		content string
		want    []string
	}{
		"an empty file changes nothing": {"", []string{"grpc 127.0.0.1:5000", "http 127.0.0.1:4318"}},
		"an endpoint is replaced":       {"receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:5317'}}}}", []string{"grpc 127.0.0.1:5317", "http 127.0.0.1:4318"}},
		"variables are expanded": {
			"receivers: {otlp: {protocols: {http: {endpoint: '${env:SLOWBURN_TEST_HOST:-localhost}:${SLOWBURN_TEST_PORT}'}}}}",
			[]string{"grpc 127.0.0.1:5000", "http localhost:5318"},
		},
		"a second receiver is added": {
			"receivers: {otlp/b: {protocols: {grpc: {endpoint: '[::1]:5317'}}}}\nservice: {pipelines: {traces: {receivers: [otlp, otlp/b]}}}",
			[]string{"grpc [::1]:5317", "grpc 127.0.0.1:5000", "http 127.0.0.1:4318"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := collector.New(collector.Settings{
				Journal: newJournal(), GRPCEndpoint: "127.0.0.1:5000", UserConfig: writeFile(t, "collector.yaml", test.content),
			})
			require.NoError(t, err)
			require.ElementsMatch(t, test.want, c.Endpoints())
		})
	}
}

func TestADollarInAPathIsNotExpanded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "${env:HOME}$$tokens")
	require.NoError(t, os.WriteFile(path, []byte("token-of-team-a"), 0o600))
	start(t, collector.Settings{TokenFile: path})
}

func FuzzUserConfig(f *testing.F) {
	for _, seed := range []string{
		"", "- a", "receivers: {otlp: }", "exporters: {journal: {a: 1}}", "service: {pipelines: {traces: {receivers: [otlp]}}}",
		"processors: {memory_limiter: {check_interval: ${env:A:-1s}}}", "receivers: {otlp: {protocols: {grpc: {endpoint: ':1'}}}}", "1: {2: 3}", "a: &a [*a]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		if strings.Contains(content, "file:") {
			return // A fuzzer shall not read files.
		}
		path := writeFile(t, "collector.yaml", content)
		if _, err := collector.New(collector.Settings{Journal: newJournal(), UserConfig: path}); err != nil {
			require.ErrorContains(t, err, path)
		}
	})
}
