package otlpreceiver

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
)

// Config is what a Collector configuration says of the receiver. The paths of
// HTTP are those of OTLP and cannot be set.
type Config struct {
	Protocols Protocols `mapstructure:"protocols"`
	// Late is how long ago a span may have ended, or a data point been taken,
	// when it arrives; Future is how far ahead of our clock it may be.
	Late   time.Duration `mapstructure:"late"`
	Future time.Duration `mapstructure:"future"`
	// MaxInFlightMiB bounds the bytes of all requests in hand, uncompressed, in
	// MiB. Beyond it, senders are told to retry.
	MaxInFlightMiB int64 `mapstructure:"max_in_flight_mib"`
}

// Protocols are those over which OTLP is accepted; at least one.
type Protocols struct {
	GRPC configoptional.Optional[configgrpc.ServerConfig] `mapstructure:"grpc"`
	HTTP configoptional.Optional[confighttp.ServerConfig] `mapstructure:"http"`
}

// Validate refuses what cannot work.
func (c *Config) Validate() error {
	switch {
	case !c.Protocols.GRPC.HasValue() && !c.Protocols.HTTP.HasValue():
		return errors.New("protocols: at least one of grpc and http is required")
	case c.Late <= 0:
		return errors.New("late must be above zero: nothing would be accepted")
	case c.Future < 0:
		return errors.New("future must not be negative")
	case c.MaxInFlightMiB < 1:
		return errors.New("max_in_flight_mib must be at least 1")
	}
	return nil
}

// The defaults of the bounds.
const (
	DefaultLate    = 24 * time.Hour
	DefaultFuture  = 10 * time.Minute
	defaultInHand  = 256
	readBufferSize = 512 << 10
)

func defaultConfig() *Config {
	grpc := configgrpc.NewDefaultServerConfig()
	grpc.NetAddr.Endpoint = "localhost:4317"
	// Requests are large and answers small.
	grpc.ReadBufferSize = readBufferSize
	http := confighttp.NewDefaultServerConfig()
	http.NetAddr.Endpoint = "localhost:4318"
	http.TLS = configoptional.None[configtls.ServerConfig]()
	http.ReadTimeout = 15 * time.Second
	http.ReadHeaderTimeout = 5 * time.Second
	return &Config{
		Protocols: Protocols{GRPC: configoptional.Default(grpc), HTTP: configoptional.Default(http)},
		Late:      DefaultLate, Future: DefaultFuture, MaxInFlightMiB: defaultInHand,
	}
}
