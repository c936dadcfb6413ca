package view

import "time"

// Base is what every page has.
type Base struct {
	// Title is the title of the page, without the product's name.
	Title string
	// Nav is the section of the menu that the page belongs to: the path of its
	// link, "/slos"; empty for none.
	Nav string
	// Theme is "light" or "dark" if the reader chose one, else empty.
	Theme string
	// Version is the version of the program, for the foot.
	Version string
	// Now is when the page was made; every "ago" is relative to it.
	Now time.Time
	// Fragment is the address at which the live part of the page alone can be
	// fetched; empty for a page that does not change by itself.
	Fragment string
	// FiringCount is how many episodes fire, for the menu; empty for none.
	FiringCount string
	// Alarms are what every page says on top.
	Alarms []Alarm
	// Script and Style name further files that the page needs, "js/chart.js".
	Scripts, Styles []string
}

// MadeAt is when the page was made, for people.
func (b Base) MadeAt() Moment { return NewMoment(b.Now, b.Now) }

// NavItem is one entry of the menu.
type NavItem struct {
	Link, Text string
	Current    bool
	// Badge is a number beside the text, empty for none.
	Badge string
}

// Menu is the menu, with the page's section marked.
func (b Base) Menu() []NavItem {
	menu := []NavItem{
		{Link: "/", Text: "Overview"},
		{Link: "/slos", Text: "Objectives"},
		{Link: "/alerts", Text: "Alerts", Badge: b.FiringCount},
		{Link: "/services", Text: "Services"},
		{Link: "/settings", Text: "Settings"},
	}
	for i := range menu {
		menu[i].Current = menu[i].Link == b.Nav
	}
	return menu
}

// Failure is the page for an error.
type Failure struct {
	Base
	Status int
	Detail string
}

// NewFailure says that something went wrong, and what to do.
func NewFailure(base Base, status int, title, detail string) Failure {
	base.Title, base.Fragment = title, ""
	return Failure{Base: base, Status: status, Detail: detail}
}

func (Failure) template() string { return "failure" }
