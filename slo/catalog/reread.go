package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxReread is how many followers are read before they are resolved: what was
// read of a document takes many times its size.
const maxReread = 512

// followers are the SLOs without a document in the change that change with
// what they refer to.
func (p *plan) followers() error {
	if len(p.moved) == 0 {
		return nil
	}
	var following []slo.Definition
	for _, d := range p.before.definitions {
		own := slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}
		if p.stays(own) && slices.ContainsFunc(d.SLO.References, func(r slo.ObjectRef) bool { return p.moved[r] }) {
			following = append(following, d)
		}
	}
	for some := range slices.Chunk(following, maxReread) {
		for _, found := range p.readAll(some) {
			if one := p.keep(found); one != nil {
				p.refuseMissing(*one)
				if err := p.slo(*one); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// found is what the document of something in force was read to, or why it was
// not.
type found struct {
	candidate

	err error
}

// readAll reads the documents of SLOs in force, as many at once as there are
// processors: it is most of the work where many follow.
func (p *plan) readAll(definitions []slo.Definition) []found {
	all := make([]found, len(definitions))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(definitions)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all); i = int(next.Add(1)) - 1 {
				d := definitions[i]
				all[i] = p.read(slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}, d.Document, d.Origin)
			}
		})
	}
	workers.Wait()
	return all
}

// read reads the document of something in force. It has no lines: those in
// the file that it came from are not known.
func (p *plan) read(ref slo.ObjectRef, document []byte, origin string) found {
	f := found{candidate: candidate{origin: origin}}
	f.ObjectRef, f.File = ref, cmp.Or(origin, inForce)
	objects, _, err := p.Language.Parse(f.File, document, false)
	if err == nil && (len(objects) != 1 || objects[0].ObjectRef != ref) {
		err = errors.New("it is about something else")
	}
	if f.err = err; err == nil {
		f.Object = objects[0]
		f.Document, f.Line, f.Lines = 0, 0, nil
	}
	return f
}

// reread is read, once for each object. It is nil if the document cannot be
// read any more, which is a fault then.
func (p *plan) reread(ref slo.ObjectRef, document []byte, origin string) *candidate {
	if one, known := p.stored[ref]; known {
		return one
	}
	return p.keep(p.read(ref, document, origin))
}

func (p *plan) keep(f found) *candidate {
	ref := f.ObjectRef
	if f.err != nil {
		p.refuse(slo.DocumentError{
			File: f.File, Object: ref.String(), Reason: fmt.Sprintf("cannot be read any more, apply it again: %v", f.err),
		})
		p.absent[ref], p.stored[ref] = true, nil
		return nil
	}
	if ref.Kind != slo.KindSLO { // SLOs are asked for once, and are many.
		p.stored[ref] = &f.candidate
	}
	return &f.candidate
}
