package postgres

import "time"

// nanos is an instant as the tables hold it: nanoseconds since 1970, NULL for
// the zero time.
func nanos(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.UnixNano()
	return &n
}

// instant is the opposite of nanos.
func instant(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.Unix(0, *n).UTC()
}
