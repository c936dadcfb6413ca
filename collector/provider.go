package collector

import (
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

const layerScheme = "layer"

// layer is one configuration of those that are merged.
type layer struct {
	name    string
	content []byte
}

// layerProvider serves the layers by name.
type layerProvider []layer

// Retrieve returns the layer that uri names.
func (p layerProvider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	for _, l := range p {
		if uri == layerScheme+":"+l.name {
			return confmap.NewRetrievedFromYAML(l.content)
		}
	}
	return nil, fmt.Errorf("%s: no such part of the configuration", uri)
}

// Scheme is "layer".
func (layerProvider) Scheme() string { return layerScheme }

// Shutdown has nothing to release.
func (layerProvider) Shutdown(context.Context) error { return nil }

// envProvider expands ${env:NAME} and ${env:NAME:-default}. A variable that is
// not set and has no default is an error: an empty value would be a silent one.
type envProvider struct{}

// Retrieve returns the value of the variable, which may be any YAML.
func (envProvider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	name, fallback, hasFallback := strings.Cut(strings.TrimPrefix(uri, "env:"), ":-")
	value, ok := os.LookupEnv(name)
	if !ok && !hasFallback {
		return nil, fmt.Errorf("the environment variable %q is not set; set it, or write ${env:%s:-default}", name, name)
	}
	if !ok {
		value = fallback
	}
	return confmap.NewRetrievedFromYAML([]byte(value))
}

// Scheme is "env".
func (envProvider) Scheme() string { return "env" }

// Shutdown has nothing to release.
func (envProvider) Shutdown(context.Context) error { return nil }

// fileProvider expands ${file:path} to the content of a file, which may be any YAML.
type fileProvider struct{}

// Retrieve reads the file.
func (fileProvider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	content, err := os.ReadFile(strings.TrimPrefix(uri, "file:"))
	if err != nil {
		return nil, fmt.Errorf("expand ${%s}: %w", uri, err)
	}
	return confmap.NewRetrievedFromYAML(content)
}

// Scheme is "file".
func (fileProvider) Scheme() string { return "file" }

// Shutdown has nothing to release.
func (fileProvider) Shutdown(context.Context) error { return nil }
