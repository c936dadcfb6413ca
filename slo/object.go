package slo

import (
	"cmp"
	"time"
)

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

// Kinds are all kinds of objects that an SLO can refer to, sorted.
func Kinds() []Kind {
	return []Kind{
		KindAlertCondition, KindAlertNotificationTarget, KindAlertPolicy, KindDataSource, KindSLI, KindService,
	}
}

// ObjectRef names an object: within its kind a name is unique.
type ObjectRef struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
}

// Compare orders by kind, then by name.
func (r ObjectRef) Compare(other ObjectRef) int {
	return cmp.Or(cmp.Compare(r.Kind, other.Kind), cmp.Compare(r.Name, other.Name))
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
	// References are the objects that the document refers to itself, sorted.
	References []ObjectRef
	// Origin is the file that the object comes from (read-only in the API), or
	// empty when it was applied by the API.
	Origin string
	// Revision counts the objects of this kind and name from 1.
	Revision int
	// AppliedAt is when this revision came into force.
	AppliedAt time.Time
}
