package webtest

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

func servicePages(base view.Base) map[string]view.Page {
	base.Nav = "/services"
	span := view.Range{Key: "1h", Path: "/services", Lengths: []string{"5m", "1h"}, From: Now().Add(-time.Hour), To: Now()}
	seen := []slo.Service{{Name: "checkout", Spans: 5, LastSeen: Now()}, {Name: "caller", Spans: 7, LastSeen: Now()}}
	list := view.ServiceList{Range: span, Services: seen, Traffic: Busy(), Statuses: All()}
	list.Traffic = Busy().Services(time.Hour)
	start := view.NewStart(view.Receivers{Self: "http://localhost:8080", HTTP: ":4318", TLS: true}, nil)
	return map[string]view.Page{
		"services":         view.NewServices(base, list),
		"services-start":   view.NewServices(base, view.ServiceList{Range: span, Start: &start}),
		"services-unknown": view.NewServices(base, view.ServiceList{Range: span, Unknown: true, Search: "x"}),
		"service":          view.NewService(base, "payment", span, Busy().Operations("payment", time.Hour), All(), Now()),
		"service-caller":   view.NewService(base, "caller", span, nil, nil, Now()),
	}
}

func createPages(base view.Base) map[string]view.Page {
	base.Nav, base.Title, base.Styles = "/slos", "Create objective", []string{"css/create.css"}
	counts := slo.Counts{Good: 99_900, Bad: 80, Unknown: 20}
	draft := slo.DraftSLO(Busy()[1], counts)
	form, _ := view.NewForm(draft)
	page := view.Create{Base: base, Form: form, Services: []string{"checkout"}, Windows: view.UsualWindows()}
	page.Preview = view.NewPreview(Previewed(), draft.Objectives[0].Target, Now())
	nothing := page
	nothing.Preview = view.NewPreview(slo.Preview{Spans: 10}, draft.Objectives[0].Target, Now())
	wrong := view.Create{Base: base, Form: view.Form{Name: "Not A Name", Target: "101", Window: "1y"}, Replaces: true}
	_, faults := wrong.Form.SLO()
	wrong.Faults = view.NewFormFaults(append(faults, slo.DocumentError{Field: "spec.x", Reason: "is not known"}))
	text := view.Create{Base: base, AsText: true, Text: "kind: <SLO>", Edit: "a", Why: "it has several objectives"}
	text.Faults = view.NewTextFaults(slo.DocumentErrors{{Line: 3, Field: "spec.service", Reason: "is required"}})
	text.Warnings = view.NewTextWarnings(slo.DocumentWarnings{{Line: 7, Field: "spec.op", Reason: "has no effect <here>"}})
	return map[string]view.Page{"create": page, "create-nothing": nothing, "create-wrong": wrong, "create-text": text}
}

// Previewed is a preview with samples of each verdict, one of them hostile.
func Previewed() slo.Preview {
	sample := slo.SpanSample{
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7", Service: "checkout", Name: "POST /checkout",
		Kind: "server", Status: "unset", Start: Now().Add(-time.Minute), Duration: 84 * time.Millisecond,
		Attributes: []slo.Attribute{{Key: "http.response.status_code", Value: "200"}},
	}
	bad := sample
	bad.Name, bad.Status, bad.Message = `<b>POST</b> "/checkout"`, "error", "card refused"
	return slo.Preview{
		From: Now().Add(-3 * time.Hour), To: Now(), Spans: 1_200_000, Counts: slo.Counts{Good: 99_900, Bad: 80, Unknown: 20},
		Good: []slo.SpanSample{sample, sample}, Bad: []slo.SpanSample{bad}, Unknown: []slo.SpanSample{sample},
	}
}
