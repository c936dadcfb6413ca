package main

import (
	"sync"
)

// tally counts events.
type tally struct{ Good, Bad int64 }

func (t tally) plus(good bool, n int64) tally {
	if good {
		t.Good += n
	} else {
		t.Bad += n
	}
	return t
}

// book is what the clients know: what was acknowledged, what was sent and has
// no answer yet, and how often anything was sent. It belongs to the harness and
// outlives every kill.
type book struct {
	mu sync.Mutex
	// acknowledged and open count every item once: it is open from its first
	// sending until its first acknowledgement.
	acknowledged, open map[cell]tally
	// sendings counts an item as often as it was sent.
	sendings map[cell]tally
	totals
}

// totals are the figures of the closing lines.
type totals struct {
	Requests, Acknowledged, Unanswered, Retryable int64
	// Spans are distinct ones that were acknowledged, Resent the further
	// sendings of any.
	Spans, Resent int64
	// Refused are items that partial_success refused, by requests acknowledged.
	Refused int64
}

func newBook() *book {
	return &book{acknowledged: map[cell]tally{}, open: map[cell]tally{}, sendings: map[cell]tally{}}
}

// sending notes that items are about to be sent.
func (b *book) sending(items []*item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range items {
		if it.booked {
			continue
		}
		it.booked = true
		for _, m := range it.marks() {
			b.open[m.cell] = b.open[m.cell].plus(m.good, 1)
		}
	}
}

// sent notes that a request with items left the harness, and how it ended.
func (b *book) sent(items []*item, a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.outcome == unreached {
		return
	}
	b.Requests++
	switch a.outcome {
	case acknowledged:
		b.Acknowledged++
		b.Refused += a.refused
	case unanswered:
		b.Unanswered++
	case retryable:
		b.Retryable++
	case unreached, fatal:
	}
	for _, it := range items {
		if it.sent || it.changed {
			b.Resent++
		}
		it.sent = true
		for _, m := range it.marks() {
			b.sendings[m.cell] = b.sendings[m.cell].plus(m.good, 1)
		}
	}
}

// acknowledge notes that items were acknowledged for the first time.
func (b *book) acknowledge(items []*item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range items {
		b.Spans++
		for _, m := range it.marks() {
			b.acknowledged[m.cell] = b.acknowledged[m.cell].plus(m.good, 1)
			if left := b.open[m.cell].plus(m.good, -1); left == (tally{}) {
				delete(b.open, m.cell)
			} else {
				b.open[m.cell] = left
			}
		}
	}
}

// row is one bucket of the book, as it is kept in a file.
type row struct {
	cell
	Acknowledged, Open, Sendings tally
}

// rows is a copy of the book.
func (b *book) rows() []row {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := make([]row, 0, len(b.sendings))
	for c, n := range b.sendings {
		rows = append(rows, row{c, b.acknowledged[c], b.open[c], n})
	}
	for c, n := range b.open {
		if _, known := b.sendings[c]; !known {
			rows = append(rows, row{cell: c, Open: n})
		}
	}
	return rows
}

// figures is a copy of the totals.
func (b *book) figures() totals {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.totals
}
