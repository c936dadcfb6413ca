package convert

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// Sloth reads Sloth's objectives, files of version prometheus/v1 and resources
// PrometheusServiceLevel of sloth.slok.dev/v1, as OpenSLO v1 documents. The
// notes say what is not carried over, and what is written otherwise; the error
// is slo.DocumentErrors.
//
// Sloth's window of 30 days becomes a rolling one, its default alerts become
// four policies. Sloth's own budget of the period is a mean of ratios of five
// minutes; here it is bad events of all events.
func Sloth(file string, data []byte) ([]byte, []string, error) {
	return convert(file, data, (*reader).sloth)
}

// slothBurns are the alerts of a severity that Sloth makes for 28 and 30 days.
func slothBurns(severity string) []burn {
	burns := []burn{
		{name: "page-1", severity: "page", long: "1h", short: "5m", factor: "14.4", op: "gt"},
		{name: "page-2", severity: "page", long: "6h", short: "30m", factor: "6", op: "gt"},
		{name: "ticket-1", severity: "ticket", long: "1d", short: "2h", factor: "3", op: "gt"},
		{name: "ticket-2", severity: "ticket", long: "3d", short: "6h", factor: "1", op: "gt"},
	}
	return slices.DeleteFunc(burns, func(b burn) bool { return b.severity != severity })
}

// sloth reads one document.
func (r *reader) sloth(root field) {
	top := r.object(root, "version", "service", "labels", "slos", "slo_plugins", "api_version", "kind", "metadata", "spec", "status")
	spec := top
	switch version, kind := r.text(top.get("version")), r.text(top.get("kind")); {
	case version == "prometheus/v1":
	case version != "":
		r.refuse(top.get("version"), "is %q: prometheus/v1 is read", excerpt(version))
		return
	case kind == "PrometheusServiceLevel" && r.text(top.get("api_version")) == "sloth.slok.dev/v1":
		r.object(top.get("metadata"), "name")
		r.object(top.get("status"))
		spec = r.object(top.get("spec"), "service", "labels", "slos", "slo_plugins")
	default:
		r.refuse(field{node: root.node}, "is not of Sloth: it has neither version prometheus/v1 nor apiVersion sloth.slok.dev/v1 and kind PrometheusServiceLevel")
		return
	}
	r.refusePlugins(spec.get("slo_plugins"))
	service, labels := r.requiredLine(spec.get("service")), r.labels(spec.get("labels"))
	list := r.items(spec.get("slos"))
	if len(list) == 0 {
		r.refuse(spec.get("slos"), "is required: at least one SLO")
	}
	r.noteFile("the window is 30d, Sloth's default: where Sloth runs with another, change timeWindow and the alert policies")
	for _, item := range list {
		if len(r.taken) >= maxSLOs {
			r.refuse(item, "is one of more than %d SLOs: divide the file", maxSLOs)
			return
		}
		r.slothSLO(item, service, labels)
	}
}

func (r *reader) slothSLO(item field, service string, labels map[string][]string) {
	r.subject = ""
	o := r.object(item, "name", "description", "objective", "labels", "sli", "alerting", "plugins")
	name := r.required(o.get("name"))
	if name == "" || service == "" {
		return
	}
	r.subject = "SLO " + excerpt(name)
	defer func() { r.subject = "" }()
	r.refusePlugins(o.get("plugins"))
	m := r.named(o.get("name"), service+"-"+name)
	if m.DisplayName == "" {
		m.DisplayName = cut(name, maxName)
	}
	m.Labels = bounded(r, o.get("labels"), merged(labels, r.labels(o.get("labels"))))
	target := r.percent(o.get("objective"))
	spec := sloSpec{
		Description: r.description(o.get("description")), Service: service,
		Indicator:  document{Metadata: metadata{Name: m.Name}, Spec: indicatorSpec{Ratio: r.slothIndicator(o.get("sli"))}},
		Windows:    []timeWindow{{Duration: "30d", Rolling: true}},
		Method:     string(slo.Occurrences),
		Objectives: []objective{{TargetPercent: number(target.Percent())}},
	}
	spec.Policies, m.Annotations = r.slothAlerting(o.get("alerting"), target, m.Name, name)
	r.out = append(r.out, document{Version: "openslo/v1", Kind: "SLO", Metadata: m, Spec: spec})
}

