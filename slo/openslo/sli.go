package openslo

import "github.com/slowburn-slo/slowburn/slo"

// The fields of the two kinds of metric.
const (
	thresholdMetric = "thresholdMetric"
	ratioMetric     = "ratioMetric"
)

// indicatorContent is what an SLI says, alone or inline.
type indicatorContent struct {
	metadata    metadata
	description string
	// path is where its spec stands in its document.
	path string
	// threshold is the one of a thresholdMetric, the others are of a ratioMetric.
	threshold, total, good, bad, raw *source
	rawType                          slo.RawType
	// metric is the field of its metric, read or not; empty if it has none, or two.
	metric string
	// gauge says that counter is false in so many words.
	gauge bool
}

// indicatorChoice is an indicator inline, or the name of one.
type indicatorChoice struct {
	ref    string
	inline *indicatorContent
	// path is the field that was chosen.
	path string
}

// indicatorChoice reads indicator or indicatorRef of an object, or neither.
func (r *reader) indicatorChoice(o object) *indicatorChoice {
	inline, ref := o.get("indicator"), o.get("indicatorRef")
	switch {
	case inline.present() && ref.present():
		r.refuse(ref, "stands beside indicator: keep one")
		return &indicatorChoice{path: ref.path}
	case ref.present():
		return &indicatorChoice{path: ref.path, ref: r.reference(ref, slo.KindSLI)}
	case inline.present():
		read := &indicatorChoice{path: inline.path}
		if parts, ok := r.asObject(inline, []string{"metadata", "spec"}); ok {
			m := r.requiredMetadata(parts, slo.KindSLI)
			if spec := parts.get("spec"); r.required(spec) {
				read.inline = r.sli(m, spec)
			}
		}
		return read
	default:
		return nil
	}
}

// sli reads the spec of an SLI.
func (r *reader) sli(m metadata, v value) *indicatorContent {
	read := &indicatorContent{metadata: m, path: v.path}
	o, ok := r.asObject(v, []string{"description", thresholdMetric, ratioMetric})
	if !ok {
		return read
	}
	read.description, _ = r.prose(o.get("description"), maxDescription)
	threshold, ratio := o.get(thresholdMetric), o.get(ratioMetric)
	switch {
	case threshold.present() && ratio.present():
		r.refuse(v, "has both thresholdMetric and ratioMetric: keep one")
	case threshold.present():
		read.metric = thresholdMetric
		read.threshold = r.metric(threshold, true)
	case ratio.present():
		read.metric = ratioMetric
		r.ratio(ratio, read)
	default:
		r.refuse(v, "needs ratioMetric or thresholdMetric")
	}
	return read
}

func (r *reader) ratio(v value, into *indicatorContent) {
	o, ok := r.asObject(v, []string{"counter", "good", "bad", "total", "rawType", "raw"})
	if !ok {
		return
	}
	if counter := o.get("counter"); counter.present() {
		set, ok := r.flag(counter)
		into.gauge = ok && !set
	}
	total, good, bad, raw := o.get("total"), o.get("good"), o.get("bad"), o.get("raw")
	if raw.present() {
		r.rawRatio(o, into)
		return
	}
	if rawType := o.get("rawType"); rawType.present() {
		r.warn(rawType, "has no effect without raw")
	}
	if !total.present() {
		r.refuse(v, "needs total beside good or bad, or raw alone")
	} else {
		into.total = r.metric(total, false)
	}
	switch {
	case good.present() && bad.present():
		r.refuse(v, "has both good and bad: keep one")
	case good.present():
		into.good = r.metric(good, false)
		r.checkPart(into.good, into.total)
	case bad.present():
		into.bad = r.metric(bad, false)
		r.checkPart(into.bad, into.total)
	case total.present():
		r.refuse(v, "needs good or bad beside total")
	}
}

// rawRatio reads a ratio that is computed already.
func (r *reader) rawRatio(o object, into *indicatorContent) {
	for _, name := range []string{"total", "good", "bad"} {
		if v := o.get(name); v.present() {
			r.refuse(v, "stands beside raw: keep one")
		}
	}
	into.raw = r.metric(o.get("raw"), true)
	into.rawType = slo.RawType(r.choice(o.get("rawType"), "rawType", string(slo.RawSuccess), string(slo.RawFailure)))
}

// checkPart checks good or bad, which are judged only on what total selects, as
// far as both are known.
func (r *reader) checkPart(part, total *source) {
	if part == nil || total == nil || part.spans == nil || total.spans == nil {
		return
	}
	if a, b := part.spans.Service, total.spans.Service; a != "" && b != "" && a != b {
		path := part.path + ".spec.service"
		r.refuse(value{path: path, line: r.lines[path]}, "is %q, but total selects %q: no span would match; leave it out", excerpt(a), excerpt(b))
	}
}
