package view

import (
	"net"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// Start is what the empty page teaches: settings to copy, for each language.
type Start struct {
	// GRPC and HTTP are the endpoints for OTEL_EXPORTER_OTLP_ENDPOINT; empty
	// if there is none.
	GRPC, HTTP string
	// Token reports that the receivers want a token, TLS that they speak TLS.
	Token, TLS bool
	Recipes    []Recipe
	// Seen are the services that already send, AnyTraffic that some of them
	// answer or consume.
	Seen []Seen
}

// Recipe is how to send from one language or program.
type Recipe struct {
	ID, Name string
	Blocks   []RecipeBlock
}

// RecipeBlock is one thing to copy, with what to do with it.
type RecipeBlock struct{ ID, Text, Code string }

// Seen is a service in the telemetry.
type Seen struct{ Name, Spans, Link, Create string }

// maxSeen is how many services the empty page names.
const maxSeen = 50

// Receivers is where telemetry is sent to.
type Receivers struct {
	// Self is the address under which the reader sees this page,
	// "http://127.0.0.1:8080"; GRPC and HTTP are where the receivers listen.
	Self, GRPC, HTTP string
	Token, TLS       bool
}

// NewStart prepares the first steps.
func NewStart(to Receivers, services []slo.Service) Start {
	s := Start{GRPC: endpoint(to.GRPC, to.Self, to.TLS), HTTP: endpoint(to.HTTP, to.Self, to.TLS), Token: to.Token, TLS: to.TLS}
	s.Recipes = s.recipes()
	for _, service := range services[:min(len(services), maxSeen)] {
		s.Seen = append(s.Seen, Seen{
			Name: service.Name, Spans: Count(service.Spans), Link: serviceLink(service.Name),
			Create: createLink(slo.Operation{Service: service.Name, Kind: slo.ServerSpan}),
		})
	}
	return s
}

// endpoint makes a URL of a listener's address. One that listens everywhere
// is reached under the host that the reader already uses.
func endpoint(address, self string, tls bool) string {
	if address == "" || strings.Contains(address, "://") {
		return address
	}
	scheme := "http://"
	if tls {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return scheme + address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		_, host, _ = strings.Cut(self, "://")
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.Trim(host, "[]")
	}
	return scheme + net.JoinHostPort(host, port)
}
