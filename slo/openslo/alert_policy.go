package openslo

import (
	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxTargets bounds the notification targets of a policy.
const maxTargets = 64

// policyContent is what an AlertPolicy says, alone or inline.
type policyContent struct {
	metadata    metadata
	description string
	// path is where its spec stands in its document.
	path                                string
	whenBreaching, whenResolved, noData bool
	condition                           conditionChoice
	targets                             []targetChoice
}

// The parts of an SLO and of a policy that are inline, or the name of one. Path
// is the item of its list.
type (
	policyChoice struct {
		ref    string
		inline *policyContent
		path   string
	}
	conditionChoice struct {
		ref    string
		inline *conditionContent
		path   string
	}
	targetChoice struct {
		ref    string
		inline *targetContent
		path   string
	}
)

// alertPolicy reads the spec of an AlertPolicy.
func (r *reader) alertPolicy(m metadata, v value) *policyContent {
	p := &policyContent{metadata: m, path: v.path}
	o, ok := r.asObject(v, []string{
		"description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching", "conditions", "notificationTargets",
	})
	if !ok {
		return p
	}
	p.description, _ = r.prose(o.get("description"), maxDescription)
	var read [3]bool
	p.noData, read[0] = r.optionalFlag(o.get("alertWhenNoData"))
	p.whenResolved, read[1] = r.optionalFlag(o.get("alertWhenResolved"))
	p.whenBreaching, read[2] = r.optionalFlag(o.get("alertWhenBreaching"))
	if !p.noData && !p.whenResolved && !p.whenBreaching && read == [3]bool{true, true, true} {
		r.warn(v, "never tells anybody: set alertWhenBreaching, alertWhenResolved or alertWhenNoData to true")
	}
	r.policyCondition(o.get("conditions"), p)
	r.policyTargets(o.get("notificationTargets"), p)
	return p
}

func (r *reader) policyCondition(v value, into *policyContent) {
	if !r.required(v) {
		return
	}
	if v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		r.refuse(v, "must have one item, as in [{conditionRef: fast-burn}]")
	}
	for _, item := range r.items(v, 1) {
		into.condition.path = item.path
		c := r.choiceOf(item, "conditionRef", slo.KindAlertCondition)
		into.condition.ref = c.ref
		if c.inline.present() {
			into.condition.inline = r.alertCondition(c.metadata, c.inline)
		}
	}
}

func (r *reader) policyTargets(v value, into *policyContent) {
	if !r.required(v) {
		return
	}
	if v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		r.refuse(v, "must have at least one item, as in [{targetRef: on-call}]")
	}
	for _, item := range r.items(v, maxTargets) {
		c := r.choiceOf(item, "targetRef", slo.KindAlertNotificationTarget)
		target := targetChoice{path: item.path, ref: c.ref}
		if c.inline.present() {
			target.inline = r.notificationTarget(c.metadata, c.inline)
		}
		into.targets = append(into.targets, target)
	}
}

// policyChoices reads the alert policies of an SLO.
func (r *reader) policyChoices(v value) []policyChoice {
	var policies []policyChoice
	for _, item := range r.items(v, maxObjectives) {
		read := policyChoice{path: item.path}
		if item.node.Kind == yaml.ScalarNode && item.node.ShortTag() == "!!str" {
			r.dialect(item, "should be a map, as in {alertPolicyRef: %s}", excerpt(item.node.Value))
			read.ref = r.reference(item, slo.KindAlertPolicy)
		} else {
			c := r.choiceOf(item, "alertPolicyRef", slo.KindAlertPolicy)
			read.ref = c.ref
			if c.inline.present() {
				read.inline = r.alertPolicy(c.metadata, c.inline)
			}
		}
		policies = append(policies, read)
	}
	return policies
}

// choice is an object inline, or the name of one.
type choice struct {
	ref      string
	metadata metadata
	// inline is its spec.
	inline value
}

// choiceOf reads an item that is {refField: name} or {kind, metadata, spec}.
func (r *reader) choiceOf(v value, refField string, kind slo.Kind) choice {
	o, ok := r.asObject(v, []string{refField, "kind", "metadata", "spec"})
	if !ok {
		return choice{}
	}
	ref := o.get(refField)
	inline := o.get("kind").present() || o.get("metadata").present() || o.get("spec").present()
	switch {
	case ref.present() && inline:
		r.refuse(ref, "stands beside kind, metadata or spec: keep the name or the object")
		return choice{}
	case ref.present():
		return choice{ref: r.reference(ref, kind)}
	case !inline:
		r.refuse(v, "needs %s, or kind, metadata and spec", refField)
		return choice{}
	}
	r.inlineKind(o.get("kind"), kind)
	c := choice{metadata: r.requiredMetadata(o, kind)}
	if spec := o.get("spec"); r.required(spec) {
		c.inline = spec
	}
	return c
}

// inlineKind reads the kind of an inline object, which says nothing new.
func (r *reader) inlineKind(v value, kind slo.Kind) {
	if !v.present() {
		r.dialect(v, "is required: %s", kind)
		return
	}
	word := r.name(v)
	switch {
	case word == "" || word == string(kind):
	case kind == slo.KindAlertNotificationTarget && word == string(slo.KindAlertCondition):
		r.dialect(v, "must be %s, found %s", kind, word) // A defect of the old JSON Schema.
	default:
		r.refuse(v, "must be %s, found %q", kind, excerpt(word))
	}
}
