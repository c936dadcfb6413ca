package request

import (
	"context"
	"io"
	"sync/atomic"
)

// Budget bounds the bytes of all requests in hand at one time.
type Budget struct {
	max   int64
	taken atomic.Int64
}

// NewBudget makes a budget of so many bytes.
func NewBudget(size int64) *Budget { return &Budget{max: size} }

// Taken is how many bytes requests hold.
func (b *Budget) Taken() int64 { return b.taken.Load() }

// Hold makes the hold of one request, which has nothing yet.
func (b *Budget) Hold() *Hold { return &Hold{budget: b} }

// Hold is what one request has of a budget. It is for one goroutine.
type Hold struct {
	budget *Budget
	taken  int64
}

// Reserve takes n bytes more, or reports that they are not there.
func (h *Hold) Reserve(n int64) bool {
	if h.budget.taken.Add(n) > h.budget.max {
		h.budget.taken.Add(-n)
		return false
	}
	h.taken += n
	return true
}

// Release gives back what the request has.
func (h *Hold) Release() {
	h.budget.taken.Add(-h.taken)
	h.taken = 0
}

// Reader reads r and reserves what it read; beyond the budget it fails with
// ErrBusy. A nil hold reserves nothing.
func (h *Hold) Reader(r io.Reader) io.Reader {
	if h == nil {
		return r
	}
	return reservingReader{r, h}
}

type reservingReader struct {
	io.Reader
	hold *Hold
}

// Read reads and reserves.
func (r reservingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 && !r.hold.Reserve(int64(n)) {
		return 0, ErrBusy
	}
	return n, err
}

type holdKey struct{}

// WithHold gives a request its hold.
func WithHold(ctx context.Context, h *Hold) context.Context {
	return context.WithValue(ctx, holdKey{}, h)
}

// HoldOf is the hold of a request, nil if it has none.
func HoldOf(ctx context.Context) *Hold {
	h, _ := ctx.Value(holdKey{}).(*Hold)
	return h
}
