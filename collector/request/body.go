// Package request is what the parts of this distribution hand each other
// beside the data: the bytes of a request, its share of memory, and what of it
// was refused.
package request

import (
	"errors"
	"io"

	"github.com/slowburn-slo/slowburn/collector/shape"
)

// ErrBusy is that the requests in hand take as much memory as they may. The
// sender has to send again.
var ErrBusy = errors.New("too much is in hand already: send it again")

// Body is the body of an HTTP request that was read, decompressed and checked
// before its handler asks for it.
type Body interface {
	io.ReadCloser
	// Content is the whole body, which then belongs to the caller, and what its
	// check found; or why it cannot be taken.
	Content() ([]byte, shape.Findings, error)
}
