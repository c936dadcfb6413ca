package slo

import "time"

// ReceiverState is how the delivery to one receiver of notifications is doing.
type ReceiverState struct {
	Name string
	// Undelivered is how many notifications wait for it, OldestAt when the
	// oldest of them was made.
	Undelivered int
	OldestAt    time.Time
	// DeliveredAt is the last success; zero if there was none.
	DeliveredAt time.Time
	// FailedAt and Cause are the last failed attempt since then; zero for none.
	FailedAt time.Time
	Cause    string
}
