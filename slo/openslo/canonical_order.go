package openslo

import (
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// shape is the order of the fields of a map, and the shapes of what is in them.
// That of a list is that of its items.
type shape struct {
	fields []string
	parts  map[string]*shape
	// lists says that values which are no list become one.
	lists bool
}

func fields(names ...string) *shape { return &shape{fields: names, parts: map[string]*shape{}} }

func (s *shape) with(name string, part *shape) *shape {
	s.parts[name] = part
	return s
}

func documentShape(document *yaml.Node) *shape {
	kind := slo.Kind("")
	if node := lookup(document, "kind"); node != nil {
		kind = slo.Kind(node.Value)
	}
	if kind == "Datasource" {
		kind = slo.KindDataSource
	}
	top := fields("apiVersion", "kind", "metadata", "spec").with("metadata", metadataShape())
	if spec, known := specShapes()[kind]; known {
		top.with("spec", spec)
	}
	return top
}

func metadataShape() *shape {
	return fields("name", "displayName", "labels", "annotations").with("labels", &shape{lists: true})
}

func specShapes() map[slo.Kind]*shape {
	metric := func() *shape {
		return fields("metricSource").with("metricSource", fields("metricSourceRef", "type", "spec"))
	}
	ratio := fields("counter", "good", "bad", "total", "rawType", "raw")
	for _, name := range []string{"good", "bad", "total", "raw"} {
		ratio.with(name, metric())
	}
	sli := fields("description", "thresholdMetric", "ratioMetric").with("thresholdMetric", metric()).with("ratioMetric", ratio)
	indicator := fields("metadata", "spec").with("metadata", metadataShape()).with("spec", sli)
	condition := fields("description", "severity", "condition").
		with("condition", fields("kind", "op", "threshold", "lookbackWindow", "alertAfter"))
	target := fields("target", "description")
	inline := func(ref string, spec *shape) *shape {
		return fields(ref, "kind", "metadata", "spec").with("metadata", metadataShape()).with("spec", spec)
	}
	policy := fields("description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching", "conditions", "notificationTargets").
		with("conditions", inline("conditionRef", condition)).
		with("notificationTargets", inline("targetRef", target))
	objective := fields("displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow",
		"indicator", "indicatorRef", "compositeWeight").with("indicator", indicator)
	window := fields("duration", "calendar", "isRolling").with("calendar", fields("startTime", "timeZone"))
	definition := fields("description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives", "alertPolicies").
		with("indicator", indicator).with("timeWindow", window).with("objectives", objective).
		with("alertPolicies", inline("alertPolicyRef", policy))
	return map[slo.Kind]*shape{
		slo.KindDataSource: fields("description", "type", "connectionDetails"), slo.KindService: fields("description"),
		slo.KindSLI: sli, slo.KindSLO: definition, slo.KindAlertPolicy: policy, slo.KindAlertCondition: condition,
		slo.KindAlertNotificationTarget: target,
	}
}

// orderFields sorts the fields of a map, those that are not known behind those
// that are, and whatever is in them.
func orderFields(node *yaml.Node, s *shape) {
	if s == nil {
		return
	}
	if node.Kind == yaml.SequenceNode {
		for _, item := range node.Content {
			orderFields(item, s)
		}
		return
	}
	if node.Kind != yaml.MappingNode {
		return
	}
	type pair struct{ key, value *yaml.Node }
	var pairs []pair
	for i := 0; i+1 < len(node.Content); i += 2 {
		pairs = append(pairs, pair{node.Content[i], node.Content[i+1]})
	}
	rank := func(p pair) int {
		if at := slices.Index(s.fields, p.key.Value); at >= 0 {
			return at
		}
		return len(s.fields)
	}
	if len(s.fields) > 0 {
		slices.SortStableFunc(pairs, func(a, b pair) int { return rank(a) - rank(b) })
	}
	node.Content = node.Content[:0]
	for _, p := range pairs {
		if s.lists && p.value.Kind == yaml.ScalarNode && !isNull(p.value) {
			p.value = listOf(p.value)
		}
		part := s.parts[p.key.Value]
		if kind := lookup(node, "type"); p.key.Value == "spec" && kind != nil && kind.Value == spansType {
			part = fields("service", "condition", "maxDuration", "value")
		}
		orderFields(p.value, part)
		node.Content = append(node.Content, p.key, p.value)
	}
}

// listOf is a list of one value.
func listOf(item *yaml.Node) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: item.Line}
	list.HeadComment, item.HeadComment = item.HeadComment, ""
	list.FootComment, item.FootComment = item.FootComment, ""
	list.Content = []*yaml.Node{item}
	return list
}
