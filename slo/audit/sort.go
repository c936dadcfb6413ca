package audit

import (
	"bufio"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// layout says how entries are ordered and how they lie in a file.
type layout[T any] struct {
	size    int
	put     func([]byte, T)
	get     func([]byte) T
	compare func(a, b T) int
}

// sorter sorts more entries than fit in memory: it writes sorted runs to files
// and merges them.
type sorter[T any] struct {
	layout   layout[T]
	dir      string
	inMemory int
	chunk    []T
	runs     []*os.File
	added    int64
}

// add takes one entry in.
func (s *sorter[T]) add(entry T) error {
	s.chunk = append(s.chunk, entry)
	s.added++
	if len(s.chunk) < s.inMemory {
		return nil
	}
	return s.spill()
}

// spill writes what is in memory as one sorted run. The file has no name any
// more once it is open: nothing is left behind, however the process ends.
func (s *sorter[T]) spill() (err error) {
	if len(s.chunk) == 0 {
		return nil
	}
	slices.SortFunc(s.chunk, s.layout.compare)
	f, err := os.CreateTemp(s.dir, "audit-*.run")
	if err != nil {
		return fmt.Errorf("make a file to sort in: %w", err)
	}
	s.runs = append(s.runs, f)
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("hide the file to sort in: %w", err)
	}
	w := bufio.NewWriterSize(f, 256<<10)
	entry := make([]byte, s.layout.size)
	for _, e := range s.chunk {
		s.layout.put(entry, e)
		if _, err := w.Write(entry); err != nil {
			return fmt.Errorf("write a sorted run: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write a sorted run: %w", err)
	}
	s.chunk = s.chunk[:0]
	return nil
}

// close frees the files.
func (s *sorter[T]) close() error {
	var errs []error
	for _, f := range s.runs {
		errs = append(errs, f.Close())
	}
	s.runs, s.chunk, s.added = nil, nil, 0
	return errors.Join(errs...)
}

// merge returns the entries of all sorters, in order. They MUST have spilled,
// and stay as they are.
func merge[T any](sorters ...*sorter[T]) (*merged[T], error) {
	m := &merged[T]{}
	for _, s := range sorters {
		m.compare = s.layout.compare
		for _, f := range s.runs {
			r := &run[T]{layout: s.layout, entry: make([]byte, s.layout.size)}
			// Reading at a place of its own lets a run be merged twice.
			r.reader = bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 64<<10)
			more, err := r.advance()
			if err != nil {
				return nil, err
			}
			if more {
				m.runs = append(m.runs, r)
			}
		}
	}
	heap.Init(m)
	return m, nil
}

// run is one sorted file while it is merged.
type run[T any] struct {
	layout layout[T]
	reader *bufio.Reader
	entry  []byte
	head   T
}

// advance reads the next entry, and reports false at the end.
func (r *run[T]) advance() (bool, error) {
	switch _, err := io.ReadFull(r.reader, r.entry); {
	case errors.Is(err, io.EOF):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read a sorted run: %w", err)
	}
	r.head = r.layout.get(r.entry)
	return true, nil
}

// merged is a heap of runs, the one with the least head on top.
type merged[T any] struct {
	runs    []*run[T]
	compare func(a, b T) int
}

// Len implements heap.Interface.
func (m *merged[T]) Len() int { return len(m.runs) }

// Less implements heap.Interface.
func (m *merged[T]) Less(i, j int) bool { return m.compare(m.runs[i].head, m.runs[j].head) < 0 }

// Swap implements heap.Interface.
func (m *merged[T]) Swap(i, j int) { m.runs[i], m.runs[j] = m.runs[j], m.runs[i] }

// Push implements heap.Interface; it is not used.
func (m *merged[T]) Push(any) {}

// Pop implements heap.Interface.
func (m *merged[T]) Pop() any {
	last := m.runs[len(m.runs)-1]
	m.runs = m.runs[:len(m.runs)-1]
	return last
}

// next returns the least entry left, and reports false when there is none.
func (m *merged[T]) next() (entry T, ok bool, err error) {
	if len(m.runs) == 0 {
		return entry, false, nil
	}
	top := m.runs[0]
	entry = top.head
	more, err := top.advance()
	switch {
	case err != nil:
		return entry, false, err
	case more:
		heap.Fix(m, 0)
	default:
		heap.Pop(m)
	}
	return entry, true, nil
}
