package main

import (
	"fmt"
	"slices"
	"strings"
)

// evidence is what verify compares: what the clients and the receivers of
// notifications know, and what the platform says.
type evidence struct {
	// Exact: repeats are recognised, so everything is counted exactly once. It
	// is false only for a build without deduplication, where an item may be
	// counted as often as it was sent.
	Exact bool `json:"exact"`
	// Objectives maps the names of the platform to those of the book.
	Objectives map[string]string  `json:"objectives"`
	Rows       []row              `json:"rows"`
	Deliveries []delivery         `json:"deliveries"`
	Counted    map[string][]count `json:"counted,omitempty"`
	Episodes   []episode          `json:"episodes,omitempty"`
	// Delivered: the receivers have had the time to be told of everything.
	Delivered bool `json:"delivered"`
}

// count is one bucket of the platform.
type count struct {
	Slice              int64
	Good, Bad, Unknown int64
}

// episode is one of the API's.
type episode struct {
	ID      string  `json:"id"`
	State   string  `json:"state"`
	FiredAt *string `json:"fired_at"`
}

// finding is the result of verify.
type finding struct {
	// Lost and Doubled are events; Counted is the sum of all buckets.
	Lost, Doubled, Counted int64
	// Notifications are distinct, Repeats further deliveries of the same.
	Notifications, Repeats int64
	// Alarms are messages of the platform about itself.
	Alarms int64
	Faults []string
}

// auditDifference is the alarm that nothing which the harness does may raise.
const auditDifference = "SlowburnAuditDifference"

// maxFaults bounds what is printed of each kind.
const maxFaults = 12

func (f *finding) fault(format string, args ...any) {
	if len(f.Faults) < maxFaults {
		f.Faults = append(f.Faults, fmt.Sprintf(format, args...))
	}
}

// red reports whether anything is wrong.
func (f *finding) red() bool { return len(f.Faults) > 0 }

// judge checks I1, I2 and I4: it is pure, so that its own test can lie to it.
func (e evidence) judge() finding {
	var f finding
	for _, name := range sortedKeys(e.Objectives) {
		e.judgeObjective(&f, name, e.Objectives[name])
	}
	e.judgeDeliveries(&f)
	if e.Delivered {
		e.judgeEpisodes(&f)
	}
	return f
}

// judgeObjective compares bucket by bucket, good and bad each.
func (e evidence) judgeObjective(f *finding, name, book string) {
	counted := map[int64]count{}
	for _, c := range e.Counted[name] {
		counted[c.Slice] = c
	}
	for _, r := range e.Rows {
		if r.Objective != book {
			continue
		}
		c := counted[r.Slice]
		delete(counted, r.Slice)
		most := tally{r.Acknowledged.Good + r.Open.Good, r.Acknowledged.Bad + r.Open.Bad}
		if !e.Exact {
			most = r.Sendings
		}
		f.compare(name, r.Slice, "good", c.Good, r.Acknowledged.Good, most.Good)
		f.compare(name, r.Slice, "bad", c.Bad, r.Acknowledged.Bad, most.Bad)
		if c.Unknown != 0 {
			f.fault("%s, slice %d: %d events could not be judged", name, r.Slice, c.Unknown)
		}
	}
	for slice, c := range counted {
		f.compare(name, slice, "good", c.Good, 0, 0)
		f.compare(name, slice, "bad", c.Bad, 0, 0)
	}
}

// compare checks acknowledged <= counted <= most.
func (f *finding) compare(name string, slice int64, what string, counted, acknowledged, most int64) {
	f.Counted += counted
	if counted < acknowledged {
		f.Lost += acknowledged - counted
		f.fault("%s, slice %d: %d %s events were acknowledged, %d are counted", name, slice, acknowledged, what, counted)
	}
	if counted > most {
		f.Doubled += counted - most
		f.fault("%s, slice %d: %d %s events were sent at most, %d are counted", name, slice, most, what, counted)
	}
}

// told is one transition to one receiver.
type told struct{ episode, state, receiver string }

// judgeDeliveries checks that each transition has one identity and one body,
// however often it was delivered, and is about an episode that is stored.
func (e evidence) judgeDeliveries(f *finding) {
	known := map[string]bool{}
	for _, ep := range e.Episodes {
		known[ep.ID] = true
	}
	first := map[told]delivery{}
	for _, d := range e.Deliveries {
		key := told{d.Episode, d.State, d.Receiver}
		before, repeated := first[key]
		switch {
		case !repeated:
			first[key] = d
			f.Notifications++
		case before.ID != d.ID:
			f.fault("episode %s, %s: receiver %s was told under the ids %s and %s", d.Episode, d.State, d.Receiver, before.ID, d.ID)
		case before.Body != d.Body && d.Alarm == "":
			f.fault("episode %s, %s: receiver %s was told different things under the id %s", d.Episode, d.State, d.Receiver, d.ID)
		default:
			f.Repeats++
		}
		if d.Alarm != "" {
			f.Alarms++
			if d.Alarm == auditDifference {
				f.fault("the platform says by itself that an audit differs (alarm %s)", d.Episode)
			}
			continue
		}
		if len(e.Episodes) > 0 && len(e.Episodes) < maxEpisodes && !known[d.Episode] {
			f.fault("receiver %s was told of the episode %s, which is not stored", d.Receiver, d.Episode)
		}
	}
}

// judgeEpisodes checks that every transition of every episode was delivered to
// every receiver.
func (e evidence) judgeEpisodes(f *finding) {
	delivered := map[told]bool{}
	for _, d := range e.Deliveries {
		if d.Answered {
			delivered[told{d.Episode, d.State, d.Receiver}] = true
		}
	}
	for _, ep := range e.Episodes {
		if ep.FiredAt == nil {
			continue // Nobody is told of pending ones.
		}
		states := []string{"firing"}
		if ep.State == "resolved" {
			states = append(states, "resolved")
		}
		for _, state := range states {
			for _, name := range receiverNames() {
				if !delivered[told{ep.ID, state, name}] {
					f.fault("episode %s, %s: receiver %s was never told", ep.ID, state, name)
				}
			}
		}
	}
}

// String is what verify says.
func (f *finding) String() string {
	if !f.red() {
		return fmt.Sprintf("equal: %d counted, 0 lost, 0 doubled, %d notifications, %d repeats", f.Counted, f.Notifications, f.Repeats)
	}
	return fmt.Sprintf("%d counted, %d lost, %d doubled\n  %s", f.Counted, f.Lost, f.Doubled, strings.Join(f.Faults, "\n  "))
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
