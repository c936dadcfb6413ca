package collector

import (
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"
	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/collector/decompressextension"
	"github.com/slowburn-slo/slowburn/collector/tokenauthextension"
)

//go:embed default.yaml
var defaultConfig string

// loadConfig merges the embedded configuration, the settings and the user's
// file, in this order, and validates the result. The first two are validated
// alone before, so that a fault names who can mend it.
func loadConfig(ctx context.Context, s Settings, factories otelcol.Factories) (*otelcol.Config, error) {
	if err := checkCertificate(s); err != nil {
		return nil, err
	}
	own := []layer{{"embedded", []byte(defaultConfig)}}
	overlay, err := yaml.Marshal(overlayOf(s))
	if err != nil {
		return nil, fmt.Errorf("collector: write the settings as a configuration: %w", err)
	}
	own = append(own, layer{"settings", overlay})
	config, err := resolve(ctx, own, factories)
	if err == nil && s.UserConfig == "" {
		err = checkResolved(s, config)
	}
	if err != nil {
		return nil, fmt.Errorf("collector settings: %w", err)
	}
	if s.UserConfig == "" {
		return config, nil
	}

	content, err := readUserConfig(s.UserConfig)
	if err != nil {
		return nil, err
	}
	config, err = resolve(ctx, append(own, layer{"user", content}), factories)
	if err == nil {
		err = checkResolved(s, config)
	}
	if err != nil {
		return nil, fmt.Errorf("collector configuration %s: %w", s.UserConfig, err)
	}
	return config, nil
}

// checkCertificate loads the certificate once, since the Collector would only
// do so when it starts to listen.
func checkCertificate(s Settings) error {
	if s.TLSCert == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey); err != nil {
		return fmt.Errorf("collector: load the TLS certificate %s and its key %s: %w", s.TLSCert, s.TLSKey, err)
	}
	return nil
}

// overlayOf writes the settings as a Collector configuration.
func overlayOf(s Settings) map[string]any {
	protocol := func(endpoint string) map[string]any {
		p := map[string]any{}
		if endpoint != "" {
			p["endpoint"] = escape(endpoint)
		}
		if s.TLSCert != "" {
			p["tls"] = map[string]any{
				"cert_file": escape(s.TLSCert), "key_file": escape(s.TLSKey), "reload_interval": "1m",
			}
		}
		if s.TokenFile != "" {
			p["auth"] = map[string]any{"authenticator": tokenauthextension.TypeName}
		}
		return p
	}
	grpc, http := protocol(s.GRPCEndpoint), protocol(s.HTTPEndpoint)
	otlp := map[string]any{"protocols": map[string]any{"grpc": grpc, "http": http}}
	for key, bound := range map[string]time.Duration{"late": s.Late, "future": s.Future} {
		if bound != 0 {
			otlp[key] = bound.String()
		}
	}
	overlay := map[string]any{"receivers": map[string]any{"otlp": otlp}}
	if s.TokenFile != "" {
		// The authenticator is asked after a gRPC message was read; the
		// middleware refuses strangers before. Lists are replaced: those of
		// default.yaml are repeated.
		grpc["middlewares"] = []any{
			map[string]any{"id": tokenauthextension.TypeName}, map[string]any{"id": decompressextension.TypeName},
		}
		overlay["extensions"] = map[string]any{tokenauthextension.TypeName: map[string]any{"file": escape(s.TokenFile)}}
		overlay["service"] = map[string]any{"extensions": []any{tokenauthextension.TypeName, decompressextension.TypeName}}
	}
	return overlay
}

// escape keeps a $ of a path from being expanded.
func escape(value string) string { return strings.ReplaceAll(value, "$", "$$") }

// readUserConfig reads the file and makes sure that it is a YAML mapping, while
// line numbers are still known.
func readUserConfig(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the collector configuration: %w", err)
	}
	var mapping map[string]any
	if err := yaml.Unmarshal(content, &mapping); err != nil {
		return nil, fmt.Errorf("collector configuration %s: is not a YAML mapping: %w", path, err)
	}
	return content, nil
}

// resolve merges the layers, expands ${env:NAME} and ${file:path} and decodes
// the result. It refuses what cannot be decoded or stands before the journal
// where nothing may stand.
func resolve(ctx context.Context, layers []layer, factories otelcol.Factories) (*otelcol.Config, error) {
	uris := make([]string, len(layers))
	for i, l := range layers {
		uris[i] = layerScheme + ":" + l.name
	}
	provider, err := otelcol.NewConfigProvider(otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
		URIs: uris,
		ProviderFactories: []confmap.ProviderFactory{
			confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return layerProvider(layers) }),
			confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return envProvider{} }),
			confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return fileProvider{} }),
		},
		DefaultScheme: "env",
		ConverterFactories: []confmap.ConverterFactory{
			confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return rawCheck{factories} }),
		},
	}})
	if err != nil {
		return nil, err
	}
	config, err := provider.Get(ctx, factories)
	if refused := (*keyError)(nil); errors.As(err, &refused) {
		return nil, refused
	}
	return config, errors.Join(err, provider.Shutdown(ctx))
}
