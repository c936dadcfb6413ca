package webtest

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Traffic is a list of what operations (and, without a name, whole services) do.
type Traffic []slo.Traffic

// Operations returns the operations of one service, or of all.
func (t Traffic) Operations(service string, over time.Duration) []slo.Traffic {
	return t.find(over, func(one slo.Traffic) bool { return one.Name != "" && (service == "" || one.Service == service) })
}

// Services returns the entries that stand for whole services.
func (t Traffic) Services(over time.Duration) []slo.Traffic {
	return t.find(over, func(one slo.Traffic) bool { return one.Name == "" })
}

func (t Traffic) find(over time.Duration, selects func(slo.Traffic) bool) []slo.Traffic {
	var found []slo.Traffic
	for _, one := range t {
		if selects(one) {
			one.To = Now()
			one.From = one.To.Add(-over)
			found = append(found, one)
		}
	}
	return found
}
