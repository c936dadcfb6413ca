package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// result is what happened on one stand.
type result struct {
	kills, inFlight int
	byKind          map[string]int
	// notPassed are points that nothing came to in time.
	notPassed map[string]int
	faults    map[string]int
	verifies  int
	starts    int
	starting  time.Duration
	slowest   time.Duration
	// audits is what the newest audit said, audited how many compared something.
	audits  string
	audited int
	// recounted are objectives defined on the way whose recount was compared.
	recounted int
	// outageAcks are requests acknowledged while the database was away.
	outageAcks int64
	// drained is the slowest orderly stop.
	drained time.Duration
}

// killed notes a kill of the platform and whether requests were in flight.
func (r *result) killed(kind string, inFlight int) {
	r.kills++
	if inFlight > 0 {
		r.inFlight++
	}
	r.count(&r.byKind, kind)
}

func (r *result) count(m *map[string]int, key string) {
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)[key]++
}

// summary adds up the results of all lanes.
type summary struct {
	result
	totals
	finding
	begun time.Time
	seed  uint64
	keep  bool
	out   io.Writer
}

func (u *summary) add(s *stand) {
	u.kills += s.kills
	u.inFlight += s.inFlight
	for _, pair := range []struct{ into, from *map[string]int }{
		{&u.byKind, &s.byKind}, {&u.notPassed, &s.notPassed}, {&u.faults, &s.faults},
	} {
		for k, n := range *pair.from {
			for range n {
				u.count(pair.into, k)
			}
		}
	}
	u.verifies += s.verifies
	u.starts += s.starts
	u.starting += s.starting
	u.slowest, u.drained = max(u.slowest, s.slowest), max(u.drained, s.drained)
	u.outageAcks += s.outageAcks
	u.recounted += s.recounted
	u.audited += s.audited
	if s.audits != "" {
		u.audits = s.audits
	}
	t := s.book.figures()
	u.Requests += t.Requests
	u.Acknowledged += t.Acknowledged
	u.Unanswered += t.Unanswered
	u.Retryable += t.Retryable
	u.Spans += t.Spans
	u.Resent += t.Resent
	u.Refused += t.Refused
	u.Lost += s.last.Lost
	u.Doubled += s.last.Doubled
	u.Counted += s.last.Counted
	u.Notifications += s.last.Notifications
	u.Repeats += s.last.Repeats
	u.Alarms += s.last.Alarms
}

// print writes the closing lines.
func (u *summary) print(ctx context.Context, out io.Writer) {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		kernel = []byte("unknown")
	}
	fmt.Fprintf(out, "seed %d, kernel %s, PostgreSQL %s, took %s\n", u.seed, strings.TrimSpace(string(kernel)), postgresVersion(ctx),
		time.Since(u.begun).Round(time.Second))
	share := 0.0
	if u.kills > 0 {
		share = 100 * float64(u.inFlight) / float64(u.kills)
	}
	fmt.Fprintf(out, "kills %d, with requests in flight %d (%.0f %%): %s\n", u.kills, u.inFlight, share, list(u.byKind))
	if len(u.faults) > 0 {
		fmt.Fprintf(out, "other faults: %s; requests acknowledged while PostgreSQL was away %d; slowest orderly stop %s\n",
			list(u.faults), u.outageAcks, u.drained.Round(time.Millisecond))
	}
	if len(u.notPassed) > 0 {
		fmt.Fprintf(out, "points that nothing came to in time: %s\n", list(u.notPassed))
	}
	average := time.Duration(0)
	if u.starts > 0 {
		average = u.starting / time.Duration(u.starts)
	}
	fmt.Fprintf(out, "starts until ready: %s on average, %s at most\n", average.Round(time.Millisecond), u.slowest.Round(time.Millisecond))
	fmt.Fprintf(out, "requests %d, acknowledged %d, unanswered %d, answered retryably %d\n", u.Requests, u.Acknowledged, u.Unanswered, u.Retryable)
	fmt.Fprintf(out, "spans acknowledged %d, resent %d, refused %d; events counted %d, lost %d, doubled %d, over %d comparisons\n",
		u.Spans, u.Resent, u.Refused, u.Counted, u.Lost, u.Doubled, u.verifies)
	fmt.Fprintf(out, "notifications %d, repeats %d, of alarms %d; objectives defined on the way and recounted %d\n", u.Notifications, u.Repeats, u.Alarms, u.recounted)
	fmt.Fprintf(out, "audits %d; the newest: %s\n", u.audited, u.audits)
}

func list(m map[string]int) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%s %d", k, m[k])
	}
	return strings.Join(keys, ", ")
}
