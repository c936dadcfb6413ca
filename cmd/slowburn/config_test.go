package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// complete parses a command line, an environment and a file.
func complete(t *testing.T, args []string, env map[string]string, file string) (config, error) {
	t.Helper()
	var c config
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	c.bind(flags)
	if file != "" {
		path := filepath.Join(t.TempDir(), "slowburn.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		args = append(args, "--config", path)
	}
	require.NoError(t, flags.Parse(args))
	err := c.complete(flags, func(name string) string { return env[name] })
	return c, err
}

func TestTheCommandLineWinsOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	t.Parallel()
	c, err := complete(t,
		[]string{"--data-dir", "from-flag"},
		map[string]string{"SLOWBURN_DATA_DIR": "from-env", "SLOWBURN_SLOS": "main.go", "SLOWBURN_INSECURE": "true"},
		"data-dir: from-file\nslos: config.go\nalerting: serve.go\nallowed-hosts: [a.example, b.example]\nhttp: 0.0.0.0:80\n")
	require.NoError(t, err)
	require.Equal(t, "from-flag", c.dataDir)
	require.Equal(t, "main.go", c.slos)
	require.Equal(t, "serve.go", c.alerting)
	require.Equal(t, []string{"a.example", "b.example"}, c.allowedHosts)
	require.True(t, c.insecure)
}

func TestDefaultsAreSafe(t *testing.T) {
	t.Parallel()
	c, err := complete(t, nil, nil, "")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", c.http)
	require.Equal(t, "127.0.0.1:4317", c.otlpGRPC)
	require.Equal(t, "127.0.0.1:4318", c.otlpHTTP)
	require.Equal(t, "./data", c.dataDir)
	require.False(t, c.insecure)
}

func TestWhatCannotWorkIsRefusedByName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		env  map[string]string
		file string
		want string
	}{
		"an open page":                        {args: []string{"--http", "0.0.0.0:8080"}, want: "--http 0.0.0.0:8080 is reachable from other machines"},
		"an open page on every address":       {args: []string{"--http", ":8080"}, want: "--api-token-file"},
		"open OTLP":                           {args: []string{"--otlp-grpc", "192.0.2.1:4317"}, want: "--otlp-token-file"},
		"tokens without TLS":                  {args: []string{"--http", ":8080", "--api-token-file", "config.go"}, want: "--tls-cert"},
		"half of TLS":                         {args: []string{"--tls-key", "x"}, want: "belong together"},
		"a role that does not exist":          {args: []string{"--role", "collector"}, want: "does not exist yet"},
		"an address without a port":           {args: []string{"--http", "localhost"}, want: "HOST:PORT"},
		"a port that is none":                 {args: []string{"--http", "127.0.0.1:x"}, want: "not a port"},
		"a relative Alertmanager":             {args: []string{"--alertmanager-url", "alertmanager:9093"}, want: "--alertmanager-url"},
		"a wrong value in the environment":    {env: map[string]string{"SLOWBURN_INSECURE": "perhaps"}, want: "SLOWBURN_INSECURE"},
		"an unknown key":                      {file: "data-dir: x\nport: 80\n", want: `slowburn.yaml:2: unknown key "port"`},
		"a key given twice":                   {file: "http: 127.0.0.1:1\nslos: .\nhttp: 127.0.0.1:2\n", want: "slowburn.yaml:3: http is given twice"},
		"a token file that is not there":      {args: []string{"--api-token-file", "/nonexistent"}, want: "--api-token-file: stat /nonexistent"},
		"a folder of SLOs that is not there":  {args: []string{"--slos", "/nonexistent"}, want: "--slos: stat /nonexistent"},
		"a list where one value is expected":  {file: "http: {a: b}\n", want: "http: expected one value"},
		"a file that is no mapping":           {file: "- a\n", want: "expected keys and values"},
		"a file that names another file":      {file: "config: other.yaml\n", want: "unknown key"},
		"a file that is not YAML":             {file: "a: [\n", want: "slowburn.yaml"},
		"a missing file":                      {args: []string{"--config", "/nonexistent"}, want: "/nonexistent"},
		"a wrong value in the file, its line": {file: "\ninsecure: perhaps\n", want: "slowburn.yaml:2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := complete(t, test.args, test.env, test.file)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestLoopbackMayListenOpenly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "127.8.9.1:80", "[::1]:8080", "localhost:8080"} {
		_, err := complete(t, []string{"--http", address}, nil, "")
		require.NoError(t, err, address)
	}
	_, err := complete(t, []string{"--http", ":8080", "--api-token-file", "config.go", "--tls-cert", "main.go", "--tls-key", "main.go"}, nil, "")
	require.NoError(t, err)
}

func TestTheExampleConfigurationLoads(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../deploy/examples/slowburn.yaml")
	require.NoError(t, err)
	var keys map[string]string
	require.NoError(t, yaml.Unmarshal(data, &keys))
	_, err = complete(t, []string{"--slos", "../../examples/slos", "--alerting", "../../deploy/examples/alerting.yml"}, nil, string(data))
	require.NoError(t, err)
	_, err = readAlerting("../../deploy/examples/alerting.yml")
	require.NoError(t, err)
}

// TestTheExampleConfigurationNamesEveryFlag also reads what is commented out,
// which must stand with its default where there is one.
func TestTheExampleConfigurationNamesEveryFlag(t *testing.T) {
	t.Parallel()
	const example = "../../deploy/examples/slowburn.yaml"
	text, err := os.ReadFile(example)
	require.NoError(t, err)
	whole := regexp.MustCompile(`(?m)^# ([a-z-]+: \S+)`).ReplaceAll(text, []byte("$1"))

	var c config
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	c.bind(flags)
	c.file = filepath.Join(t.TempDir(), "slowburn.yaml")
	require.NoError(t, os.WriteFile(c.file, whole, 0o600))
	require.NoError(t, c.readFile(flags))
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "config" { // The file itself.
			return
		}
		require.True(t, flag.Changed, "%s lacks the key %s", example, flag.Name)
		if flag.DefValue != "" && flag.DefValue != "[]" && flag.Name != "data-dir" {
			require.Equal(t, flag.DefValue, flag.Value.String(), "%s: %s must stand with its default", example, flag.Name)
		}
	})
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		want int
		args []string
	}{
		{0, []string{"version"}},
		{0, []string{"--help"}},
		{2, []string{"server"}},
		{2, []string{"serve", "now"}},
		{2, []string{"serve", "--role", "web"}},
		{2, []string{"serve", "--colour"}},
		{1, []string{"serve", "--data-dir", "/proc/none"}},
	} {
		var stdout, stderr bytes.Buffer
		got := execute(t.Context(), test.args, func(string) string { return "" }, nil, &stdout, &stderr)
		require.Equal(t, test.want, got, "%v: %s%s", test.args, stdout.String(), stderr.String())
	}
}
