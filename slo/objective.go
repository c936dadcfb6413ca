package slo

import "time"

// SLO is one OpenSLO document of kind SLO: an indicator, a window and the
// objectives (targets) set on it.
type SLO struct {
	Name        string
	DisplayName string
	Description string
	Service     string
	Labels      map[string][]string
	Annotations map[string]string
	Indicator   Indicator
	Window      Window
	Objectives  []Objective
}

// Objective is one target of an SLO. Within its SLO it is known by its index.
type Objective struct {
	DisplayName string
	Target      Target
}

// Definition is one revision of an SLO: what somebody applied, and when.
type Definition struct {
	SLO SLO
	// Document is the OpenSLO document as it was applied (YAML or JSON).
	Document []byte
	// Origin is the file that the definition comes from (read-only in the
	// API), or empty when it was applied by the API.
	Origin string
	// Revision counts the definitions of this name from 1.
	Revision int
	// AppliedAt is when this revision came into force.
	AppliedAt time.Time
}
