package shop

import (
	"math"
	"math/rand/v2"
	"time"
)

// busy is the time of day as a share of the busiest: 0.3 at 04:00, 1 at 16:00
// (UTC), and a little less at weekends.
func busy(at time.Time) float64 {
	at = at.UTC()
	hours := at.Sub(at.Truncate(24 * time.Hour)).Hours()
	share := 0.65 - 0.35*math.Cos((hours-4)/24*2*math.Pi)
	if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
		share *= 0.8
	}
	return share
}

// arrivals is how many requests arrive in a second (Poisson).
func arrivals(random *rand.Rand, mean float64) int {
	limit, product := math.Exp(-mean), random.Float64()
	n := 0
	for product > limit {
		product *= random.Float64()
		n++
	}
	return n
}

// took is how long the own work of a service takes: log-normal around a
// median, with a tail that grows as the shop gets busy.
func took(random *rand.Rand, median time.Duration, at time.Time) time.Duration {
	sigma := 0.25 + 0.2*busy(at)
	return time.Duration(float64(median) * math.Exp(random.NormFloat64()*sigma))
}

// Incident is something that went wrong in the history.
type Incident struct {
	Service  string
	From, To time.Time
	Errors   float64
}

// pastIncident is the one of every history: payments fails a little for three
// minutes, two fifths of the way back.
func pastIncident(from, to time.Time) Incident {
	begin := from.Add(to.Sub(from) * 3 / 5).Truncate(time.Minute)
	return Incident{Service: "payments", From: begin, To: begin.Add(3 * time.Minute), Errors: 0.05}
}