// percent reads a target such as 99.9.
func (r *reader) percent(f field) slo.Target {
	text := r.required(f)
	if text == "" {
		return slo.Target{}
	}
	target, err := slo.ParseTarget(text, true)
	if err != nil {
		r.refuse(f, "%v", err)
	}
	return target
}

// refusePlugins refuses code of others, by its name.
func (r *reader) refusePlugins(f field) {
	if !f.present() {
		return
	}
	for _, plugin := range r.items(r.object(f, "chain", "override_previous").get("chain")) {
		id := r.text(r.object(plugin, "id", "config", "priority").get("id"))
		r.refuse(plugin, "is the plugin %s of Sloth, a program that cannot be carried over: remove it", excerpt(id))
	}
}

func (r *reader) slothIndicator(f field) ratioMetric {
	o := r.object(f, "events", "raw", "plugin")
	events, raw, plugin := o.get("events"), o.get("raw"), o.get("plugin")
	given := 0
	for _, one := range []field{events, raw, plugin} {
		if one.present() {
			given++
		}
	}
	switch {
	case given != 1:
		r.refuse(f, "must have exactly one of events, raw and plugin, has %d", given)
	case plugin.present():
		id := r.text(r.object(plugin, "id", "options").get("id"))
		r.refuse(plugin, "is the plugin %s of Sloth, a program that cannot be carried over: write the query that it makes as events", excerpt(id))
	case raw.present():
		return ratioMetric{RawType: string(slo.RawFailure), Raw: r.slothQuery(r.object(raw, "error_ratio_query").get("error_ratio_query"))}
	default:
		e, counter := r.object(events, "error_query", "total_query"), false // Rates rise and fall.
		return ratioMetric{Counter: &counter, Bad: r.slothQuery(e.get("error_query")), Total: r.slothQuery(e.get("total_query"))}
	}
	return ratioMetric{}
}

// slothQuery keeps a query as it is, with its {{.window}}.
func (r *reader) slothQuery(f field) *metric {
	text := r.required(f)
	if text != "" && !windowTemplate().MatchString(text) {
		r.note(f, "has no {{.window}}: it says the same over every look-back")
	}
	return query(text)
}

func windowTemplate() *regexp.Regexp { return regexp.MustCompile(`\{\{-?\s*\.window\s*-?\}\}`) }

// slothAlerting returns the policies of an SLO, and the links of its alerts.
func (r *reader) slothAlerting(f field, target slo.Target, name, title string) ([]document, map[string]string) {
	o := r.object(f, "name", "labels", "annotations", "page_alert", "ticket_alert")
	if text := r.text(o.get("name")); text != "" {
		title = text
	}
	labels, annotations := r.labels(o.get("labels")), r.annotations(o.get("annotations"))
	var policies []document
	shown, wanted := annotations, false
	for _, severity := range []string{"page", "ticket"} {
		alert := r.object(o.get(severity+"_alert"), "disable", "labels", "annotations")
		at := alert.self.near(o.self)
		ownLabels := bounded(r, at, merged(labels, r.labels(alert.get("labels"))))
		ownAnnotations := bounded(r, at, merged(annotations, r.annotations(alert.get("annotations"))))
		if r.flag(alert.get("disable"), false) {
			continue
		}
		shown, wanted = merged(ownAnnotations, shown), true
		for _, b := range r.reachable(f, slothBurns(severity), target) {
			b.labels, b.annotations = ownLabels, ownAnnotations
			policies = append(policies, b.policy(name, fmt.Sprintf("%s (%s, %s)", title, severity, b.long)))
		}
	}
	if len(policies) == 0 {
		if !wanted {
			r.note(f, "page and ticket are disabled")
		}
		r.note(f, "no alert is left: one policy that never tells keeps Slowburn's default policy away")
		return []document{silent(name, false)}, links(shown)
	}
	r.noteReceiver()
	return policies, links(shown)
}
