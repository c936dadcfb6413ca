package convert

import (
	"math/big"
	"net/url"
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// burn is an alert of another system: it fires while both look-backs burn.
type burn struct {
	name        string // unique within an SLO: page-1
	severity    string
	long, short string
	factor      number
	op          string
	after       string // how long before it fires; empty: at once
	noData      bool   // It tells of missing events, too.
	labels      map[string][]string
	annotations map[string]string
}

// reachable leaves out alerts that can never fire: no burn rate is above
// 1 / (1 - target), that of 90 % is 10 at most, and OpenSLO's readers refuse
// conditions beyond it.
func (r *reader) reachable(at field, burns []burn, target slo.Target) []burn {
	budget, _ := new(big.Rat).SetString(target.String())
	budget.Sub(big.NewRat(1, 1), budget)
	return slices.DeleteFunc(burns, func(b burn) bool {
		threshold, _ := new(big.Rat).SetString(string(b.factor))
		if threshold.Mul(threshold, budget).Cmp(big.NewRat(1, 1)) < 0 {
			return false
		}
		r.note(at, "the alert of %s is left out: a burn rate above %s can never be at a target of %s %%", b.long, b.factor, target.Percent())
		return true
	})
}

// receiver is where alerts go: other systems leave that to Alertmanager.
const receiver = "alertmanager"

// policy is the alert policy of a burn, as part of an SLO.
func (b burn) policy(of, title string) document {
	name := cleanName(of, "-"+b.name)
	return document{
		Kind:     "AlertPolicy",
		Metadata: metadata{Name: name, DisplayName: cut(title, maxName), Labels: b.labels, Annotations: b.annotations},
		Spec: policySpec{
			NoData: b.noData, Breaching: true, Resolved: true,
			Conditions: []document{{
				Kind:     "AlertCondition",
				Metadata: metadata{Name: name, Annotations: map[string]string{"slowburn.dev/short-lookback": b.short}},
				Spec: conditionSpec{
					Severity:  b.severity,
					Condition: condition{Kind: "burnrate", Op: b.op, Threshold: b.factor, LookBack: b.long, After: b.after},
				},
			}},
			Targets: []document{alertmanager()},
		},
	}
}

// silent is a policy that tells of no burn rate. An SLO without a policy would
// get Slowburn's default one.
func silent(of string, noData bool) document {
	name := cleanName(of, "-silent")
	return document{
		Kind:     "AlertPolicy",
		Metadata: metadata{Name: name},
		Spec: policySpec{
			NoData: noData, Resolved: noData,
			Conditions: []document{{
				Kind:     "AlertCondition",
				Metadata: metadata{Name: name},
				Spec:     conditionSpec{Severity: "page", Condition: condition{Kind: "burnrate", Op: "gte", Threshold: "1", LookBack: "1h"}},
			}},
			Targets: []document{alertmanager()},
		},
	}
}

func alertmanager() document {
	return document{Kind: "AlertNotificationTarget", Metadata: metadata{Name: receiver}, Spec: targetSpec{Target: receiver}}
}

// noteReceiver says once for a file where alerts will go.
func (r *reader) noteReceiver() {
	r.noteFile("alerts go to the receiver " + receiver + ", as nothing says which: name one of yours in notificationTargets")
}

// links are the annotations of an SLO for the links that alerts carry.
func links(annotations map[string]string) map[string]string {
	found := map[string]string{}
	for _, name := range []string{"runbook", "dashboard"} {
		for _, key := range []string{name, name + "_url"} {
			if link := annotations[key]; plainLink(link) {
				found["slowburn.dev/"+name] = link
			}
		}
	}
	return found
}

func plainLink(text string) bool {
	address, err := url.Parse(text)
	return err == nil && (address.Scheme == "https" || address.Scheme == "http") && address.Host != ""
}
