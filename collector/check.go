package collector

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/slowburn-slo/slowburn/collector/journalexporter"
	"github.com/slowburn-slo/slowburn/collector/otlpreceiver"
)

// batchProcessor is the type of the processor that answers OK for what it only
// holds in memory. This distribution does not have it, but configurations that
// people bring do.
const batchProcessor = "batch"

// keyError is a fault of a configuration at one key, written like the Collector
// does: "processors::batch".
type keyError struct{ key, reason string }

// Error is the key and the reason.
func (e *keyError) Error() string { return e.key + ": " + e.reason }

// rawCheck refuses what is better named before the Collector decodes it.
type rawCheck struct{ factories otelcol.Factories }

// Convert changes nothing.
func (c rawCheck) Convert(_ context.Context, conf *confmap.Conf) error {
	for _, section := range []struct {
		name, kind string
		known      []string
	}{
		{"receivers", "receiver", typeNames(c.factories.Receivers)},
		{"processors", "processor", typeNames(c.factories.Processors)},
		{"exporters", "exporter", typeNames(c.factories.Exporters)},
		{"extensions", "extension", typeNames(c.factories.Extensions)},
		{"connectors", "connector", typeNames(c.factories.Connectors)},
	} {
		entries, _ := conf.Get(section.name).(map[string]any)
		for _, id := range slices.Sorted(maps.Keys(entries)) {
			key := section.name + "::" + id
			if err := checkComponent(key, section.kind, typeOf(id), section.known, entries[id]); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkComponent(key, kind, typ string, known []string, settings any) error {
	if kind == "processor" && typ == batchProcessor {
		return &keyError{key, batchReason}
	}
	if !slices.Contains(known, typ) {
		reason := fmt.Sprintf("this program has no %s of type %q; it has %s", kind, typ, strings.Join(known, ", "))
		if len(known) == 0 {
			reason = fmt.Sprintf("this program has no %ss; take %q out", kind, typ)
		}
		return &keyError{key, reason}
	}
	if kind == "exporter" && typ == journalexporter.TypeName {
		entries, _ := settings.(map[string]any)
		if len(entries) > 0 {
			first := slices.Sorted(maps.Keys(entries))[0]
			return &keyError{key + "::" + first, "the journal exporter takes no queue, no retry, no timeout and no other setting: " +
				"OK is answered when the data is on disk, and the sender retries"}
		}
	}
	return nil
}

const batchReason = "a batch processor answers OK before the data is on disk; " +
	"take it out here and from every pipeline (the journal batches by itself)"

// checkResolved validates the configuration as the Collector would at its
// start, and what only this distribution promises.
func checkResolved(s Settings, config *otelcol.Config) error {
	if err := checkPipelines(config); err != nil {
		return err
	}
	if err := confmap.Validate(config); err != nil {
		return err
	}
	for _, e := range endpoints(config) {
		if err := e.check(s, config.Service.Extensions); err != nil {
			return err
		}
	}
	return nil
}

// checkPipelines wants a pipeline that feeds the journal, and none with a batch
// processor.
func checkPipelines(config *otelcol.Config) error {
	feeds := false
	for id, p := range config.Service.Pipelines {
		for _, ref := range p.Processors {
			if ref.Type().String() == batchProcessor {
				return &keyError{"service::pipelines::" + id.String() + "::processors", batchReason}
			}
		}
		if id.Signal() != pipeline.SignalTraces && id.Signal() != pipeline.SignalMetrics {
			continue
		}
		feeds = feeds || slices.ContainsFunc(p.Exporters, func(ref component.ID) bool {
			return ref.Type().String() == journalexporter.TypeName
		})
	}
	if !feeds {
		return &keyError{"service::pipelines", "no pipeline of traces or metrics has the exporter journal: nothing would be counted"}
	}
	return nil
}

// endpoint is one address at which OTLP is accepted.
type endpoint struct {
	key, protocol, address string
	local, auth, tls       bool
	// extensions are those that it cannot start without.
	extensions []component.ID
}

// endpoints lists those of all OTLP receivers that a pipeline uses, sorted by key.
func endpoints(config *otelcol.Config) []endpoint {
	used := map[component.ID]bool{}
	for _, p := range config.Service.Pipelines {
		for _, id := range p.Receivers {
			used[id] = true
		}
	}
	var all []endpoint
	for id := range used {
		r, ok := config.Receivers[id].(*otlpreceiver.Config)
		if !ok {
			continue
		}
		key := "receivers::" + id.String() + "::protocols::"
		if g := r.Protocols.GRPC.Get(); g != nil {
			e := newEndpoint(key, "grpc", g.NetAddr, g.Auth.HasValue(), g.TLS.HasValue(), g.Middlewares)
			if auth := g.Auth.Get(); auth != nil {
				e.extensions = append(e.extensions, auth.AuthenticatorID)
			}
			all = append(all, e)
		}
		if h := r.Protocols.HTTP.Get(); h != nil {
			e := newEndpoint(key, "http", h.NetAddr, h.Auth.HasValue(), h.TLS.HasValue(), h.Middlewares)
			if auth := h.Auth.Get(); auth != nil {
				e.extensions = append(e.extensions, auth.AuthenticatorID)
			}
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b endpoint) int { return strings.Compare(a.key, b.key) })
	return all
}

func newEndpoint(key, protocol string, addr confignet.AddrConfig, auth, tls bool, middlewares []configmiddleware.Config) endpoint {
	e := endpoint{
		key: key + protocol, protocol: protocol, address: addr.Endpoint,
		local: isLocal(string(addr.Transport), addr.Endpoint), auth: auth, tls: tls,
	}
	for _, m := range middlewares {
		e.extensions = append(e.extensions, m.ID)
	}
	return e
}

// isLocal reports whether only this machine reaches the address.
func isLocal(transport, address string) bool {
	if strings.HasPrefix(transport, "unix") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// check refuses an endpoint that is open wider than the settings allow: what
// the user's configuration changed must not switch protection off unnoticed.
func (e endpoint) check(s Settings, running []component.ID) error {
	for _, id := range e.extensions {
		if !slices.Contains(running, id) {
			return &keyError{"service::extensions", fmt.Sprintf(
				"lacks %s, which %s uses; add it: a list replaces the embedded one", id, e.key)}
		}
	}
	if _, _, err := net.SplitHostPort(e.address); err != nil && !e.local {
		return &keyError{e.key + "::endpoint", fmt.Sprintf("%q is not host:port", e.address)}
	}
	switch {
	case s.TokenFile != "" && !e.auth:
		return &keyError{e.key + "::auth", "is missing although a token file is given; add {authenticator: token_auth}"}
	case s.TLSCert != "" && !e.tls:
		return &keyError{e.key + "::tls", "is missing although a certificate is given; add cert_file and key_file"}
	case !e.local && !s.Insecure && (!e.auth || !e.tls):
		return &keyError{e.key + "::endpoint", fmt.Sprintf("%s can be reached from other machines: "+
			"give a token file, a TLS certificate and its key, or allow it to be insecure", e.address)}
	}
	return nil
}

func typeOf(id string) string {
	typ, _, _ := strings.Cut(id, "/")
	return strings.TrimSpace(typ)
}

func typeNames[F component.Factory](factories map[component.Type]F) []string {
	names := make([]string, 0, len(factories))
	for typ := range factories {
		names = append(names, typ.String())
	}
	slices.Sort(names)
	return names
}
