package slotest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// Write prints reports as text: a line for each expectation, and why for those
// that were not met.
func Write(w io.Writer, reports []Report) error {
	expectations, failed := 0, 0
	for _, r := range reports {
		for _, warning := range r.Warnings {
			if _, err := fmt.Fprintf(w, "warning %s\n", warning); err != nil {
				return err
			}
		}
		for _, c := range r.Checks {
			if err := c.write(w, r); err != nil {
				return err
			}
		}
		expectations, failed = expectations+len(r.Checks), failed+r.Failed()
	}
	_, err := fmt.Fprintf(w, "%d of %d expectations of %d tests were met.\n", expectations-failed, expectations, len(reports))
	return err
}

func (c Check) write(w io.Writer, r Report) error {
	if c.OK {
		_, err := fmt.Fprintf(w, "ok      %s:%d: %s: %s: %s\n", r.File, c.Line, r.SLO, c.Expected, c.Found)
		return err
	}
	_, err := fmt.Fprintf(w, "FAILED  %s:%d: %s\n        expected: %s\n        found:    %s\n", r.File, c.Line, r.SLO, c.Expected, c.Found)
	if err == nil && c.Why != "" {
		_, err = fmt.Fprintf(w, "        because:  %s\n", c.Why)
	}
	return err
}

type reportJSON struct {
	File     string      `json:"file"`
	Name     string      `json:"name"`
	SLO      string      `json:"slo"`
	From     time.Time   `json:"from"`
	To       time.Time   `json:"to"`
	OK       bool        `json:"ok"`
	Warnings []string    `json:"warnings"`
	Checks   []checkJSON `json:"expectations"`
}

type checkJSON struct {
	Line     int    `json:"line"`
	OK       bool   `json:"ok"`
	Expected string `json:"expected"`
	Found    string `json:"found"`
	Why      string `json:"because"`
}

// WriteJSON prints reports as one JSON array.
func WriteJSON(w io.Writer, reports []Report) error {
	all := []reportJSON{}
	for _, r := range reports {
		one := reportJSON{
			File: r.File, Name: r.Name, SLO: r.SLO, From: r.From, To: r.To, OK: r.Failed() == 0,
			Warnings: append([]string{}, r.Warnings...), Checks: []checkJSON{},
		}
		for _, c := range r.Checks {
			one.Checks = append(one.Checks, checkJSON(c))
		}
		all = append(all, one)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(all)
}

// The form that CI systems read.
type (
	suitesXML struct {
		XMLName xml.Name   `xml:"testsuites"`
		Suites  []suiteXML `xml:"testsuite"`
	}
	suiteXML struct {
		Name     string    `xml:"name,attr"`
		Tests    int       `xml:"tests,attr"`
		Failures int       `xml:"failures,attr"`
		Cases    []caseXML `xml:"testcase"`
	}
	caseXML struct {
		Name    string      `xml:"name,attr"`
		Class   string      `xml:"classname,attr"`
		File    string      `xml:"file,attr"`
		Line    int         `xml:"line,attr"`
		Failure *failureXML `xml:"failure"`
	}
	failureXML struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit prints reports as JUnit XML.
func WriteJUnit(w io.Writer, reports []Report) error {
	var all suitesXML
	for _, r := range reports {
		suite := suiteXML{Name: r.Name, Tests: len(r.Checks), Failures: r.Failed()}
		for _, c := range r.Checks {
			one := caseXML{Name: c.Expected, Class: r.SLO, File: r.File, Line: c.Line}
			if !c.OK {
				one.Failure = &failureXML{Message: "found: " + c.Found, Text: c.Why}
			}
			suite.Cases = append(suite.Cases, one)
		}
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
