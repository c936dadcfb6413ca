package otlpreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/slowburn-slo/slowburn/collector/request"
)

func TestErrorsTellSendersWhetherToSendAgain(t *testing.T) {
	t.Parallel()
	slow, err := status.New(codes.ResourceExhausted, "slower").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(3 * time.Second)})
	require.NoError(t, err)
	tests := map[string]struct {
		err   error
		code  codes.Code
		http  int
		delay time.Duration
	}{
		"memory is short":                   {errors.New("data refused due to high memory usage"), codes.Unavailable, 503, time.Second},
		"too much is in hand":               {request.ErrBusy, codes.Unavailable, 503, time.Second},
		"the receiver stops":                {errStopping, codes.Unavailable, 503, time.Second},
		"a status of trouble":               {status.Error(codes.Internal, "disk"), codes.Unavailable, 503, time.Second},
		"an unknown status":                 {status.Error(codes.Unknown, "disk"), codes.Unavailable, 503, time.Second},
		"unavailable without a delay":       {status.Error(codes.Unavailable, "disk"), codes.Unavailable, 503, time.Second},
		"lost data":                         {status.Error(codes.DataLoss, "disk"), codes.Unavailable, 503, time.Second},
		"exhausted, with a delay":           {slow.Err(), codes.ResourceExhausted, 429, 3 * time.Second},
		"exhausted, without one":            {status.Error(codes.ResourceExhausted, "disk"), codes.Unavailable, 503, time.Second},
		"a bad request":                     {badRequestError{errors.New("no")}, codes.InvalidArgument, 400, 0},
		"a bad request within":              {fmt.Errorf("read: %w", badRequestError{errors.New("no")}), codes.InvalidArgument, 400, 0},
		"what a component says is for good": {consumererror.NewPermanent(errors.New("no")), codes.InvalidArgument, 400, 0},
		"what a component says is wrong":    {status.Error(codes.InvalidArgument, "no"), codes.InvalidArgument, 400, 0},
		"no permission":                     {status.Error(codes.PermissionDenied, "no"), codes.PermissionDenied, 403, 0},
		"the sender is gone":                {context.Canceled, codes.Canceled, 503, 0},
		"its deadline is over":              {status.Error(codes.DeadlineExceeded, "late"), codes.DeadlineExceeded, 503, 0},
	}
	for name, test := range tests {
		s := statusOf(test.err)
		require.Equal(t, test.code, s.Code(), name)
		require.Equal(t, test.http, httpCode(s), name)
		require.Equal(t, test.delay, retryDelay(s), name)
		require.NotEqual(t, http.StatusInternalServerError, httpCode(s), name)
	}
}

func TestTheBoundsAreChecked(t *testing.T) {
	t.Parallel()
	valid := func() *Config {
		c := defaultConfig()
		c.Protocols.HTTP = configoptional.Some(confighttp.NewDefaultServerConfig())
		return c
	}
	require.NoError(t, valid().Validate())
	for key, spoil := range map[string]func(*Config){
		"late":              func(c *Config) { c.Late = 0 },
		"future":            func(c *Config) { c.Future = -1 },
		"max_in_flight_mib": func(c *Config) { c.MaxInFlightMiB = 0 },
		"protocols":         func(c *Config) { c.Protocols = Protocols{} },
	} {
		c := valid()
		spoil(c)
		require.ErrorContains(t, c.Validate(), key)
	}
}
