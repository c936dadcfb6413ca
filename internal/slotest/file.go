// Package slotest tests objectives as people do in their own CI: a test file
// names an OpenSLO document, telemetry that was recorded or a scenario, and what
// is expected of budgets, states and alerts.
package slotest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// The limits of one test file.
const (
	maxBytes = 1 << 20
	maxTests = 1000
)

// test is one document of a test file.
type test struct {
	// file is its name, line where the document begins.
	file string
	line int

	// Name is shown in reports; empty is the name of the file.
	Name string `yaml:"name"`
	// OpenSLO are files with the SLO and all that it refers to, relative to the
	// test file. SLO names it; it may be left out where there is only one.
	OpenSLO paths  `yaml:"openslo"`
	SLO     string `yaml:"slo"`
	// Start is the first instant; of telemetry, if it is left out, the slice of
	// the first event.
	Start instant `yaml:"start"`
	// Until is the last instant; left out it is where the scenario or the
	// telemetry ends.
	Until moment `yaml:"until"`
	// One of both says what happens.
	Scenario  []stretch `yaml:"scenario"`
	Telemetry paths     `yaml:"telemetry"`

	Expect []expectation `yaml:"expect"`
}

// stretch is a time in which the same goes on.
type stretch struct {
	For length `yaml:"for"`
	// Traffic is what every objective sees; Objectives are those that see
	// something else, by index or display name.
	traffic    `yaml:",inline"`
	Objectives map[string]traffic `yaml:"objectives"`

	line int
}

// traffic is what one objective sees.
type traffic struct {
	Rate    rate  `yaml:"rate"`
	Errors  share `yaml:"errors"`
	Unknown share `yaml:"unknown"`
	Silence bool  `yaml:"silence"`
}

// expectation is one thing that must be so: State, Budget, Counts, Fires, Never
// or Resolves.
type expectation struct {
	Objective string `yaml:"objective"`

	State  string        `yaml:"state"`
	Budget *budgetBounds `yaml:"budget"`
	Counts *countsWanted `yaml:"counts"`
	// At is the instant of these three; left out it is the end.
	At moment `yaml:"at"`

	// Fires and Resolves name a tier, or a severity for any of its tiers.
	Fires    string `yaml:"fires"`
	Resolves string `yaml:"resolves"`
	// After is where the time begins that Within bounds; left out they are the
	// beginning and all of it.
	After  moment `yaml:"after"`
	Within length `yaml:"within"`

	// Never names what must not fire between From and Until.
	Never string `yaml:"never"`
	From  moment `yaml:"from"`
	Until moment `yaml:"until"`

	line int
}

type budgetBounds struct {
	Is      *share `yaml:"is"`
	AtLeast *share `yaml:"atLeast"`
	AtMost  *share `yaml:"atMost"`
}

type countsWanted struct {
	Good    *int64 `yaml:"good"`
	Bad     *int64 `yaml:"bad"`
	Unknown *int64 `yaml:"unknown"`
}

// UnmarshalYAML notes the line.
func (s *stretch) UnmarshalYAML(node *yaml.Node) error {
	type plain stretch
	if err := strictly(node, (*plain)(s)); err != nil {
		return err
	}
	s.line = node.Line
	return nil
}

// UnmarshalYAML notes the line.
func (e *expectation) UnmarshalYAML(node *yaml.Node) error {
	type plain expectation
	if err := strictly(node, (*plain)(e)); err != nil {
		return err
	}
	e.line = node.Line
	return nil
}

// strictly decodes a mapping and refuses keys that are not known: a decoder
// forgets to where a type reads itself.
func strictly(node *yaml.Node, into any) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: expected fields, as in \"state: ok\"", node.Line)
	}
	known := keysOf(into)
	for i := 0; i < len(node.Content); i += 2 {
		if key := node.Content[i]; !slices.Contains(known, key.Value) {
			return fmt.Errorf("line %d: the field %q is not known here: known are %s", key.Line, key.Value, strings.Join(known, ", "))
		}
	}
	return node.Decode(into)
}

// parse reads the tests of a file.
func parse(file string, data []byte) ([]test, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%s holds more than %d bytes", file, maxBytes)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var tests []test
	for len(tests) <= maxTests {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault(file, err)
		}
		if len(node.Content) == 0 || node.Content[0].Tag == "!!null" {
			continue
		}
		t := test{file: file, line: node.Content[0].Line}
		if err := strictly(node.Content[0], &t); err != nil {
			return nil, fault(file, err)
		}
		if err := t.check(); err != nil {
			return nil, fault(file, err)
		}
		tests = append(tests, t)
	}
	switch {
	case len(tests) == 0:
		return nil, fmt.Errorf("%s holds no test", file)
	case len(tests) > maxTests:
		return nil, fmt.Errorf("%s holds more than %d tests", file, maxTests)
	}
	return tests, nil
}

