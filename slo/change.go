package slo

import "time"

// Documents are OpenSLO documents that come together, YAML or JSON.
type Documents struct {
	// File names them in faults: "request", or the name of a file.
	File string
	Data []byte
	// Strict reads them as the SDK of OpenSLO does, without dialects.
	Strict bool
	// RetireNow: tiers go over to what is measured now at once, where an edit
	// changed that, and not when it covers their look-backs.
	RetireNow bool
	// OfFiles: what comes from a file is compared as if the file were changed,
	// where a Try would say that it may not be.
	OfFiles bool
}

// Change is what changes in one go, all of it or nothing.
type Change struct {
	// Definitions and Objects get their next revision each.
	Definitions []Definition
	Objects     []Object
	// Archive names the SLOs and the objects that end.
	Archive []ObjectRef
}

// Applied says what documents did when they were applied, or would do.
type Applied struct {
	// Changes has one item for each document, in their order, and then one for
	// each further SLO that changes because of what it refers to, by name.
	Changes  []ObjectChange
	Warnings DocumentWarnings
}

// ObjectChange says what a change did to one object.
type ObjectChange struct {
	ObjectRef
	Effect Effect
	// Follows reports that no document of its own was given: what it refers to
	// has changed.
	Follows bool
	// Recounts reports that an SLO counts other series than before.
	Recounts bool
	// Revision and AppliedAt are those in force: of what would be created they
	// are zero, of what would change still the old ones.
	Revision  int
	AppliedAt time.Time
	// Origin is the file that it comes from; empty for the API.
	Origin string
}

// Effect is what a change does to an object.
type Effect string

// The effects of a change.
const (
	Created   Effect = "created"
	Changed   Effect = "changed"
	Unchanged Effect = "unchanged"
)
