package indicator_test

import (
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// noon is when records arrive, unless a test says otherwise.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// span is a span of a test: by default of the service "checkout", of kind
// server, it ended a minute before noon after 100 ms.
type span struct {
	service    string
	noService  bool
	kind       ptrace.SpanKind
	name       string
	status     ptrace.StatusCode
	attributes map[string]any
	end        time.Time
	took       time.Duration
	noStart    bool
	noEnd      bool
}

func traces(spans ...span) ptrace.Traces {
	all := ptrace.NewTraces()
	for _, s := range spans {
		resource := all.ResourceSpans().AppendEmpty()
		switch {
		case s.noService:
		case s.service == "":
			resource.Resource().Attributes().PutStr("service.name", "checkout")
		default:
			resource.Resource().Attributes().PutStr("service.name", s.service)
		}
		s.fill(resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty())
	}
	return all
}

func (s span) fill(to ptrace.Span) {
	to.SetName(s.name)
	to.SetKind(ptrace.SpanKindServer)
	if s.kind != ptrace.SpanKindUnspecified {
		to.SetKind(s.kind)
	}
	to.Status().SetCode(s.status)
	if err := to.Attributes().FromRaw(s.attributes); err != nil {
		panic(err)
	}
	end, took := s.end, s.took
	if end.IsZero() {
		end = noon().Add(-time.Minute)
	}
	if took == 0 {
		took = 100 * time.Millisecond
	}
	if !s.noEnd {
		to.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
	}
	if !s.noStart {
		to.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-took)))
	}
}

// record is a journal record of traces that arrived at noon.
func record(t require.TestingT, all ptrace.Traces) slo.Record {
	payload, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(all)
	require.NoError(t, err)
	return slo.Record{Offset: 1, Kind: slo.RecordTraces, Arrival: noon(), Payload: payload}
}

func compiler(t require.TestingT) *indicator.Compiler {
	c, err := indicator.NewCompiler()
	require.NoError(t, err)
	return c
}

func compile(t require.TestingT, indicators ...slo.Indicator) *indicator.Set {
	set, err := compiler(t).Compile(seriesOf(indicators...))
	require.NoError(t, err)
	return set
}

func seriesOf(indicators ...slo.Indicator) []slo.Series {
	set := make([]slo.Series, len(indicators))
	for i := range indicators {
		set[i] = indicators[i].Series()
	}
	return set
}

// drained judges a record and returns what a commit would get.
func drained(t require.TestingT, set *indicator.Set, records ...slo.Record) slo.Commit {
	tally := indicator.NewTally(indicator.Limits{})
	for _, r := range records {
		require.NoError(t, set.Judge(r, tally))
	}
	var c slo.Commit
	tally.Drain(&c)
	return c
}

// total sums the deltas of a series.
func total(c slo.Commit, id slo.SeriesID) slo.Counts {
	var sum slo.Counts
	for _, d := range c.Deltas {
		if d.Series == id {
			sum = sum.Plus(d.Counts)
		}
	}
	return sum
}

// checkout is the indicator of the design's example.
func checkout() slo.Indicator {
	return slo.Indicator{
		Total: slo.SpanSource{Service: "checkout", Condition: "span.kind == SPAN_KIND_SERVER"},
		Good:  &slo.SpanSource{Condition: "span.status.code != STATUS_CODE_ERROR", MaxDuration: 300 * time.Millisecond},
	}
}
