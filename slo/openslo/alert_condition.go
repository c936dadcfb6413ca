package openslo

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// conditionContent is what an AlertCondition says, alone or inline.
type conditionContent struct {
	metadata    metadata
	description string
	// path is where its spec stands in its document.
	path      string
	severity  string
	op        slo.Operator
	threshold slo.Decimal
	lookBack  time.Duration
	after     time.Duration
}

// alertCondition reads the spec of an AlertCondition.
func (r *reader) alertCondition(m metadata, v value) *conditionContent {
	c := &conditionContent{metadata: m, path: v.path}
	o, ok := r.asObject(v, []string{"description", "severity", "condition"})
	if !ok {
		return c
	}
	c.description, _ = r.prose(o.get("description"), maxDescription)
	c.severity = r.name(o.get("severity"))
	if condition := o.get("condition"); r.required(condition) {
		r.burnRate(condition, c)
	}
	return c
}

// burnRate reads the one condition of OpenSLO.
func (r *reader) burnRate(v value, into *conditionContent) {
	o, ok := r.asObject(v, []string{"kind", "op", "threshold", "lookbackWindow", "alertAfter"})
	if !ok {
		return
	}
	if kind := o.get("kind"); kind.present() {
		r.choice(kind, "kind", string(slo.BurnRate))
	} else if r.mode == Strict {
		r.refuse(kind, "is required: %s", slo.BurnRate)
	}
	threshold := o.get("threshold")
	into.op = r.operator(o.get("op"))
	if r.required(threshold) {
		into.threshold = r.decimal(threshold)
	}
	_, into.lookBack = r.duration(o.get("lookbackWindow"))
	if after := o.get("alertAfter"); after.present() {
		into.after = r.alertAfter(after)
	}
}

// alertAfter reads how long a condition must hold, which may be 0.
func (r *reader) alertAfter(v value) time.Duration {
	if v.node.Value == "0m" {
		return 0
	}
	text, after := r.duration(v)
	if after > slo.MaxWindow {
		r.refuse(v, "%s must be at most %s", text, slo.FormatDuration(slo.MaxWindow))
	}
	return after
}

// targetContent is what an AlertNotificationTarget says, alone or inline.
type targetContent struct {
	metadata    metadata
	description string
	target      string
}

// notificationTarget reads the spec of an AlertNotificationTarget.
func (r *reader) notificationTarget(m metadata, v value) *targetContent {
	t := &targetContent{metadata: m}
	if o, ok := r.asObject(v, []string{"description", "target"}); ok {
		t.description, _ = r.prose(o.get("description"), maxDescription)
		t.target = r.name(o.get("target"))
	}
	return t
}
