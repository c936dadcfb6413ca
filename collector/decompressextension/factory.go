// Package decompressextension is the Collector extension that bounds what a
// request expands to: the bytes that it decompresses to, where the Collector's
// own decoders let 200 bytes of zstd claim a window of 512 MiB, and the messages
// that those decode to, before anything is decoded.
package decompressextension

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/slowburn-slo/slowburn/collector/shape"
)

// TypeName is the type of the component in a Collector configuration.
const TypeName = "decompress"

// maxMaxSizeMiB keeps the size within what a request can sensibly hold.
const maxMaxSizeMiB = 1024

// Config is what a Collector configuration says of the extension. To use it, an
// OTLP receiver names it under middlewares of grpc and of http, and sets
// compression_algorithms of http to [], which switches the Collector's own
// decoders off.
type Config struct {
	// MaxSizeMiB bounds a request after decompression, in MiB.
	MaxSizeMiB int `mapstructure:"max_size_mib"`
}

// Validate refuses a bound that is none.
func (c *Config) Validate() error {
	if c.MaxSizeMiB < 1 || c.MaxSizeMiB > maxMaxSizeMiB {
		return errors.New("max_size_mib must be between 1 and 1024")
	}
	return nil
}

// NewFactory makes the extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		component.MustNewType(TypeName),
		func() component.Config { return &Config{MaxSizeMiB: 20} },
		func(_ context.Context, _ extension.Settings, cfg component.Config) (extension.Extension, error) {
			return &decompressor{maxSize: int64(cfg.(*Config).MaxSizeMiB) << 20, schema: shape.NewSchema()}, nil
		},
		component.StabilityLevelBeta,
	)
}
