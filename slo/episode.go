package slo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// EpisodeState is where an episode stands.
type EpisodeState string

// The states of an episode, in their order. A pending episode whose long
// window falls below its threshold before it ever fired has lapsed; nobody
// was told of it.
const (
	Pending  EpisodeState = "pending"
	Firing   EpisodeState = "firing"
	Resolved EpisodeState = "resolved"
	Lapsed   EpisodeState = "lapsed"
)

// Episode is one firing of one tier of one objective, under one identity for
// ever: pending while only the long window is over its threshold, firing once
// the short one is too, resolved when it no longer is.
type Episode struct {
	ID        string
	SLO       string
	Objective int
	Tier      string
	Severity  Severity
	State     EpisodeState
	// PendingSince, FiredAt and ResolvedAt are when the states were entered;
	// zero if they were not. They are instants of evaluation, not of events.
	PendingSince, FiredAt, ResolvedAt time.Time
	// LastOver is the newest end of an evaluation, in event time, at which
	// both windows were over.
	LastOver time.Time
	// Labels are those that receivers know the episode by, set when it fires
	// and kept as they are until it has ended, whatever is edited meanwhile.
	Labels map[string]string
}

// EpisodeID derives the identity of an episode from what it is, so that a
// repeated evaluation arrives at the same one: 32 hexadecimal digits.
func EpisodeID(slo string, objective int, tier string, begin time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "episode v1\n%q %d %q %d", slo, objective, tier, begin.UnixNano()))
	return hex.EncodeToString(sum[:16])
}

// Transition is an episode that has just entered a state, with the evidence.
type Transition struct {
	Episode Episode
	At      time.Time
	SLO     SLO
	// Status is the objective as it was judged when the episode moved.
	Status ObjectiveStatus
	// Tier is the entry of Status.Tiers that moved.
	Tier TierStatus
	// Reason says why an episode ended though nothing recovered; empty if the
	// verdict ended it.
	Reason string
}

// Notification is one message to one receiver about one transition, kept
// until it was delivered.
type Notification struct {
	// ID is stable over every attempt and restart, so that receivers can
	// recognise a repeat.
	ID       string
	Receiver string
	// Episode and State say which transition it tells of. The notifications
	// of one episode to one receiver are delivered in their order.
	Episode string
	State   EpisodeState
	// Payload is the body to send.
	Payload   []byte
	CreatedAt time.Time
	// Attempt counts the attempts begun, this one included.
	Attempt int
}

// step moves an episode by one verdict of its tier. The zero Episode stands
// for "none". It reports whether the state changed; the caller fills identity
// and names of a new episode.
//
// A tier that is frozen, or whose short window is empty, holds what fires, and
// in silence nothing new fires: silence is neither recovery nor outage (design,
// section 2). HoldFor lets the fast tier stay one episode until it was quiet for
// five minutes of event time. A tier that is inhibited waits as pending.
func (e Episode) step(v *TierStatus, silent bool, to, at time.Time) (Episode, bool) {
	over := v.LongOver && v.ShortOver
	if over && to.After(e.LastOver) {
		e.LastOver = to
	}
	switch {
	case v.Frozen:
		return e, false
	case e.State == Firing:
		if over || v.windowed() && (v.Short.Total() == 0 || to.Sub(e.LastOver) < v.HoldFor) {
			return e, false
		}
		e.State, e.ResolvedAt = Resolved, at
		return e, true
	case over && silent && v.windowed():
		return e, false
	case over && v.Inhibited == "" && e.held(v.After, at):
		if e.State != Pending {
			e.PendingSince = at
		}
		e.State, e.FiredAt = Firing, at
		return e, true
	case (over || v.waits()) && e.State != Pending:
		e.State, e.PendingSince = Pending, at
		return e, true
	case !over && !v.waits() && e.State == Pending:
		e.State, e.ResolvedAt = Lapsed, at
		return e, true
	default:
		return e, false
	}
}

// held reports whether an episode that is over has been so for long enough.
func (e Episode) held(after time.Duration, at time.Time) bool {
	return after == 0 || e.State == Pending && at.Sub(e.PendingSince) >= after
}

// waits reports whether the long look-back is over while the short one is not,
// so that an episode is pending. A tier that must be over for some time is not:
// its pending episode says since when it has been.
func (v *TierStatus) waits() bool { return v.LongOver && v.After == 0 }

