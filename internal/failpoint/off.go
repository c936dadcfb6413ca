//go:build !crash

package failpoint

// Here kills the process if the harness asked for it at this point.
func Here(Point) {}

// Planted reports whether the harness planted a bug.
func Planted(Bug) bool { return false }

// Number is a setting that only the harness changes; here it is the usual one.
func Number(_ string, usual int64) int64 { return usual }
