//go:build !crash

package failpoint

// Here kills the process if the harness asked for it at this point.
func Here(Point) {}

// Planted reports whether the harness planted a bug.
func Planted(Bug) bool { return false }
