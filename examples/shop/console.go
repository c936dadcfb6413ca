package shop

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

//go:embed pages
var pages embed.FS

const (
	// maxWebhooks is how many webhooks the console remembers.
	maxWebhooks = 200
	// maxBody bounds what it reads.
	maxBody = 1 << 20
	policy  = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// Console is the page of the demo: the webhooks that arrived and the faults,
// and what `slowburn demo break` talks to.
type Console struct {
	faults   *Faults
	platform string
	sent     func() (acknowledged, failed int64)
	now      func() time.Time
	page     *template.Template

	mu       sync.Mutex
	webhooks []Webhook
}

// Webhook is one that arrived, as far as the page shows it.
type Webhook struct {
	At                                                time.Time
	Status, Severity, Tier, SLO, Summary, Link, Error string
	Raw                                               string
}

// Status is what the demo does now.
type Status struct {
	Services map[string]Fault `json:"services"`
	// Acknowledged are the spans that the platform has taken, Failed those that
	// it has not.
	Acknowledged int64 `json:"spans_acknowledged"`
	Failed       int64 `json:"spans_failed"`
	Webhooks     int   `json:"webhooks"`
}

// Order is what to break or to heal.
type Order struct {
	Service string `json:"service"`
	Fault
}

// NewConsole returns the console of a shop. Platform is the address of
// Slowburn's pages.
func NewConsole(s *Shop, platform string) (*Console, error) {
	page, err := template.ParseFS(pages, "pages/console.html")
	if err != nil {
		return nil, fmt.Errorf("parse the console's page: %w", err)
	}
	return &Console{faults: s.Faults(), platform: platform, sent: s.Sent, now: time.Now, page: page}, nil
}

// Handler serves the console.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.show)
	mux.HandleFunc("GET /console.css", c.style)
	mux.HandleFunc("POST /webhook", c.receive)
	mux.HandleFunc("GET /status", c.status)
	mux.HandleFunc("POST /break", c.breakService)
	mux.HandleFunc("POST /heal", c.heal)
	protected := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		protected.ServeHTTP(w, r)
	})
}

// receive takes a webhook in Alertmanager's format.
func (c *Console) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body could not be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	var message struct {
		Status string
		Alerts []struct {
			Labels, Annotations map[string]string
			GeneratorURL        string
		}
	}
	if err := json.Unmarshal(body, &message); err != nil {
		http.Error(w, "the body is no webhook in Alertmanager's format: "+err.Error(), http.StatusBadRequest)
		return
	}
	hook := Webhook{At: c.now().UTC(), Status: message.Status, Raw: indent(body)}
	if len(message.Alerts) > 0 {
		a := message.Alerts[0]
		hook.Severity, hook.Tier, hook.SLO, hook.Summary = a.Labels["severity"], a.Labels["tier"], a.Labels["slo"], a.Annotations["summary"]
		hook.Link = c.platform + "/slos/" + template.URLQueryEscaper(hook.SLO)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.webhooks = slices.Insert(c.webhooks, 0, hook)
	c.webhooks = c.webhooks[:min(len(c.webhooks), maxWebhooks)]
}

func indent(body []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		return string(body)
	}
	return out.String()
}

func (c *Console) snapshot() ([]Webhook, Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := Status{Services: c.faults.All(c.now()), Webhooks: len(c.webhooks)}
	status.Acknowledged, status.Failed = c.sent()
	return slices.Clone(c.webhooks), status
}

func (c *Console) status(w http.ResponseWriter, _ *http.Request) {
	_, status := c.snapshot()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(status) // A client that has gone is no fault.
}

// breakService takes an order as JSON, or the button of a form: a form breaks
// with 20 % errors, or what it names.
func (c *Console) breakService(w http.ResponseWriter, r *http.Request) {
	c.order(w, r, func(o Order) error { return c.faults.Break(o.Service, o.Fault) })
}

func (c *Console) heal(w http.ResponseWriter, r *http.Request) {
	c.order(w, r, func(o Order) error { return c.faults.Heal(o.Service) })
}

func (c *Console) order(w http.ResponseWriter, r *http.Request, carryOut func(Order) error) {
	var order Order
	form := r.Header.Get("Content-Type") != "application/json"
	if form {
		order = Order{Service: r.PostFormValue("service"), Fault: formFault(r.PostFormValue("what"))}
	} else if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
		http.Error(w, "the order cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := carryOut(order); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if form {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	c.status(w, r)
}

// formFault is what a button of the page breaks.
func formFault(what string) Fault {
	return map[string]Fault{
		"errors": {Errors: 0.2}, "latency": {Latency: 800 * time.Millisecond}, "outage": {Outage: true}, "silence": {Silence: true},
	}[what]
}

// view is what the page shows.
type view struct {
	Platform string
	Webhooks []Webhook
	Services []service
	Status   Status
}

type service struct {
	Name   string
	Fault  string
	Broken bool
}

func (c *Console) show(w http.ResponseWriter, _ *http.Request) {
	webhooks, status := c.snapshot()
	v := view{Platform: c.platform, Webhooks: webhooks, Status: status}
	for _, name := range Services() {
		fault, broken := status.Services[name]
		v.Services = append(v.Services, service{Name: name, Fault: fault.String(), Broken: broken})
	}
	var body bytes.Buffer
	if err := c.page.Execute(&body, v); err != nil {
		http.Error(w, "the page could not be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Refresh", "3")
	_, _ = w.Write(body.Bytes()) // A reader that has gone is no fault.
}

func (c *Console) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	http.ServeFileFS(w, r, pages, "pages/console.css")
}
