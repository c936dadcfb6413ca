package audit

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// identity tells items apart: the first 16 bytes of SHA-256 (see item.go).
type identity [16]byte

// place is where a span lies: its record, and its number among the spans of
// that record, from 0.
type place struct {
	record slo.Offset
	number uint32
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.record, q.record), cmp.Compare(p.number, q.number))
}

// sighting is one arrival of an item.
type sighting struct {
	id      identity
	place   place
	arrival int64 // Unix nanoseconds
	// counted: the span counted somewhere, so that it matters if it is a repeat.
	counted bool
}

func sightingLayout() layout[sighting] {
	return layout[sighting]{
		size: 16 + 8 + 4 + 8 + 1,
		put: func(b []byte, s sighting) {
			copy(b, s.id[:])
			binary.LittleEndian.PutUint64(b[16:], uint64(s.place.record))
			binary.LittleEndian.PutUint32(b[24:], s.place.number)
			binary.LittleEndian.PutUint64(b[28:], uint64(s.arrival))
			b[36] = 0
			if s.counted {
				b[36] = 1
			}
		},
		get: func(b []byte) sighting {
			return sighting{
				id: identity(b[:16]),
				place: place{
					record: slo.Offset(binary.LittleEndian.Uint64(b[16:])),
					number: binary.LittleEndian.Uint32(b[24:]),
				},
				arrival: int64(binary.LittleEndian.Uint64(b[28:])),
				counted: b[36] == 1,
			}
		},
		compare: func(a, b sighting) int {
			return cmp.Or(bytes.Compare(a.id[:], b.id[:]), a.place.compare(b.place))
		},
	}
}

func placeLayout() layout[place] {
	return layout[place]{
		size: 8 + 4,
		put: func(b []byte, p place) {
			binary.LittleEndian.PutUint64(b, uint64(p.record))
			binary.LittleEndian.PutUint32(b[8:], p.number)
		},
		get: func(b []byte) place {
			return place{record: slo.Offset(binary.LittleEndian.Uint64(b)), number: binary.LittleEndian.Uint32(b[8:])}
		},
		compare: place.compare,
	}
}

// repeats finds the repeats among sightings that are added in the order of
// the journal: those whose item was sighted before, at most a horizon earlier.
//
// It works block by block. A block takes in more than one horizon, so that what
// a sighting may repeat lies in its own block or in the one before, and no more
// than two blocks are kept at a time.
type repeats struct {
	// pace is asked now and then whether to go on.
	pace          func() error
	horizon       int64
	before, block *sorter[sighting]
	began         int64 // arrival of the first sighting of the block
	// found are the repeats that had counted.
	found *sorter[place]
}

func newRepeats(dir string, inMemory int, horizon time.Duration, pace func() error) *repeats {
	return &repeats{
		pace:    pace,
		horizon: int64(horizon),
		block:   &sorter[sighting]{layout: sightingLayout(), dir: dir, inMemory: inMemory},
		before:  &sorter[sighting]{layout: sightingLayout(), dir: dir, inMemory: inMemory},
		found:   &sorter[place]{layout: placeLayout(), dir: dir, inMemory: inMemory},
	}
}

// add takes one sighting in.
func (r *repeats) add(s sighting) error {
	// Strictly more than a horizon: a sighting exactly one horizon ago counts.
	if r.block.added > 0 && s.arrival-r.began > r.horizon {
		if err := r.turn(); err != nil {
			return err
		}
	}
	if r.block.added == 0 {
		r.began = s.arrival
	}
	return r.block.add(s)
}

// turn closes the block: it finds its repeats, and begins the next.
func (r *repeats) turn() error {
	if err := r.search(); err != nil {
		return err
	}
	if err := r.before.close(); err != nil {
		return err
	}
	r.before, r.block = r.block, r.before
	r.block.chunk, r.before.chunk = r.before.chunk, nil // One buffer serves both.
	return nil
}

// search finds the repeats of the block among it and the one before.
func (r *repeats) search() error {
	if err := r.block.spill(); err != nil {
		return err
	}
	sorted, err := merge(r.before, r.block)
	if err != nil {
		return err
	}
	last := sighting{}
	for n := 1; ; n++ {
		if n%pacing == 0 {
			if err := r.pace(); err != nil {
				return err
			}
		}
		s, ok, err := sorted.next()
		if err != nil || !ok {
			return err
		}
		// Arrivals never go back, so that the sighting right before is the newest.
		repeat := s.id == last.id && last.place.record != 0 && s.arrival-last.arrival <= r.horizon
		if repeat && s.counted && s.arrival >= r.began {
			if err := r.found.add(s.place); err != nil {
				return err
			}
		}
		last = s
	}
}

// finish returns the places of all repeats, in the order of the journal.
func (r *repeats) finish() (*merged[place], error) {
	if err := r.search(); err != nil {
		return nil, err
	}
	if err := r.found.spill(); err != nil {
		return nil, err
	}
	return merge(r.found)
}

func (r *repeats) close() error {
	return errors.Join(r.before.close(), r.block.close(), r.found.close())
}
