package catalog

import (
	"cmp"
	"errors"
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// reading is what was read of a request, or of all files.
type reading struct {
	candidates []candidate
	// hidden is what documents may be that could not be read.
	hidden   hidden
	warnings slo.DocumentWarnings
	// faults are told with those that weighing finds: nothing comes into force
	// while there is any.
	faults slo.DocumentErrors
}

// parse reads the documents of one file. The error is none of the documents.
func (c *Catalog) parse(into *reading, documents slo.Documents, origin string) error {
	objects, warnings, err := c.Language.Parse(documents.File, documents.Data, documents.Strict)
	faults, ok := errors.AsType[slo.DocumentErrors](err)
	if err != nil && !ok {
		return err
	}
	into.faults, into.warnings = append(into.faults, faults...), append(into.warnings, warnings...)
	for _, o := range objects {
		if o.Kind != "" && o.Name != "" {
			into.candidates = append(into.candidates, candidate{Object: o, origin: origin, retireNow: documents.RetireNow})
			continue
		}
		if into.hidden == nil {
			into.hidden = hidden{}
		}
		into.hidden.add(o)
	}
	return nil
}

// hidden is what documents may be that could not be read: of a name and any kind,
// or of a kind and any name, the other one being empty.
type hidden map[slo.ObjectRef]bool

func (h hidden) add(o Object) {
	if o.Kind != "" {
		h[slo.ObjectRef{Kind: o.Kind}] = true
		return
	}
	for _, name := range o.Names {
		h[slo.ObjectRef{Name: name}] = true
	}
}

func (h hidden) has(ref slo.ObjectRef) bool {
	return h[slo.ObjectRef{Kind: ref.Kind}] || h[slo.ObjectRef{Name: ref.Name}]
}

// unique reports every kind and name that an earlier candidate has already.
// Within a file the language does.
func (r *reading) unique() {
	first := make(map[slo.ObjectRef]candidate, len(r.candidates))
	for _, one := range r.candidates {
		earlier, twin := first[one.ObjectRef]
		switch {
		case !twin:
			first[one.ObjectRef] = one
		case earlier.File == one.File && one.Broken:
		default:
			r.faults = append(r.faults, one.fault(nameField, "the name is taken by %s:%d: give each %s a name of its own",
				earlier.File, earlier.line(nameField), one.Kind))
		}
	}
}

// maxFaults is how many faults are told at once.
const maxFaults = 1_000

// inOrder sorts faults by file, document and line, what is in force last. The
// thousandth says that there are more.
func inOrder(faults slo.DocumentErrors) slo.DocumentErrors {
	last := func(f slo.DocumentError) int {
		if f.File == inForce {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(faults, func(a, b slo.DocumentError) int {
		return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(a.File, b.File), cmp.Compare(a.Document, b.Document), cmp.Compare(a.Line, b.Line))
	})
	if len(faults) > maxFaults {
		faults = faults[:maxFaults]
		faults[maxFaults-1].Reason += " (and more faults follow: mend these first)"
	}
	return faults
}
