package slo

import "time"

// Kind is the kind of an OpenSLO object.
type Kind string

// The kinds of OpenSLO v1.
const (
	KindDataSource              Kind = "DataSource"
	KindService                 Kind = "Service"
	KindSLI                     Kind = "SLI"
	KindSLO                     Kind = "SLO"
	KindAlertPolicy             Kind = "AlertPolicy"
	KindAlertCondition          Kind = "AlertCondition"
	KindAlertNotificationTarget Kind = "AlertNotificationTarget"
)

// ObjectRef names an object: within its kind a name is unique.
type ObjectRef struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
}

// String is "SLI checkout-fast".
func (r ObjectRef) String() string { return string(r.Kind) + " " + r.Name }

// Object is one revision of an OpenSLO object that is no SLO: SLOs refer to
// it by its name (see Definition for those).
type Object struct {
	ObjectRef
	// Document is the OpenSLO document as it was applied (YAML or JSON). That
	// of a DataSource may hold secrets: it MUST NOT be shown.
	Document []byte
	// Origin is the file that the object comes from (read-only in the API), or
	// empty when it was applied by the API.
	Origin string
	// Revision counts the objects of this kind and name from 1.
	Revision int
	// AppliedAt is when this revision came into force.
	AppliedAt time.Time
}
