package otlpreceiver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// pause is how long a sender is told to wait before it sends again.
const pause = time.Second

// badRequestError is a fault of the sender: it must not send the same again.
type badRequestError struct{ error }

// Unwrap is the fault.
func (b badRequestError) Unwrap() error { return b.error }

// statusOf is what an error means to the sender. Whatever is not known to be
// its fault, or to fail again, is UNAVAILABLE with a delay: senders drop data on
// INTERNAL and UNKNOWN.
func statusOf(err error) *status.Status {
	if bad := (badRequestError{}); errors.As(err, &bad) {
		return status.New(codes.InvalidArgument, bad.Error())
	}
	s, known := status.FromError(err)
	switch {
	case known && isFinal(s.Code()):
		return s
	case known && s.Code() == codes.ResourceExhausted && retryDelay(s) > 0:
		return s
	case known && (s.Code() == codes.Canceled || s.Code() == codes.DeadlineExceeded):
		return s
	case known && retryDelay(s) > 0 && s.Code() == codes.Unavailable:
		return s
	case !known && consumererror.IsPermanent(err):
		return status.New(codes.InvalidArgument, err.Error())
	case !known && errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, err.Error())
	case known:
		return retryable(s.Message())
	default:
		return retryable(err.Error())
	}
}

// isFinal reports whether a status tells a sender what it did wrong.
func isFinal(code codes.Code) bool {
	switch code {
	case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return true
	default:
		return false
	}
}

func retryable(message string) *status.Status {
	s := status.New(codes.Unavailable, message)
	if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(pause)}); err == nil {
		return detailed
	}
	return s
}

// retryDelay is what a status tells the sender to wait, zero if nothing. HTTP
// counts in whole seconds, so it is at least one.
func retryDelay(s *status.Status) time.Duration {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return max(info.GetRetryDelay().AsDuration(), time.Second)
		}
	}
	return 0
}

// httpCode is what a status is over HTTP. OTLP senders repeat 429, 502, 503 and 504.
func httpCode(s *status.Status) int {
	switch s.Code() {
	case codes.InvalidArgument:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Unimplemented:
		return http.StatusNotFound
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	default:
		return http.StatusServiceUnavailable
	}
}

// grpcCode is what a code of HTTP is as a status.
func grpcCode(code int) codes.Code {
	switch code {
	case http.StatusBadRequest:
		return codes.InvalidArgument
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	default:
		return codes.Unavailable
	}
}
