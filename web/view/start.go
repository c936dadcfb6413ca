package view

import (
	"net"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// Start is what the empty page teaches.
type Start struct {
	// GRPC and HTTP are the endpoints for OTEL_EXPORTER_OTLP_ENDPOINT; empty
	// if there is none.
	GRPC, HTTP string
	// Self is the address of this server, "http://127.0.0.1:8080".
	Self string
	// Token reports that the API wants a token.
	Token bool
	// Example is the service that the example measures.
	Example string
	// Seen are the services that already send.
	Seen []Seen
}

// maxSeen is how many services the empty page names.
const maxSeen = 10

// Seen is a service in the telemetry.
type Seen struct{ Name, Spans string }

// NewStart prepares the first steps. Self is the address under which the
// reader sees this page; grpc and http are where the receivers listen.
func NewStart(self, grpc, http string, token bool, services []slo.Service) Start {
	s := Start{
		GRPC: endpoint(grpc, self), HTTP: endpoint(http, self), Self: self, Token: token, Example: "checkout",
	}
	for _, service := range services[:min(len(services), maxSeen)] {
		if s.Example == "checkout" && plainName(service.Name) {
			s.Example = service.Name
		}
		s.Seen = append(s.Seen, Seen{Name: service.Name, Spans: Count(service.Spans)})
	}
	return s
}

// endpoint makes a URL of a listener's address. One that listens everywhere
// is reached under the host that the reader already uses.
func endpoint(address, self string) string {
	if address == "" || strings.Contains(address, "://") {
		return address
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "http://" + address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		_, host, _ = strings.Cut(self, "://")
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.Trim(host, "[]")
	}
	return "http://" + net.JoinHostPort(host, port)
}

// plainName reports that a name needs no quotes in a document, and may be part
// of an SLO's name.
func plainName(name string) bool {
	return name != "" && len(name) < 50 && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}
