package convert

import (
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Pyrra reads Pyrra's objectives, resources ServiceLevelObjective of
// pyrra.dev/v1alpha1, as OpenSLO v1 documents. Notes and errors are as in Sloth.
//
// Pyrra's alerts become four policies, scaled to the window as Pyrra does it, at
// the factors 14, 7, 2 and 1. Its metrics become increases over {{.window}},
// summed over all series.
func Pyrra(file string, data []byte) ([]byte, []string, error) {
	return convert(file, data, (*reader).pyrra)
}

// pyrra reads one document.
func (r *reader) pyrra(root field) {
	top := r.object(root, "api_version", "kind", "metadata", "spec", "status")
	version, kind := r.text(top.get("api_version")), r.text(top.get("kind"))
	if version != "pyrra.dev/v1alpha1" || kind != "ServiceLevelObjective" {
		r.refuse(field{node: root.node}, "is %q of %q: ServiceLevelObjective of pyrra.dev/v1alpha1 is read", excerpt(kind), excerpt(version))
		return
	}
	meta := r.object(top.get("metadata"), "name", "labels", "namespace")
	name := r.required(meta.get("name"))
	if name == "" {
		return
	}
	r.subject = "SLO " + excerpt(name)
	r.object(top.get("status"))
	m := r.named(meta.get("name"), name)
	m.Labels = r.pyrraLabels(meta.get("labels"))
	if namespace := r.line(meta.get("namespace"), maxLine); namespace != "" {
		r.note(meta.get("namespace"), "%s is a label: OpenSLO has no namespaces", excerpt(namespace))
		m.Labels = merged(map[string][]string{"namespace": {namespace}}, m.Labels)
	}
	m.Labels = bounded(r, meta.get("labels"), m.Labels)
	spec := r.object(top.get("spec"), "target", "window", "indicator", "description", "alerting", "performance_over_accuracy", "partial_response_strategy")
	for _, left := range []string{"performance_over_accuracy", "partial_response_strategy"} {
		if spec.get(left).present() {
			r.note(spec.get(left), "is not carried over: it is about how Prometheus computes")
		}
	}
	window, length := r.pyrraWindow(spec.get("window"))
	target := r.percent(spec.get("target"))
	out := sloSpec{
		Description: r.description(spec.get("description")), Service: r.pyrraService(meta.get("labels"), m),
		Indicator:  document{Metadata: metadata{Name: m.Name}, Spec: indicatorSpec{Ratio: r.pyrraIndicator(spec.get("indicator"))}},
		Windows:    []timeWindow{{Duration: window, Rolling: true}},
		Method:     string(slo.Occurrences),
		Objectives: []objective{{TargetPercent: number(target.Percent())}},
		Policies:   r.pyrraAlerting(spec.get("alerting"), target, m.Name, length),
	}
	r.out = append(r.out, document{Version: "openslo/v1", Kind: "SLO", Metadata: m, Spec: out})
}

// pyrraLabels are those that Pyrra gives to its rules: those of its prefix,
// without it.
func (r *reader) pyrraLabels(f field) map[string][]string {
	all := map[string][]string{}
	raw := r.texts(f, func(value field) string { return r.line(value, maxLine) })
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		name, own := strings.CutPrefix(key, "pyrra.dev/")
		if clean := cleanKey(name); own && clean == name {
			all[name] = []string{raw[key]}
			continue
		}
		r.note(f, "%s is not carried over: labels that begin with pyrra.dev/ are", excerpt(key))
	}
	return all
}

// pyrraService is the service of an SLO, which Pyrra does not know.
func (r *reader) pyrraService(at field, m metadata) string {
	for _, key := range []string{"service", "app", "job"} {
		if label := m.Labels[key]; len(label) == 1 && label[0] != "" {
			return label[0]
		}
	}
	r.note(at, "the SLO belongs to the service %s, its own name: Pyrra knows no services", m.Name)
	return m.Name
}

// pyrraWindow reads a duration of Prometheus, and returns it as OpenSLO has it.
func (r *reader) pyrraWindow(f field) (string, time.Duration) {
	text := r.required(f)
	if text == "" {
		return "", 0
	}
	var length time.Duration
	rest := text
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"y", 365 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if m := regexp.MustCompile(`^(\d{1,6})` + unit.name).FindStringSubmatch(rest); m != nil {
			n, _ := new(big.Int).SetString(m[1], 10)
			length += min(time.Duration(n.Int64()), slo.MaxWindow/unit.length+1) * unit.length
			rest = rest[len(m[0]):]
		}
	}
	if rest != "" || length < slo.MinWindow || length > slo.MaxWindow {
		r.refuse(f, "%q is not a window from 1h to 400d: write one such as 4w", excerpt(text))
		return "", 0
	}
	return short(length), length
}

// short is a duration of whole minutes in OpenSLO's one unit.
func short(d time.Duration) string {
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}} {
		if d%unit.length == 0 {
			return fmt.Sprintf("%d%s", d/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}
