//go:build crash

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// plan is what the environment asks for: SLOWBURN_CRASH_AT=K4:17 kills the
// process the 17th time that it comes to K4; SLOWBURN_PLANT=no-fence plants a bug.
type plan struct {
	mu    sync.Mutex
	point Point
	left  int
	bug   Bug
}

// theirs is read once: package state that only crash builds have.
var theirs = sync.OnceValue(func() *plan { //nolint:gochecknoglobals // Only in builds of the harness.
	p := &plan{bug: Bug(os.Getenv("SLOWBURN_PLANT"))}
	at, passages, _ := strings.Cut(os.Getenv("SLOWBURN_CRASH_AT"), ":")
	p.point, p.left = Point(at), 1
	if n, err := strconv.Atoi(passages); err == nil {
		p.left = n
	}
	return p
})

// Here kills the process if the harness asked for it at this point.
func Here(point Point) {
	p := theirs()
	if p.point != point {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left--; p.left == 0 {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // Nothing after this line may happen.
	}
}

// Planted reports whether the harness planted a bug.
func Planted(bug Bug) bool { return theirs().bug == bug }

// Number is a setting that only the harness changes: SLOWBURN_CRASH_NAME in
// the environment, else the usual one.
func Number(name string, usual int64) int64 {
	if n, err := strconv.ParseInt(os.Getenv("SLOWBURN_CRASH_"+name), 10, 64); err == nil {
		return n
	}
	return usual
}
