package convert

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pyrraIndicator writes each kind of indicator as good or bad of all events.
func (r *reader) pyrraIndicator(f field) ratioMetric {
	o := r.object(f, "ratio", "latency", "latency_native", "bool_gauge")
	if len(o.members) != 1 {
		r.refuse(f, "must have exactly one of ratio, latency, latencyNative and bool_gauge, has %d", len(o.members))
		return ratioMetric{}
	}
	var m ratioMetric
	switch {
	case o.get("ratio").present():
		ratio := r.grouped(o.get("ratio"), "errors", "total")
		m = ratioMetric{Bad: r.increase(ratio.get("errors")), Total: r.increase(ratio.get("total"))}
	case o.get("latency").present():
		latency := r.grouped(o.get("latency"), "success", "total")
		m = ratioMetric{Good: r.increase(latency.get("success")), Total: r.increase(latency.get("total"))}
	case o.get("latency_native").present():
		m = r.nativeLatency(o.get("latency_native"))
	default:
		gauge := r.grouped(o.get("bool_gauge"), "metric")
		metric := r.selector(gauge.get("metric"))
		r.note(gauge.self, "each sample of the gauge is an event, good if it is 1, as Pyrra counts")
		m = ratioMetric{
			Good:  query("sum(sum_over_time(" + metric + "[{{.window}}]))"),
			Total: query("sum(count_over_time(" + metric + "[{{.window}}]))"),
		}
	}
	counter := false // Increases rise and fall.
	m.Counter = &counter
	return m
}

// nativeLatency asks a native histogram.
func (r *reader) nativeLatency(f field) ratioMetric {
	o := r.grouped(f, "total", "latency")
	metric := r.selector(r.object(o.get("total"), "metric").get("metric"))
	latency := r.required(o.get("latency"))
	limit, ok := seconds(latency)
	if latency != "" && !ok {
		r.refuse(o.get("latency"), "%q is not a duration: write one such as 250ms", excerpt(latency))
	}
	r.note(f, "the events within %s are estimated between the buckets of the native histogram, as Pyrra does", excerpt(latency))
	histogram := "sum(increase(" + metric + "[{{.window}}]))"
	return ratioMetric{
		Good:  query(fmt.Sprintf("histogram_fraction(0, %s, %s) * histogram_count(%s)", limit, histogram, histogram)),
		Total: query("histogram_count(" + histogram + ")"),
	}
}

// seconds reads a duration of Prometheus in one unit.
func seconds(text string) (string, bool) {
	m := regexp.MustCompile(`^(\d{1,9})(ms|s|m|h)$`).FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	units := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > int64(1<<62/units[m[2]]) {
		return "", false
	}
	return strconv.FormatFloat((time.Duration(n) * units[m[2]]).Seconds(), 'f', -1, 64), n > 0
}

// grouped reads an indicator with its grouping.
func (r *reader) grouped(f field, known ...string) fields {
	o := r.object(f, append(known, "grouping")...)
	var labels []string
	for _, item := range r.items(o.get("grouping")) {
		labels = append(labels, excerpt(r.text(item)))
	}
	if len(labels) > 0 {
		r.note(o.get("grouping"), "one budget holds for all groups together, where Pyrra kept one for each of: %s", strings.Join(labels, ", "))
	}
	return o
}

// increase is how much the metric of a member grew over the window.
func (r *reader) increase(f field) *metric {
	return query("sum(increase(" + r.selector(r.object(f, "metric").get("metric")) + "[{{.window}}]))")
}

// selector is a bare selector of PromQL, as Pyrra has metrics: anything else
// would change its meaning within increase().
func (r *reader) selector(f field) string {
	text := r.required(f)
	if text != "" && !bareSelector(text) {
		r.refuse(f, "%q is not a bare selector, such as http_requests_total{code=~\"5..\"}", excerpt(text))
	}
	return text
}

func bareSelector(text string) bool {
	const quoted = `"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|` + "`[^`]*`"
	matchers := `\{(?:[^{}"'` + "`" + `]|` + quoted + `)*\}`
	return regexp.MustCompile(`^(?s:[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:` + matchers + `)?|` + matchers + `)$`).MatchString(text)
}
