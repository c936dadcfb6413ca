package alerting_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo/alerting"
)

// lines makes a text of its lines.
func lines(l ...string) string { return strings.Join(l, "\n") }

func TestParseConfigReadsTheRoutedReceiver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config string
		// want is "<id> <endpoint as printed>" of every webhook.
		want []string
	}{
		"one webhook": {
			config: lines(
				"route:",
				"  receiver: ops",
				"receivers:",
				"  - name: ops",
				"    webhook_configs:",
				"      - url: http://localhost:9000/hook",
			),
			want: []string{"webhook/ops/0 http://localhost:9000"},
		},
		"several webhooks of one of several receivers, the route after them": {
			config: lines(
				"receivers:",
				"  - name: nobody",
				"  - name: ops",
				"    webhook_configs: [{url: 'https://a.example/x?key=1'}, {url: 'http://user:pw@b.example'}]",
				"route: {receiver: ops}",
			),
			want: []string{"webhook/ops/0 https://a.example", "webhook/ops/1 http://b.example"},
		},
		"aliases stand for their anchors": {
			config: lines(
				"route: {receiver: &name ops}",
				"receivers:",
				"  - {name: spare, webhook_configs: &hooks [{url: 'http://a.example'}]}",
				"  - {name: *name, webhook_configs: *hooks}",
			),
			want: []string{"webhook/ops/0 http://a.example"},
		},
		"JSON is YAML": {
			config: `{"route": {"receiver": "ops"}, "receivers": [{"name": "ops", "webhook_configs": [{"url": "http://a.example"}]}]}`,
			want:   []string{"webhook/ops/0 http://a.example"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := alerting.ParseConfig("alerting.yml", []byte(c.config))
			require.NoError(t, err)
			var got []string
			for _, w := range config.Webhooks {
				got = append(got, fmt.Sprintf("%s %v", w.ID, w.Endpoint))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestParseConfigRefusesByNameWithTheLine(t *testing.T) {
	t.Parallel()
	const receivers = "receivers: [{name: ops, webhook_configs: [{url: 'http://a.example'}]}]"
	for name, c := range map[string]struct{ config, want string }{
		"all faults at once, in the order of the file": {
			config: lines(
				"global:",
				"  resolve_timeout: 5m",
				"route:",
				"  receiver: ops",
				"  group_by: [slo]",
				"  grup_by: [slo]",
				"  routes: []",
				"inhibit_rules: []",
				"recivers: []",
				"receivers:",
				"  - name: ops",
				"    slack_configs: []",
				"    webhook_configs:",
				"      - url: http://a.example",
				"        send_resolved: true",
				"        http_config: {}",
				"      - url_file: /etc/secret",
				"        urll: http://b.example",
			),
			want: lines(
				"am.yml:1: global is not supported yet",
				"am.yml:5: route.group_by is not supported yet",
				"am.yml:6: unknown field route.grup_by",
				"am.yml:7: route.routes is not supported yet",
				"am.yml:8: inhibit_rules is not supported yet",
				"am.yml:9: unknown field recivers",
				"am.yml:12: receivers[0].slack_configs is not supported yet",
				"am.yml:15: receivers[0].webhook_configs[0].send_resolved is not supported yet",
				"am.yml:16: receivers[0].webhook_configs[0].http_config is not supported yet",
				"am.yml:17: receivers[0].webhook_configs[1].url_file is not supported yet",
				"am.yml:17: receivers[0].webhook_configs[1].url is required",
				"am.yml:18: unknown field receivers[0].webhook_configs[1].urll",
			),
		},
		"an empty file":           {"# nothing\n", "am.yml: is empty: route and receivers are required"},
		"no route":                {receivers, "am.yml:1: route.receiver is required: it names the receiver that is told"},
		"an empty receiver":       {"route: {receiver: ''}\n" + receivers, "am.yml:1: route.receiver must be a text and not empty"},
		"an unknown receiver":     {"route: {receiver: dev}\n" + receivers, `am.yml:1: route.receiver names "dev", which is not among the receivers`},
		"a list where a map goes": {"- a", "am.yml:1: the configuration must be a mapping of fields to values\nam.yml:1: route.receiver is required: it names the receiver that is told"},
		"a map where a list goes": {"route: {receiver: ops}\nreceivers: {}", "am.yml:1: route.receiver names \"ops\", which is not among the receivers\nam.yml:2: receivers must be a list"},
		"two documents":           {receivers + "\n---\na: 1\n", "am.yml: line 2: a second document begins here: an alerting configuration is one document"},
		"a merge key": {
			"x: &x {receiver: ops}\nroute: {<<: *x}\n" + receivers,
			lines("am.yml:1: unknown field x", "am.yml:1: route.receiver is required: it names the receiver that is told",
				"am.yml:2: route: merge keys (<<) are not supported yet: write the fields out"),
		},
		"a field given twice": {
			"route: {receiver: ops}\nroute: {receiver: dev}\n" + receivers, "am.yml:2: route is given twice",
		},
		"two receivers of one name": {
			"route: {receiver: ops}\nreceivers:\n- {name: ops, webhook_configs: [{url: 'http://a.example'}]}\n- name: ops\n",
			`am.yml:4: receivers[1].name: another receiver is called "ops" too`,
		},
		"a receiver without a name": {
			"route: {receiver: ops}\nreceivers: [{name: ops, webhook_configs: [{url: 'http://a.example'}]}, {}]",
			"am.yml:2: receivers[1].name is required",
		},
		"a routed receiver that tells nobody": {
			"route: {receiver: ops}\nreceivers: [{name: ops}]", `am.yml:1: receiver "ops" has no webhook_configs: nobody would be told`,
		},
		"a hostile field name": {
			"route: {receiver: ops}\n\"a\\u0007\\nb\": 1\n" + receivers, "am.yml:2: unknown field a b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := alerting.ParseConfig("am.yml", []byte(c.config))
			require.EqualError(t, err, c.want)
			require.Empty(t, config.Webhooks)
		})
	}
}

func TestParseConfigRefusesBrokenYAMLWithTheLine(t *testing.T) {
	t.Parallel()
	_, err := alerting.ParseConfig("am.yml", []byte("route:\n  receiver: [\n"))
	require.ErrorContains(t, err, "am.yml: yaml: line ")
	_, err = alerting.ParseConfig("am.yml", make([]byte, 1<<20+1))
	require.EqualError(t, err, "am.yml: is larger than 1 MiB")
}

func TestParseConfigRefusesURLsWithoutRepeatingThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ url, want string }{
		"no scheme":        {"hooks.example/s3cret", "must be an absolute URL that begins with http:// or https://"},
		"another scheme":   {"ftp://a:s3cret@hooks.example/", "must be an absolute URL that begins with http:// or https://"},
		"no host":          {"https:///s3cret", "names no host"},
		"a bad port":       {"https://user:s3cret@hooks.example:s3cret/", "is not a valid URL"},
		"a bad escape":     {"https://hooks.example/%zs3cret", "is not a valid URL"},
		"a control symbol": {"https://hooks.example/s3cret\x7f", "is not a valid URL"},
		"a template":       {"https://hooks.example/{{ .s3cret }}", "templates are not supported yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := fmt.Sprintf("route: {receiver: ops}\nreceivers: [{name: ops, webhook_configs: [{url: %q}]}]", c.url)
			_, err := alerting.ParseConfig("am.yml", []byte(config))
			require.ErrorContains(t, err, "am.yml:2: receivers[0].webhook_configs[0].url")
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestEndpointPrintsNoSecret(t *testing.T) {
	t.Parallel()
	config := oneWebhook(t, "https://s3cret-user:s3cret@hooks.example/s3cret?s3cret=1#s3cret")
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(format, config)
		require.Contains(t, text, "hooks.example", format)
		require.NotContains(t, text, "s3cret", format)
	}
}

// oneWebhook is a configuration with one webhook of the receiver ops.
func oneWebhook(t *testing.T, urls ...string) alerting.Config {
	t.Helper()
	text := "route: {receiver: ops}\nreceivers:\n- name: ops\n  webhook_configs:\n"
	for _, u := range urls {
		text += fmt.Sprintf("  - url: %q\n", u)
	}
	config, err := alerting.ParseConfig("am.yml", []byte(text))
	require.NoError(t, err)
	return config
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://a'}]}]"))
	f.Add([]byte("a: &a [*a]\nroute: *a\n"))
	f.Add([]byte("# only a comment"))
	f.Add([]byte("---\n---\n"))
	f.Add([]byte("? [a]\n: b\n<<: 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := alerting.ParseConfig("fuzz.yml", data)
		if err != nil {
			require.Empty(t, config.Webhooks)
			for line := range strings.SplitSeq(err.Error(), "\n") {
				require.True(t, strings.HasPrefix(line, "fuzz.yml:"), line)
			}
			return
		}
		require.NotEmpty(t, config.Webhooks, "an accepted configuration tells somebody")
		for _, w := range config.Webhooks {
			require.NotEmpty(t, w.Endpoint.String())
		}
	})
}