// Ended are the instants at which tiers of an objective ceased to fire, the
// newest of each.
type Ended map[string]time.Time

// inhibit sets Inhibited where a faster tier fires, or did so until within the
// short look-back of the slower one: by then its short window holds nothing of
// what the faster one has told.
func inhibit(tiers []TierStatus, open map[string]Episode, ended Ended, at time.Time) {
	for i := range tiers {
		slower := &tiers[i]
		slower.Inhibited = ""
		if slower.LeftOut != "" || !slower.windowed() || open[slower.Name].State == Firing {
			continue
		}
		reach := slower.Tier.Short
		if reach == 0 {
			reach = slower.Tier.Long
		}
		for k := range tiers {
			faster := &tiers[k]
			if !faster.inhibits(slower.Tier) {
				continue
			}
			last, known := ended[faster.Name]
			if open[faster.Name].State == Firing || known && at.Sub(last) < reach {
				slower.Inhibited = faster.Name
				break
			}
		}
	}
}

// Advance evaluates every tier of an objective against its open episodes (by
// tier name; pending or firing ones) and returns the transitions, in the
// order of the tiers. In open it only moves LastOver of episodes that go on;
// the transitions are the caller's to apply once they are stored. In the status
// it says which tiers are inhibited.
//
// An episode whose tier no longer exists, because the objective was edited,
// resolves or lapses: nothing could end it otherwise. Nothing else moves while
// the status is stale: a verdict of then must not page or reassure now.
func Advance(definition *SLO, status *ObjectiveStatus, open map[string]Episode, ended Ended, at time.Time) []Transition {
	if len(open) == 0 && len(ended) == 0 && !status.over() {
		return nil // As almost always: nothing is over, and nothing was.
	}
	var moved []Transition
	inhibit(status.Tiers, open, ended, at)
	for i := range status.Tiers {
		tier := &status.Tiers[i]
		if tier.LeftOut != "" || !status.StaleSince.IsZero() {
			continue
		}
		before := open[tier.Name]
		if tier.Inhibited == "" && before.State != Firing {
			tier.Inhibited = fires(moved, tier.Tier) // One that begins at this instant.
		}
		after, changed := before.step(tier, status.Silent, status.To, at)
		if !changed {
			if before.ID != "" {
				open[tier.Name] = after
			}
			continue
		}
		if before.ID == "" {
			after.ID = EpisodeID(definition.Name, status.Index, tier.Name, at)
			after.SLO, after.Objective = definition.Name, status.Index
			after.Tier, after.Severity = tier.Name, tier.Severity
		}
		moved = append(moved, Transition{Episode: after, At: at, SLO: *definition, Status: *status, Tier: *tier})
	}
	for name, episode := range open {
		if status.uses(name) {
			continue
		}
		moved = append(moved, Transition{
			Episode: episode.End(at), At: at, SLO: *definition, Status: *status,
			Tier:   TierStatus{Tier: &Tier{Name: name, Severity: episode.Severity}},
			Reason: "the objective was edited and this tier is no longer used",
		})
	}
	return moved
}

// over reports whether a long look-back is over its threshold.
func (s *ObjectiveStatus) over() bool {
	for i := range s.Tiers { // Tiers are large: they are not copied.
		if s.Tiers[i].LongOver {
			return true
		}
	}
	return false
}

// fires is the tier among the transitions that begins to fire and inhibits a
// slower one, empty for none.
func fires(moved []Transition, slower *Tier) string {
	for _, t := range moved {
		if t.Episode.State == Firing && t.Tier.inhibits(slower) {
			return t.Tier.Name
		}
	}
	return ""
}

// uses reports whether the objective has a tier of this name.
func (s *ObjectiveStatus) uses(name string) bool {
	return slices.ContainsFunc(s.Tiers, func(t TierStatus) bool { return t.Name == name && t.LeftOut == "" })
}

// End closes an episode whose objective or tier is gone: a firing one
// resolves, a pending one lapses.
func (e Episode) End(at time.Time) Episode {
	e.ResolvedAt = at
	if e.State == Firing {
		e.State = Resolved
	} else {
		e.State = Lapsed
	}
	return e
}
