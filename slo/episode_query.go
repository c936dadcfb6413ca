package slo

import "time"

// EpisodeQuery selects episodes; its zero value selects all of them.
type EpisodeQuery struct {
	// SLO selects those of one SLO.
	SLO string
	// States selects those in one of the states; none selects every state.
	States []EpisodeState
	// From and To select those that were open at some instant of [From, To);
	// zero leaves that side open.
	From, To time.Time
	// Offset leaves out that many of the newest; Limit bounds how many are
	// returned and MUST be above 0.
	Offset, Limit int
}
