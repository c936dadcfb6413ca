package shop

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is what is broken about one service. Its zero value is nothing.
type Fault struct {
	// Errors is the share of its requests that fail, from 0 to 1.
	Errors float64 `json:"errors,omitempty"`
	// Latency is added to each of its requests, in nanoseconds.
	Latency time.Duration `json:"latency_ns,omitempty"`
	// Outage lets all of its requests fail at once.
	Outage bool `json:"outage,omitempty"`
	// Silence keeps its telemetry back, though it works.
	Silence bool `json:"silence,omitempty"`
	// Until is when it heals by itself; zero for never.
	Until time.Time `json:"until,omitzero"`
}

// String says what is broken: "20 % errors, 800ms slower".
func (f Fault) String() string {
	var parts []string
	if f.Outage {
		parts = append(parts, "outage")
	}
	if f.Errors > 0 {
		parts = append(parts, fmt.Sprintf("%g %% errors", f.Errors*100))
	}
	if f.Latency > 0 {
		parts = append(parts, f.Latency.String()+" slower")
	}
	if f.Silence {
		parts = append(parts, "silent")
	}
	if len(parts) == 0 {
		return "healthy"
	}
	return strings.Join(parts, ", ")
}

// check refuses what makes no sense.
func (f Fault) check() error {
	switch {
	case f.Errors < 0 || f.Errors > 1:
		return fmt.Errorf("errors of %g %%: the share must be from 0 %% to 100 %%", f.Errors*100)
	case f.Latency < 0 || f.Latency > time.Minute:
		return fmt.Errorf("latency of %s: it must be from 0 to 1m", f.Latency)
	case f == Fault{Until: f.Until}:
		return fmt.Errorf("nothing to break is said: give errors, latency, outage or silence")
	}
	return nil
}

// Faults are the faults by service. It is safe for concurrent use.
type Faults struct {
	mu        sync.RWMutex
	byService map[string]Fault
}

// NewFaults returns a healthy shop.
func NewFaults() *Faults { return &Faults{byService: map[string]Fault{}} }

// Break replaces what is broken about a service.
func (f *Faults) Break(service string, fault Fault) error {
	if err := known(service); err != nil {
		return err
	}
	if err := fault.check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byService[service] = fault
	return nil
}

// Heal mends a service, every one if none is named.
func (f *Faults) Heal(service string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if service == "" {
		clear(f.byService)
		return nil
	}
	if err := known(service); err != nil {
		return err
	}
	delete(f.byService, service)
	return nil
}

// Of is what is broken about a service at an instant.
func (f *Faults) Of(service string, at time.Time) Fault {
	f.mu.RLock()
	defer f.mu.RUnlock()
	fault := f.byService[service]
	if !fault.Until.IsZero() && at.After(fault.Until) {
		return Fault{}
	}
	return fault
}

// All are the faults at an instant, by service.
func (f *Faults) All(at time.Time) map[string]Fault {
	f.mu.RLock()
	defer f.mu.RUnlock()
	all := maps.Clone(f.byService)
	maps.DeleteFunc(all, func(_ string, fault Fault) bool { return !fault.Until.IsZero() && at.After(fault.Until) })
	return all
}

func known(service string) error {
	if !slices.Contains(Services(), service) {
		return fmt.Errorf("the shop has no service %q: it has %s", service, strings.Join(Services(), ", "))
	}
	return nil
}
