// Package slo is the domain of Slowburn: events are counted into buckets, a
// target over a window leaves a budget, look-backs burn it at a rate, tiers
// turn rates into episodes.
//
// The package is pure: standard library only, no I/O, no clock, no log. Every
// instant is an argument, so months can be driven in a test within seconds.
package slo
