package slotest_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/internal/slotest"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// checkout is the path of the example objectives from a test file anywhere.
func checkout(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../examples/slos/checkout.yaml")
	require.NoError(t, err)
	return path
}

func TestTheExamplesHold(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/slo-tests/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		reports, err := slotest.Run(file)
		require.NoError(t, err)
		var text bytes.Buffer
		require.NoError(t, slotest.Write(&text, reports))
		t.Log(text.String())
		for _, r := range reports {
			require.Zero(t, r.Failed(), r.Name)
		}
	}
}

func TestTheDocumentedTestHolds(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/testing-objectives.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	require.True(t, found)
	text, _, _ := strings.Cut(rest, "```")
	reports, err := slotest.Run(write(t, "test.yaml", strings.ReplaceAll(text, "../slos/checkout.yaml", checkout(t))))
	require.NoError(t, err)
	require.Len(t, reports[0].Checks, 7)
	require.Zero(t, reports[0].Failed(), "%+v", reports[0].Checks)
	require.Contains(t, string(page), "because:  480 bad of 12000 events in the last 2m burn at 40x, 80 bad of 1000 events in the last 10s to 20s at 80x. It fires when both reach 100x.")
}

func TestTelemetryInEachFormCountsTheSame(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("../../examples/slo-tests/recorded.json")
	require.NoError(t, err)
	whole := ptrace.NewTraces()
	var messages []byte
	for line := range strings.Lines(string(recorded)) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces([]byte(line))
		require.NoError(t, err)
		data, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
		require.NoError(t, err)
		messages = append(binary.BigEndian.AppendUint32(messages, uint32(len(data))), data...)
		traces.ResourceSpans().MoveAndAppendTo(whole.ResourceSpans())
	}
	one, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(whole)
	require.NoError(t, err)
	for form, data := range map[string][]byte{"JSON lines": recorded, "one message": one, "messages with lengths": messages} {
		telemetry := write(t, "telemetry", string(data))
		file := write(t, "test.yaml", `
openslo: `+checkout(t)+`
slo: checkout-fast
telemetry: [`+telemetry+`]
expect: [{counts: {good: 16, bad: 3, unknown: 0}}]
`)
		reports, err := slotest.Run(file)
		require.NoError(t, err, form)
		require.Zero(t, reports[0].Failed(), "%s: %+v", form, reports[0].Checks)
	}
}

func TestWhatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	file := write(t, "test.yaml", `openslo: `+checkout(t)+`
slo: checkout-availability
scenario:
  - {for: 2h, rate: 100/s}
  - {for: 15m, rate: 100/s, errors: 8%}
expect:
  - {fires: fast, after: 2h, within: 1m}
  - {state: ok}
  - {never: 1h}
  - {counts: {bad: 3}}
  - {budget: {is: 99%}}
  - {resolves: 1h}
`)
	reports, err := slotest.Run(file)
	require.NoError(t, err)
	require.Equal(t, 6, reports[0].Failed(), "%+v", reports[0].Checks)
	var text bytes.Buffer
	require.NoError(t, slotest.Write(&text, reports))
	for _, part := range []string{
		":7: checkout-availability", "expected: fast fires within 1m after 2h", "found:    it never fired",
		"because:  480 bad of 12000 events in the last 2m burn at 40x, 80 bad of 1000 events in the last 10s to 20s at 80x. It fires when both reach 100x.", "1h fired at 2h", "7200 bad of 810000 events in the window",
		"0 of 6 expectations of 1 tests were met.",
	} {
		require.Contains(t, text.String(), part)
	}

	text.Reset()
	require.NoError(t, slotest.WriteJSON(&text, reports))
	var decoded []struct {
		OK           bool
		Expectations []struct{ Line int }
	}
	require.NoError(t, json.Unmarshal(text.Bytes(), &decoded))
	require.False(t, decoded[0].OK)
	require.Equal(t, 7, decoded[0].Expectations[0].Line)

	text.Reset()
	require.NoError(t, slotest.WriteJUnit(&text, reports))
	var suites struct {
		Suites []struct {
			Failures int `xml:"failures,attr"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(text.Bytes(), &suites))
	require.Equal(t, 6, suites.Suites[0].Failures)
}

func TestFaultsNameTheLine(t *testing.T) {
	t.Parallel()
	head := "openslo: " + checkout(t) + "\nslo: checkout-fast\n"
	scenario := "scenario: [{for: 10m, rate: 1/s}]\n"
	expect := "expect: [{state: ok}]\n"
	for text, fault := range map[string]string{
		"":                                "holds no test",
		head + scenario:                   ":1: expect is required",
		"slo: x\n" + scenario + expect:    ":1: openslo is required",
		head + expect:                     ":1: say what happens",
		head + scenario + expect + "x: 1": `:5: the field "x" is not known here`,
		head + "scenario:\n  - {for: 10m, rat: 1/s}\n" + expect:                                            `:4: the field "rat" is not known here`,
		head + "scenario:\n  - {for: 10m, rate: 1}\n" + expect:                                             `:4: "1" is no rate`,
		head + "scenario:\n  - {for: 15s, rate: 1/s}\n" + expect:                                           ":4: for is required",
		head + "scenario:\n  - {for: ten, rate: 1/s}\n" + expect:                                           `:4: "ten" is no length of time`,
		head + "scenario:\n  - {for: 10m}\n" + expect:                                                      ":4: say a rate",
		head + "scenario:\n  - {for: 10m, rate: 1/s, silence: true}\n" + expect:                            ":4: rate and silence",
		head + "scenario:\n  - {for: 10m, rate: 1/s, errors: 60%, unknown: 50%}\n" + expect:                "more than all events",
		head + "scenario:\n  - {for: 10m, rate: 1/s, errors: much}\n" + expect:                             `"much" is no share`,
		head + "scenario:\n  - {for: 10m, rate: 1/s, objectives: {nobody: {rate: 2/s}}}\n" + expect:        ":4: objectives: checkout-fast has no objective nobody",
		head + scenario + "expect:\n  - {state: fine}\n":                                                   `:5: state "fine" is none of`,
		head + scenario + "expect:\n  - {state: ok, never: page}\n":                                        ":5: expect one thing each",
		head + scenario + "expect:\n  - {state: ok, at: 1d}\n":                                             ":5: 2026-01-06T00:00:00Z lies outside",
		head + scenario + "expect:\n  - {state: ok, within: 1m}\n":                                         ":5: after and within",
		head + scenario + "expect:\n  - {never: page, at: 1m}\n":                                           ":5: at goes with",
		head + scenario + "expect:\n  - {fires: slowly}\n":                                                 ":5: no tier has the name or the severity slowly",
		head + scenario + "expect:\n  - {counts: {goood: 1}}\n":                                            ":5: ",
		head + scenario + "expect:\n  - {counts: {good: many}}\n":                                          ":5: ",
		head + scenario + "expect:\n  - {state: ok, objective: 7}\n":                                       ":5: checkout-fast has no objective 7",
		"openslo: nowhere.yaml\n" + scenario + expect:                                                      "nowhere.yaml",
		"openslo: " + checkout(t) + "\n" + scenario + expect:                                               "several SLOs, name one: checkout-availability, checkout-fast",
		head + "telemetry: nowhere.json\n" + expect:                                                        "nowhere.json",
		head + "telemetry: " + write(t, "bad.json", "{}\n{\"resourceSpans\": 1}\n") + "\n" + expect:        "line 2 is no OTLP in JSON",
		head + "telemetry: " + write(t, "bad.bin", "\x00\x00\x00\x03\xff\xff\xff") + "\n" + expect:         "message 1",
		head + "telemetry: " + write(t, "empty.json", "{\"resourceSpans\": []}\n") + "\n" + expect:         "no span of the telemetry is an event",
		head + "telemetry: " + write(t, "cut.bin", "\x00\x00\x00\x01\x0a\x00\x00\x00\x09") + "\n" + expect: "message 1",
	} {
		_, err := slotest.Run(write(t, "test.yaml", text))
		require.ErrorContains(t, err, fault, text)
		require.NotContains(t, err.Error(), "slotest.", text)
	}
}

func TestScenariosOfComposites(t *testing.T) {
	t.Parallel()
	document := write(t, "slo.yaml", `apiVersion: openslo/v1
kind: SLO
metadata: {name: journey}
spec:
  service: shop
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - displayName: search
      target: 0.99
      indicator: &first
        metadata: {name: search}
        spec:
          ratioMetric:
            counter: true
            total: {metricSource: {type: Spans, spec: {service: search}}}
            bad: {metricSource: {type: Spans, spec: {condition: span.status.code == STATUS_CODE_ERROR}}}
    - displayName: pay
      target: 0.999
      compositeWeight: 2
      indicator:
        metadata: {name: pay}
        spec:
          ratioMetric:
            counter: true
            total: {metricSource: {type: Spans, spec: {service: pay}}}
            bad: {metricSource: {type: Spans, spec: {condition: span.status.code == STATUS_CODE_ERROR}}}
`)
	reports, err := slotest.Run(write(t, "test.yaml", `
openslo: `+document+`
scenario:
  - {for: 1h, rate: 7/m}
  - {for: 10m, rate: 7/m, objectives: {pay: {rate: 100/s, errors: 50%}}}
expect:
  - {objective: search, counts: {good: 490, bad: 0}}
  - {objective: pay, counts: {good: 30420, bad: 30000}}
  - {objective: composite, state: exhausted}
  - {fires: page, after: 1h, within: 1m}
  - {objective: "1", never: source-silent}
`))
	require.NoError(t, err)
	for _, r := range reports {
		require.Zero(t, r.Failed(), "%+v", r.Checks)
	}
}

// maintained is checkout-availability with a maintenance window.
func maintained(t *testing.T, exclusion string) string {
	t.Helper()
	text, err := os.ReadFile(checkout(t))
	require.NoError(t, err)
	document, _, _ := strings.Cut(string(text), "\n---\n")
	const runbook = "    slowburn.dev/runbook:"
	require.Contains(t, document, runbook)
	return write(t, "slo.yaml", strings.Replace(document, runbook, "    slowburn.dev/exclusions: '["+exclusion+"]'\n"+runbook, 1))
}

func TestMaintenanceIsNotJudged(t *testing.T) {
	t.Parallel()
	const scenario = `
scenario:
  - {for: 1d, rate: 10/s}
  - {for: 1h, rate: 10/s, errors: 50%}
  - {for: 1h, rate: 10/s}
`
	weekly := `{start: "2025-12-30 00:00", duration: 1h, rrule: "FREQ=WEEKLY", timeZone: UTC, as: AS, reason: x}`
	for name, test := range map[string]struct{ exclusion, expect string }{
		"what is dropped counts nowhere": {
			strings.ReplaceAll(weekly, "AS", "drop"), "[{never: page}, {never: ticket}, {state: ok}, {counts: {good: 900000, bad: 0}}, {budget: {is: 100%}}]",
		},
		"what counts as good does": {
			strings.ReplaceAll(weekly, "AS", "good"), "[{never: page}, {state: ok}, {counts: {good: 936000, bad: 0}}, {budget: {is: 100%}}]",
		},
		"an outage at another time pages": {
			strings.ReplaceAll(strings.ReplaceAll(weekly, "AS", "drop"), "2025-12-30", "2025-12-31"), "[{fires: fast, after: 1d, within: 1m}, {counts: {bad: 18000}}]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reports, err := slotest.Run(write(t, "test.yaml", "openslo: "+maintained(t, test.exclusion)+scenario+"expect: "+test.expect+"\n"))
			require.NoError(t, err)
			require.Zero(t, reports[0].Failed(), "%+v", reports[0].Checks)
		})
	}
	_, err := slotest.Run(write(t, "test.yaml", "openslo: "+maintained(t, `{start: "2026-01-06 00:00", duration: 1h, rrule: weekly, as: drop}`)+scenario+"expect: [{state: ok}]\n"))
	require.ErrorContains(t, err, "exclusion 0")
}
