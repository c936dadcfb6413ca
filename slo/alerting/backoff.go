package alerting

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// giveUpAfter is how long a notification is tried. A receiver may be down
	// over a long weekend; what happened before that is no news.
	giveUpAfter = 72 * time.Hour
	// maxRetryAfter bounds how long a receiver can ask to be left alone.
	maxRetryAfter = time.Hour
)

// pace is how fast attempts follow each other: the pause is drawn evenly
// between least and a ceiling that starts at twice least and doubles with each
// attempt up to most.
type pace struct{ least, most time.Duration }

// paceOf tells a receiver in trouble, which recovers by itself, from one that
// refuses the message, which a human has to mend.
func paceOf(cause error) pace {
	if errors.Is(cause, errNoReceiver) {
		return pace{time.Minute, 15 * time.Minute}
	}
	if a, ok := errors.AsType[*answerError](cause); ok && a.status >= 400 && a.status < 500 &&
		a.status != http.StatusTooManyRequests && a.status != http.StatusRequestTimeout {
		return pace{time.Minute, 15 * time.Minute}
	}
	return pace{time.Second, 5 * time.Minute}
}

// pause is the wait after the attempt with the given number, from 1.
func (p pace) pause(attempt int) time.Duration {
	ceiling := p.most
	if doublings := max(1, attempt); doublings < 20 { // 2^20 times a second is longer than any ceiling.
		ceiling = min(p.most, p.least<<doublings)
	}
	return p.least + rand.N(ceiling-p.least+1) //nolint:gosec // Jitter needs no secret.
}

// nextAttempt is when to try again: after the jittered pause or what the
// receiver asks for, whichever is longer, but once more before giving up.
func nextAttempt(n slo.Notification, cause error, now time.Time) time.Time {
	pause := paceOf(cause).pause(n.Attempt)
	if a, ok := errors.AsType[*answerError](cause); ok {
		pause = max(pause, a.retryAfter)
	}
	next := now.Add(pause)
	if last := n.CreatedAt.Add(giveUpAfter); next.After(last) {
		next = last
	}
	return next
}

// retryAfter reads a Retry-After header, seconds or a date, as a time from
// now, between 0 and maxRetryAfter. What cannot be read is 0.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseUint(header, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(0, date.Sub(now)), maxRetryAfter)
	}
	return 0
}
