package main

import (
	"errors"
	"sync"
	"time"
)

// meter knows which requests are in flight: begun and not answered.
type meter struct {
	mu     sync.Mutex
	flying map[*call]struct{}
	// cut counts the requests that ended without an answer since reset.
	cut int
	// complaints are answers that no sender should ever see.
	complaints []error
	// newestBegun is when the newest acknowledged request began.
	newestBegun  time.Time
	acknowledged int64
}

type call struct{ begun time.Time }

func newMeter() *meter { return &meter{flying: map[*call]struct{}{}} }

func (m *meter) begin() *call {
	c := &call{begun: time.Now()}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying[c] = struct{}{}
	return c
}

func (m *meter) end(c *call, o outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.flying, c)
	switch o {
	case unanswered:
		m.cut++
	case acknowledged:
		m.acknowledged++
		if c.begun.After(m.newestBegun) {
			m.newestBegun = c.begun
		}
	case retryable, unreached, fatal:
	}
}

// inFlight is how many requests are in flight now.
func (m *meter) inFlight() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.flying)
}

// reset begins to count the requests that a process leaves unanswered.
func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut = 0
}

// cutBy is how many requests were in flight when a process died by itself:
// those that it had left unanswered by the instant at which its death was seen,
// and those begun before that and not ended.
func (m *meter) cutBy(death time.Time) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.cut
	for c := range m.flying {
		if c.begun.Before(death) {
			n++
		}
	}
	return n
}

// progress is how many requests were acknowledged, and when the newest of them began.
func (m *meter) progress() (acknowledged int64, newestBegun time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.acknowledged, m.newestBegun
}

func (m *meter) complain(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.complaints) < 20 {
		m.complaints = append(m.complaints, err)
	}
}

// complained returns the complaints as one error, nil without any.
func (m *meter) complained() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.complaints) == 0 {
		return nil
	}
	return redError{errors.Join(m.complaints...)}
}