// fault puts the name of the file before the line.
func fault(file string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n  ")
	text = regexp.MustCompile(`into (slotest\.\w+|\*?\w+)`).ReplaceAllString(text, "here")
	if rest, found := strings.CutPrefix(text, "line "); found {
		return fmt.Errorf("%s:%s", file, rest)
	}
	return fmt.Errorf("%s: %s", file, text)
}

// check refuses tests that say too little, or two things at once.
func (t *test) check() error {
	at := func(line int, format string, args ...any) error {
		return fmt.Errorf("line %d: "+format, append([]any{line}, args...)...)
	}
	switch {
	case len(t.OpenSLO) == 0:
		return at(t.line, "openslo is required: the file with the SLO")
	case len(t.Scenario) == 0 && len(t.Telemetry) == 0:
		return at(t.line, "say what happens: a scenario, or files of telemetry")
	case len(t.Scenario) > 0 && len(t.Telemetry) > 0:
		return at(t.line, "scenario and telemetry are both given: keep one of them")
	case len(t.Expect) == 0:
		return at(t.line, "expect is required: a test that expects nothing proves nothing")
	}
	for _, s := range t.Scenario {
		if err := s.check(); err != nil {
			return at(s.line, "%w", err)
		}
	}
	for _, e := range t.Expect {
		if err := e.check(); err != nil {
			return at(e.line, "%w", err)
		}
	}
	return nil
}

func (s stretch) check() error {
	if s.For.Duration <= 0 || s.For.Duration%(10*time.Second) != 0 {
		return errors.New("for is required: how long it goes on, a multiple of 10s")
	}
	all := []traffic{s.traffic}
	for name, one := range s.Objectives {
		if one.empty() {
			return fmt.Errorf("objectives: %s: say a rate, or silence: true", name)
		}
		all = append(all, one)
	}
	if s.empty() && len(s.Objectives) == 0 {
		return errors.New("say a rate, as in 50/s, or silence: true")
	}
	for _, one := range all {
		switch {
		case one.Silence && one.Rate.perSecond != nil:
			return errors.New("rate and silence are both given: keep one of them")
		case one.Rate.perSecond == nil && (one.Errors.ratio != nil || one.Unknown.ratio != nil):
			return errors.New("errors and unknown are shares of the events of a rate: say that as well")
		case one.Errors.float()+one.Unknown.float() > 1+1e-12:
			return errors.New("errors and unknown are more than all events")
		}
	}
	return nil
}

func (t traffic) empty() bool { return t.Rate.perSecond == nil && !t.Silence }

// check refuses what is not exactly one expectation.
func (e expectation) check() error {
	kinds := 0
	for _, given := range []bool{e.State != "", e.Budget != nil, e.Counts != nil, e.Fires != "", e.Resolves != "", e.Never != ""} {
		if given {
			kinds++
		}
	}
	instant, lasting := e.State != "" || e.Budget != nil || e.Counts != nil, e.Fires != "" || e.Resolves != ""
	switch {
	case kinds != 1:
		return errors.New("expect one thing each: state, budget, counts, fires, resolves or never")
	case e.At.given() && !instant:
		return errors.New("at goes with state, budget and counts: write after and within for fires and resolves, from and until for never")
	case (e.After.given() || e.Within.Duration > 0) && !lasting:
		return errors.New("after and within go with fires and resolves")
	case (e.From.given() || e.Until.given()) && e.Never == "":
		return errors.New("from and until go with never")
	case e.State != "" && !slices.Contains([]string{"ok", "burning", "exhausted", "unmeasured"}, e.State):
		return fmt.Errorf("state %q is none of ok, burning, exhausted, unmeasured", e.State)
	case e.Budget != nil && e.Budget.Is == nil && e.Budget.AtLeast == nil && e.Budget.AtMost == nil:
		return errors.New("budget: say is, atLeast or atMost, as in {atLeast: 40%}")
	case e.Counts != nil && e.Counts.Good == nil && e.Counts.Bad == nil && e.Counts.Unknown == nil:
		return errors.New("counts: say good, bad or unknown")
	default:
		return nil
	}
}
