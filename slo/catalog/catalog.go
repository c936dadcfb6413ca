// Package catalog keeps the SLO definitions that are in force, and the objects
// that they refer to. It checks what is applied, saves it, records the set of
// series in the journal, and tells everybody else; a change is made as a whole
// or not at all.
package catalog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/slowburn-slo/slowburn/slo"
)

// Catalog is the set of definitions in force. Reading it takes no lock.
type Catalog struct {
	Settings

	inForce atomic.Pointer[state]
	problem atomic.Pointer[error]

	// changing is held by whoever changes the set.
	changing sync.Mutex
	// settled says that the store and the journal hold the set in force. It is
	// false before Load, and after a change that ended halfway.
	settled bool
	// recorded is the last definitions record of the journal; nil if unknown.
	recorded []byte
}

// New returns a catalog that is empty until Load.
func New(settings Settings) (*Catalog, error) {
	if err := settings.defaults(); err != nil {
		return nil, err
	}
	c := &Catalog{Settings: settings}
	c.inForce.Store(newState(nil, nil))
	return c, nil
}

// Load takes the set from the store into force. It writes a definitions
// record, so that the journal knows the set from the start on.
func (c *Catalog) Load(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	return c.load(ctx)
}

// Definitions returns the SLOs in force, sorted by name. They are shared: the
// caller MUST NOT change them.
func (c *Catalog) Definitions() []slo.Definition { return c.inForce.Load().definitions }

// Definition returns the definition of a name, if it is in force.
func (c *Catalog) Definition(name string) (slo.Definition, bool) {
	return c.inForce.Load().definition(name)
}

// Objects returns all other objects in force, sorted by kind and name. They
// are shared: the caller MUST NOT change them.
func (c *Catalog) Objects() []slo.Object { return c.inForce.Load().objects }

// Object returns the object of a kind and name. The error wraps slo.ErrNoObject.
func (c *Catalog) Object(ref slo.ObjectRef) (slo.Object, error) {
	o, found := c.inForce.Load().object(ref)
	if !found {
		return slo.Object{}, fmt.Errorf("%s %q: %w", ref.Kind, ref.Name, slo.ErrNoObject)
	}
	return o, nil
}

// Users returns what refers to an object, directly or through others, sorted.
func (c *Catalog) Users(ref slo.ObjectRef) []slo.ObjectRef { return c.inForce.Load().users()[ref] }

// Problems says why the files of SLOs, as they are now, are not in force: a
// slo.DocumentErrors, or what else stood in the way. It is nil while they are.
func (c *Catalog) Problems() error {
	if problem := c.problem.Load(); problem != nil {
		return *problem
	}
	return nil
}

func (c *Catalog) report(problem error) {
	if problem == nil {
		c.problem.Store(nil)
		return
	}
	c.problem.Store(&problem)
}

// settle mends a change that ended halfway: the store has the truth, and the
// journal hears of it before anything else is changed.
func (c *Catalog) settle(ctx context.Context) error {
	if c.settled {
		return nil
	}
	return c.load(ctx)
}

func (c *Catalog) load(ctx context.Context) error {
	definitions, err := c.Store.Definitions(ctx)
	if err != nil {
		return fmt.Errorf("read the SLOs from the store: %w", err)
	}
	objects, err := c.Store.Objects(ctx)
	if err != nil {
		return fmt.Errorf("read the objects from the store: %w", err)
	}
	return c.enforce(ctx, sorted(slices.Clone(definitions), slices.Clone(objects)))
}

// change saves, then records, then tells. If it ends on the way the set in
// force stays as it was, and the next change settles first; a reader never
// sees what the journal does not know.
func (c *Catalog) change(ctx context.Context, change slo.Change) error {
	if len(change.Definitions) == 0 && len(change.Objects) == 0 && len(change.Archive) == 0 {
		return nil
	}
	c.settled = false
	saved, err := c.Store.SaveDefinitions(ctx, change, c.Now())
	if err != nil {
		return fmt.Errorf("save %d SLOs and %d other objects, and archive %d: %w",
			len(change.Definitions), len(change.Objects), len(change.Archive), err)
	}
	// A caller who goes away now MUST NOT part the journal from the store.
	if err := c.enforce(context.WithoutCancel(ctx), c.inForce.Load().after(saved)); err != nil {
		return fmt.Errorf("saved, but not in force yet (it will be with the next change or start, so apply it again): %w", err)
	}
	for _, d := range change.Definitions {
		if d.RetireNow {
			c.Logger.InfoContext(ctx, "tiers go over to what is measured now at once, whatever of their look-backs it covers: somebody said so",
				"slo", d.SLO.Name)
		}
	}
	c.Logger.InfoContext(ctx, "objectives changed", "saved", len(saved.Definitions), "objects_saved", len(saved.Objects),
		"archived", len(change.Archive), "in_force", len(c.Definitions()))
	return nil
}

// Retire lets tiers go over to what is measured now where that covers their
// look-backs, and ends the counting of what was measured before an edit once none
// needs it and nothing of before can come any more. It is cheap where there is
// nothing to do; call it now and then.
func (c *Catalog) Retire(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return err
	}
	next, due := c.inForce.Load().retired(c.Now(), c.Lateness)
	if !due {
		return nil
	}
	c.settled = false
	if err := c.enforce(ctx, next); err != nil {
		return err
	}
	c.Logger.InfoContext(ctx, "earlier revisions are needed no longer: what is measured now covers every look-back")
	return nil
}

// enforce records the set of series, if it is not what the journal has last,
// and then brings the state into force.
func (c *Catalog) enforce(ctx context.Context, next *state) error {
	next, _ = next.retired(c.Now(), c.Lateness)
	set := make([]slo.Series, 0, len(next.definitions))
	for _, d := range next.definitions {
		set = append(set, d.Counted()...)
	}
	payload, err := slo.EncodeSeries(set)
	if err != nil {
		return err
	}
	if !bytes.Equal(payload, c.recorded) {
		c.recorded = nil // A failing append may or may not have written.
		if _, err := c.Journal.Append(ctx, slo.Record{Kind: slo.RecordDefinitions, Payload: payload}); err != nil {
			return fmt.Errorf("record the set of series in the journal: %w", err)
		}
		c.recorded = payload
	}
	c.inForce.Store(next)
	c.settled = true
	c.Changed(next.definitions)
	return nil
}
