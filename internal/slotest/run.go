package slotest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/exclusion"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// Report is what became of one test.
type Report struct {
	File string
	Name string
	SLO  string
	// From and To are the first and the last instant that was judged.
	From, To time.Time
	// Warnings are what was read otherwise than it is written.
	Warnings []string
	Checks   []Check
}

// Check is one expectation and what was found.
type Check struct {
	Line int
	OK   bool
	// Expected and Found are in words; Why is what the verdict says of itself,
	// empty where that explains nothing.
	Expected, Found, Why string
}

// Failed is how many expectations were not met.
func (r Report) Failed() int {
	failed := 0
	for _, c := range r.Checks {
		if !c.OK {
			failed++
		}
	}
	return failed
}

// maxDocument bounds a file of tests or of OpenSLO, in bytes.
const maxDocument = 1 << 20

// readDocument reads a file that people wrote.
func readDocument(file string) ([]byte, error) {
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	data, err := io.ReadAll(io.LimitReader(opened, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = fmt.Errorf("%s holds more than %d bytes: divide it", file, maxDocument)
	}
	return data, err
}

// Run runs the tests of a file. The error says what is wrong with the files; an
// expectation that is not met is none.
func Run(file string) ([]Report, error) {
	data, err := readDocument(file)
	if err != nil {
		return nil, fmt.Errorf("read the test: %w", err)
	}
	tests, err := parse(file, data)
	if err != nil {
		return nil, err
	}
	var reports []Report
	for i := range tests {
		report, err := tests[i].run()
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (t *test) run() (Report, error) {
	definition, warnings, err := Load(beside(t.file, t.OpenSLO), t.SLO)
	if err != nil {
		return Report{}, err
	}
	r := Report{File: t.file, Name: t.Name, SLO: definition.Name}
	if r.Name == "" {
		r.Name = filepath.Base(t.file)
	}
	for _, w := range warnings {
		r.Warnings = append(r.Warnings, w.Error())
	}
	series, from, to, err := t.series(definition)
	if err != nil {
		return Report{}, err
	}
	r.From, r.To = from, to
	c := checker{definition: definition, from: from, to: to}
	for i := range t.Expect {
		if err := c.prepare(&t.Expect[i]); err != nil {
			return Report{}, fmt.Errorf("%s:%d: %w", t.file, t.Expect[i].line, err)
		}
	}
	c.result, err = simulate.Run(definition, series, from, to, simulate.Options{
		CountedSince: from, At: c.instants, BudgetPoints: 1, Expand: exclusion.Expand,
	})
	if err != nil {
		return Report{}, fmt.Errorf("%s:%d: %w", t.file, t.line, err)
	}
	for i := range t.Expect {
		check, err := c.check(&t.Expect[i])
		if err != nil {
			return Report{}, fmt.Errorf("%s:%d: %w", t.file, t.Expect[i].line, err)
		}
		r.Checks = append(r.Checks, check)
	}
	return r, nil
}

// series are the buckets of the test, and the first and the last instant.
func (t *test) series(definition slo.SLO) (series simulate.Series, from, to time.Time, err error) {
	from = t.Start.Time
	if len(t.Scenario) > 0 {
		if from.IsZero() {
			from = scenarioStart()
		}
		series, to, err = t.scenario(definition, from)
	} else {
		if series, err = telemetry(definition, beside(t.file, t.Telemetry)); err == nil {
			from, to, err = reach(series, from)
		}
	}
	if err != nil {
		return nil, from, to, err
	}
	to = t.Until.from(from, to)
	if !from.Before(to) {
		return nil, from, to, fmt.Errorf("%s:%d: it ends at %s, where it starts or before", t.file, t.line, to.Format(time.RFC3339))
	}
	return series, from, to, nil
}

// reach is where telemetry begins, unless that was said, and where it ends.
func reach(series simulate.Series, from time.Time) (first, last time.Time, err error) {
	first = from
	for _, buckets := range series {
		for _, b := range buckets {
			if from.IsZero() && (first.IsZero() || b.Slice.Start().Before(first)) {
				first = b.Slice.Start()
			}
			if b.Slice.End().After(last) {
				last = b.Slice.End()
			}
		}
	}
	if last.IsZero() {
		return first, last, errors.New("no span of the telemetry is an event of the SLO: look at its service and conditions")
	}
	return first, last, nil
}
