package indicator

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// maxSamples is how many spans of each verdict a sampler keeps.
	maxSamples = 5
	// The bounds of what is shown of a span.
	maxAttributes     = 12
	maxAttributeBytes = 200
)

// Sampler judges records by one indicator and keeps the newest spans of each
// verdict. It is not safe for concurrent use.
type Sampler struct {
	set     *Set
	tally   *Tally
	preview slo.Preview
}

// Sampler compiles an indicator to be tried. It refuses one that cannot be
// judged (see Check; a value needs its threshold, too), and leaves what Compile
// made as it is.
func (c *Compiler) Sampler(i slo.Indicator, limits Limits) (*Sampler, error) {
	if _, err := c.Check(i); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := newBuilder(c, 1)
	b.add(i.Series())
	if err := errors.Join(b.faults...); err != nil {
		return nil, err
	}
	return &Sampler{set: b.finish(), tally: NewTally(limits)}, nil
}

// Judge counts the spans of a record (see Set.Judge).
func (s *Sampler) Judge(r slo.Record) error { return s.set.judge(r, s.tally, nil, s.see) }

// Preview is what was counted so far, raw series in units of slo.RawUnit; From, To and Whole are the caller's.
func (s *Sampler) Preview() slo.Preview {
	var c slo.Commit
	s.tally.Drain(&c)
	for _, d := range c.Deltas {
		s.preview.Counts = s.preview.Counts.Plus(d.Counts)
	}
	for _, service := range c.Services {
		s.preview.Spans += service.Spans
	}
	return s.preview
}

// see keeps the span at hand if it is one of the newest of its verdict.
func (s *Sampler) see(j *judge, o outcome) {
	samples := &s.preview.Unknown
	switch {
	case o == good, o == divided && 2*j.share >= slo.RawUnit: // What it is for the most part.
		samples = &s.preview.Good
	case o == bad, o == divided:
		samples = &s.preview.Bad
	}
	end := j.current.end.AsTime()
	if n := len(*samples); n == maxSamples && !end.After(endOf((*samples)[n-1])) {
		return
	}
	*samples = append(*samples, j.sample())
	slices.SortStableFunc(*samples, func(a, b slo.SpanSample) int { return endOf(b).Compare(endOf(a)) })
	*samples = (*samples)[:min(len(*samples), maxSamples)]
}

func endOf(s slo.SpanSample) time.Time { return s.Start.Add(s.Duration) }

// sample describes the span at hand.
func (j *judge) sample() slo.SpanSample {
	span := j.current.span
	start, end := span.StartTimestamp().AsTime(), span.EndTimestamp().AsTime()
	out := slo.SpanSample{
		TraceID: span.TraceID().String(), SpanID: span.SpanID().String(), Service: slo.CleanService(j.service),
		Name: slo.CleanName(span.Name()), Kind: strings.ToLower(span.Kind().String()),
		Status: strings.ToLower(span.Status().Code().String()), Message: short(span.Status().Message()),
		Start: start, Duration: end.Sub(start),
	}
	for key, value := range span.Attributes().All() {
		out.Attributes = append(out.Attributes, attribute(key, value))
	}
	slices.SortFunc(out.Attributes, func(a, b slo.Attribute) int { return cmp.Compare(a.Key, b.Key) })
	out.Attributes = out.Attributes[:min(len(out.Attributes), maxAttributes)]
	return out
}

func attribute(key string, value pcommon.Value) slo.Attribute {
	return slo.Attribute{Key: slo.CleanName(key), Value: short(value.AsString())}
}

func short(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxAttributeBytes {
		return text
	}
	return strings.ToValidUTF8(text[:maxAttributeBytes], "") + "…"
}
