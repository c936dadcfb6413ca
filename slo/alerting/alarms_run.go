package alerting

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// alarmTick is how often alarms are looked at without an observation.
const alarmTick = time.Second

// Run tells of alarms until ctx ends, then returns nil. What is untold then is
// told by the next Run, should the trouble last.
func (a *Alarms) Run(ctx context.Context) error {
	ticker := time.NewTicker(alarmTick)
	defer ticker.Stop()
	for {
		a.judgeAll()
		a.restore(ctx)
		a.flush(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
		case <-ticker.C:
		}
	}
}

// judgeAll looks at every trouble: time alone raises and resolves alarms.
func (a *Alarms) judgeAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.settings.Now()
	for name, t := range a.troubles {
		a.judge(name, t, now)
	}
}

// restore takes over the alarms of this instance that were open before the
// start. One that was raised anew meanwhile gives way to the new one.
func (a *Alarms) restore(ctx context.Context) {
	if a.restored {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	stored, err := a.settings.Open(ctx)
	if err != nil {
		return // The store is away; the next tick tries again.
	}
	a.restored = true
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.settings.Now()
	own := map[string]bool{}
	for _, t := range a.troubles {
		if t.open != nil {
			own[t.open.ID] = true
		}
	}
	for _, n := range stored {
		alarm, err := readAlarm(n)
		if err != nil {
			a.settings.Logger.Warn("an open alarm of before the start cannot be read, it stays open at its receivers", "error", err)
			continue
		}
		if own[alarm.ID] || !maps.Equal(alarm.Labels, alarmLabels(a.settings.Labels)) {
			continue // Ours already, or another instance's.
		}
		own[alarm.ID] = true
		t := a.troubles[alarm.Name]
		if t == nil {
			t = &trouble{rule: ruleOf(alarm.Name)}
			a.troubles[alarm.Name] = t
		}
		if t.open != nil {
			a.resolve(alarm, now, now)
			continue
		}
		// It is open until it is seen to be over: for as long as trouble must be gone.
		t.open, t.text, t.wrongSince = &alarm, alarm.Description, alarm.Since
		for _, m := range stored {
			if m.Episode == alarm.ID {
				t.firing = append(t.firing, m)
			}
		}
	}
}

// flush stores what is untold, or, where the store does not take it, sends it
// directly, once and under the same id.
func (a *Alarms) flush(ctx context.Context) {
	a.mu.Lock()
	waiting := slices.Clone(a.untold)
	a.mu.Unlock()
	if len(waiting) == 0 || ctx.Err() != nil {
		return
	}
	tell := make([]slo.Notification, len(waiting))
	for i, u := range waiting {
		tell[i] = u.Notification
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	err := a.settings.Save(bounded, tell)
	cancel()
	if err == nil {
		a.forget(waiting)
		a.failing = false
		a.settings.Saved()
		return
	}
	if ctx.Err() == nil && !a.failing {
		a.failing = true
		a.settings.Logger.Error("alarms cannot be stored, they are sent directly", "error", err)
	}
	if a.settings.Send != nil {
		a.sendAll(ctx, waiting)
	}
}

// sendAll sends what is due to all receivers at once. Of one alarm to one
// receiver only the oldest is sent.
func (a *Alarms) sendAll(ctx context.Context, waiting []*untold) {
	now := a.settings.Now()
	var sending sync.WaitGroup
	var mu sync.Mutex
	var done []*untold
	first := map[string]bool{}
	for _, u := range waiting {
		key := fmt.Sprint(u.Receiver, " ", u.Episode)
		if first[key] || now.Before(u.next) {
			first[key] = true
			continue
		}
		first[key] = true
		sending.Go(func() {
			u.Attempt++
			err := a.settings.Send(ctx, u.Notification)
			log := a.settings.Logger.With("receiver", u.Receiver, "notification", u.ID, "attempt", u.Attempt)
			switch {
			case err == nil:
				log.Info("alarm delivered past the outbox")
			case now.After(u.CreatedAt.Add(giveUpAfter)):
				log.Error("alarm given up, nobody was told", "cause", causeText(err))
			default:
				u.next = nextAttempt(u.Notification, err, a.settings.Now())
				log.Warn("alarm not delivered, it is tried again", "cause", causeText(err), "next", u.next)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			done = append(done, u)
		})
	}
	sending.Wait()
	a.forget(done)
}

// forget drops what was told.
func (a *Alarms) forget(told []*untold) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.untold = slices.DeleteFunc(a.untold, func(u *untold) bool { return slices.Contains(told, u) })
}

// Send makes one attempt to deliver a notification past the outbox, for alarms
// that cannot wait for the store. Nothing is noted of it.
func (s *Sender) Send(ctx context.Context, n slo.Notification) error {
	l, ok := s.lanes[n.Receiver]
	if !ok {
		return errNoReceiver
	}
	body, err := l.body([]slo.Notification{n}, s.settings.Now())
	if err != nil {
		return err
	}
	_, err = s.post(ctx, l.endpoint, message{id: n.ID, attempt: n.Attempt, body: body})
	return err
}
