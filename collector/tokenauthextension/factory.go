// Package tokenauthextension is the Collector extension that lets only senders
// with a bearer token from a file in.
package tokenauthextension

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// TypeName is the type of the component in a Collector configuration.
const TypeName = "token_auth"

// Config is what a Collector configuration says of the extension.
type Config struct {
	// File holds one token per line; empty lines and lines that begin with #
	// do not count. A change of the file is in force at the next request.
	File string `mapstructure:"file"`
}

// Validate reads the file, so that a Collector without a usable token does not
// start.
func (c *Config) Validate() error {
	if c.File == "" {
		return errors.New("file is required: name a file with one token per line")
	}
	_, err := readTokens(c.File)
	return err
}

// NewFactory makes the extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		component.MustNewType(TypeName),
		func() component.Config { return &Config{} },
		func(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
			return newTokenAuth(cfg.(*Config).File, set.Logger)
		},
		component.StabilityLevelBeta,
	)
}
