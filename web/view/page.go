package view

import "time"

// Base is what every page has.
type Base struct {
	// Title is the title of the page, without the product's name.
	Title string
	// Version is the version of the program, for the foot.
	Version string
	// Now is when the page was made; every "ago" is relative to it.
	Now time.Time
	// Live lets the script fetch the page again every five seconds.
	Live bool
}

// MadeAt is when the page was made, for people.
func (b Base) MadeAt() Moment { return NewMoment(b.Now, b.Now) }

// Failure is the page for an error.
type Failure struct {
	Base
	Status int
	Detail string
}

// NewFailure says that something went wrong, and what to do.
func NewFailure(base Base, status int, title, detail string) Failure {
	base.Title, base.Live = title, false
	return Failure{Base: base, Status: status, Detail: detail}
}

func (Failure) template() string { return "failure" }
