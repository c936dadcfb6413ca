package alerting

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// rule says when one alarm is raised and resolved.
type rule struct {
	severity slo.Severity
	summary  string
	// raise is how long the trouble must last, clear how long it must be gone.
	// Trouble that is gone for less than clear was never gone.
	raise, clear time.Duration
}

// ruleOf is the rule of an alarm; one that is not listed pages at once.
func ruleOf(name string) rule {
	switch name {
	case slo.AlarmAuditDifference:
		return rule{slo.Page, "An audit counts otherwise than the ledger: budgets may be wrong", 0, 0}
	case slo.AlarmStale:
		return rule{slo.Page, "Slowburn does not judge objectives: no alert can fire or resolve", 2 * time.Minute, time.Minute}
	case slo.AlarmUnjudged:
		return rule{slo.Page, "Slowburn cannot judge some objectives: their alerts cannot fire or resolve", 0, time.Minute}
	case slo.AlarmIngestRefusing:
		return rule{slo.Page, "Slowburn refuses telemetry", 30 * time.Second, time.Minute}
	case slo.AlarmClockJump:
		return rule{slo.Ticket, "The wall clock of Slowburn's machine jumped", 0, 10 * time.Minute}
	default:
		return rule{slo.Page, name, 0, time.Minute}
	}
}

// AlarmSettings is what Alarms needs. Messenger, Save and Logger are required.
type AlarmSettings struct {
	Messenger *Messenger
	// Save puts notifications into the outbox; it MUST ignore those it has.
	Save func(ctx context.Context, tell []slo.Notification) error
	// Saved is called after Save did; it MUST NOT block.
	Saved func()
	// Send delivers one notification past the outbox (Sender.Send): alarms must
	// get out while the store is away. Nil waits for the store.
	Send func(ctx context.Context, n slo.Notification) error
	// Open reads the firing notifications of alarms from the outbox that were
	// never resolved, so that a restart can resolve them. Nil forgets them.
	Open func(ctx context.Context) ([]slo.Notification, error)
	// Labels are added to every alarm: the instance, say.
	Labels map[string]string
	Logger *slog.Logger
	// Now is the clock; time.Now if nil. Its monotonic reading measures how
	// long trouble lasts.
	Now func() time.Time
}

// Alarms raises and resolves alarms about Slowburn itself. What is observed
// sets them off; Run tells of them. Every method is safe for concurrent use.
//
// Alarms live in memory; a restart takes over what was open from the outbox
// (see AlarmSettings.Open), and resolves it once the trouble is gone. An alarm
// without a delay whose trouble is seen before the outbox was read is raised
// once more, under another id, and the one of before resolved.
type Alarms struct {
	settings AlarmSettings
	wake     chan struct{}

	mu       sync.Mutex
	troubles map[string]*trouble
	// untold are notifications that are neither stored nor delivered, in their order.
	untold []*untold
	// restored: alarms of before the start are known.
	restored bool
	failing  bool
}

// trouble is what is known of one alarm.
type trouble struct {
	rule rule
	text string
	// wrongSince is zero while all is well; rightSince is zero while something is wrong.
	wrongSince, rightSince time.Time
	open                   *slo.Alarm
	// firing are the notifications that said that it is open.
	firing []slo.Notification
}

// untold is a notification that waits, and when it may be sent directly again.
type untold struct {
	slo.Notification
	next time.Time
}

// NewAlarms returns Alarms that Run starts, or an error that says what is missing.
func NewAlarms(settings AlarmSettings) (*Alarms, error) {
	if settings.Messenger == nil || settings.Save == nil || settings.Logger == nil {
		return nil, errors.New("alerting: alarms need a messenger, an outbox and a logger")
	}
	if settings.Saved == nil {
		settings.Saved = func() {}
	}
	if settings.Now == nil {
		settings.Now = time.Now
	}
	return &Alarms{
		settings: settings, wake: make(chan struct{}, 1), troubles: map[string]*trouble{}, restored: settings.Open == nil,
	}, nil
}

// Observe takes note of whether something is wrong now, with a description for
// people: what was seen, and what to do. It does not block.
func (a *Alarms) Observe(name string, wrong bool, description string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.troubles[name]
	if t == nil {
		t = &trouble{rule: ruleOf(name)}
		a.troubles[name] = t
	}
	now := a.settings.Now()
	switch {
	case wrong:
		t.text, t.rightSince = description, time.Time{}
		if t.wrongSince.IsZero() {
			t.wrongSince = now
		}
	case t.rightSince.IsZero():
		t.rightSince = now
	}
	a.judge(name, t, now)
}

// judge raises or resolves the alarm if it is time. The caller holds the lock.
func (a *Alarms) judge(name string, t *trouble, now time.Time) {
	gone := !t.rightSince.IsZero() && now.Sub(t.rightSince) >= t.rule.clear
	switch {
	case t.wrongSince.IsZero():
	case t.open == nil && t.rightSince.IsZero() && now.Sub(t.wrongSince) >= t.rule.raise:
		since := t.wrongSince.Round(0).UTC()
		t.open = &slo.Alarm{
			ID: slo.AlarmID(name, a.settings.Labels, since), Name: name, Severity: t.rule.severity, Summary: t.rule.summary,
			Description: t.text, Since: since, RaisedAt: now.Round(0).UTC(), Labels: maps.Clone(a.settings.Labels),
		}
		a.settings.Logger.Error("alarm raised", "alarm", name, "id", t.open.ID, "since", since, "description", t.text)
		t.firing = a.tell(*t.open)
	case t.open != nil && gone:
		a.resolve(*t.open, now, t.rightSince)
		t.open, t.firing, t.wrongSince = nil, nil, time.Time{}
	case t.open == nil && gone:
		t.wrongSince = time.Time{} // It was over before anybody was told.
	}
}

// resolve tells that an alarm is over. The caller holds the lock.
func (a *Alarms) resolve(alarm slo.Alarm, now, since time.Time) {
	alarm.ResolvedAt = now.Round(0).UTC()
	alarm.Description = "It is over since " + formatTime(since) + ". It was: " + alarm.Description
	a.settings.Logger.Info("alarm resolved", "alarm", alarm.Name, "id", alarm.ID)
	a.tell(alarm)
}

// tell puts the notifications of an alarm where Run finds them. The caller
// holds the lock.
func (a *Alarms) tell(alarm slo.Alarm) []slo.Notification {
	notifications, err := a.settings.Messenger.Alarm(alarm)
	if err != nil { // Of plain text, so this cannot happen.
		a.settings.Logger.Error("an alarm could not be written down, nobody is told", "id", alarm.ID, "error", err)
		return nil
	}
	for _, n := range notifications {
		a.untold = append(a.untold, &untold{Notification: n})
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
	return notifications
}

// Open returns the alarms that are open, by name.
func (a *Alarms) Open() []slo.Alarm {
	a.mu.Lock()
	defer a.mu.Unlock()
	var open []slo.Alarm
	for _, name := range slices.Sorted(maps.Keys(a.troubles)) {
		if t := a.troubles[name]; t.open != nil {
			open = append(open, *t.open)
		}
	}
	return open
}

// Firing returns the notifications to a receiver of the alarms that are open:
// an Alertmanager forgets what is not pushed again.
func (a *Alarms) Firing(receiver string) []slo.Notification {
	a.mu.Lock()
	defer a.mu.Unlock()
	var firing []slo.Notification
	for _, name := range slices.Sorted(maps.Keys(a.troubles)) {
		for _, n := range a.troubles[name].firing {
			if n.Receiver == receiver {
				firing = append(firing, n)
			}
		}
	}
	return firing
}
