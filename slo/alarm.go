package slo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// The alarms of Slowburn about itself. Routes and runbooks know them by these
// names: they stay.
const (
	// AlarmAuditDifference: an audit counts otherwise than the ledger.
	AlarmAuditDifference = "SlowburnAuditDifference"
	// AlarmStale: verdicts are not of now, and no alert about an objective can
	// fire or resolve.
	AlarmStale = "SlowburnStale"
	// AlarmUnjudged: single objectives cannot be judged, by a defect of ours.
	AlarmUnjudged = "SlowburnObjectiveNotJudged"
	// AlarmIngestRefusing: telemetry is not accepted.
	AlarmIngestRefusing = "SlowburnIngestRefusing"
	// AlarmClockJump: the wall clock jumped.
	AlarmClockJump = "SlowburnClockJump"
)

// Alarm is one time that Slowburn itself was in trouble, under one identity
// for ever: open from Since on, resolved at ResolvedAt.
type Alarm struct {
	ID       string
	Name     string
	Severity Severity
	// Summary is one line, Description says what was seen and what to do.
	Summary, Description string
	// Since is when the trouble began, RaisedAt when it had lasted so long that
	// people are told. ResolvedAt is when it was over; zero while it is open.
	Since, RaisedAt, ResolvedAt time.Time
	// Labels are added to the name and the severity, and never replace them.
	Labels map[string]string
}

// AlarmID derives the identity of an alarm from what it is, so that a repeat
// arrives at the same one: 32 hexadecimal digits.
func AlarmID(name string, labels map[string]string, since time.Time) string {
	// The formatted map is sorted by key.
	sum := sha256.Sum256(fmt.Appendf(nil, "alarm v1\n%q %q %d", name, labels, since.UnixNano()))
	return hex.EncodeToString(sum[:16])
}
