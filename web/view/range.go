package view

import (
	"net/url"
	"strconv"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Range is the stretch of time that a page shows. It is part of the page's
// address: by its length up to now ("range=6h"), or by both ends in whole
// seconds since 1970 ("from=…&to=…").
type Range struct {
	From, To time.Time
	// Key is the length as the address has it, "6h"; empty for two fixed ends.
	Key string
	// Path and Query are the page's address without the range.
	Path  string
	Query url.Values
	// Lengths are the lengths to choose from, "1h", "6h".
	Lengths []string
}

// RangeChoice is one length that a reader can choose.
type RangeChoice struct {
	Text, Link string
	Current    bool
}

// Choices are the lengths to choose from.
func (r Range) Choices() []RangeChoice {
	choices := make([]RangeChoice, 0, len(r.Lengths))
	for _, length := range r.Lengths {
		choices = append(choices, RangeChoice{
			Text: length, Link: r.link("range", length), Current: length == r.Key,
		})
	}
	return choices
}

// Fixed reports that the range has two fixed ends and does not move with time.
func (r Range) Fixed() bool { return r.Key == "" }

// Text names the range: "the last 6h", or its ends.
func (r Range) Text() string {
	if !r.Fixed() {
		return "the last " + r.Key
	}
	layout := "2006-01-02 15:04:05"
	return r.From.UTC().Format(layout) + " to " + r.To.UTC().Format(layout) + " UTC"
}

// Earlier and Later are the ranges of the same length before and after.
func (r Range) Earlier() string { return r.shifted(-r.To.Sub(r.From)) }

// Later is the range of the same length that follows.
func (r Range) Later() string { return r.shifted(r.To.Sub(r.From)) }

func (r Range) shifted(by time.Duration) string { return r.fixed(r.From.Add(by), r.To.Add(by)) }

// fixed is the page's address with two fixed ends.
func (r Range) fixed(from, to time.Time) string {
	query := r.rest()
	query.Set("from", strconv.FormatInt(from.Unix(), 10))
	query.Set("to", strconv.FormatInt(to.Unix(), 10))
	return r.Path + "?" + query.Encode()
}

func (r Range) link(key, value string) string {
	query := r.rest()
	query.Set(key, value)
	return r.Path + "?" + query.Encode()
}

// rest is the query without the range.
func (r Range) rest() url.Values {
	query := url.Values{}
	for key, values := range r.Query {
		if key != "range" && key != "from" && key != "to" {
			query[key] = values
		}
	}
	return query
}

// Length is how long the range is: "6h".
func (r Range) Length() string { return slo.FormatDuration(r.To.Sub(r.From)) }
