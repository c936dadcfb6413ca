// Package catalog keeps the SLO definitions that are in force. It checks what
// is applied, saves it, records the set of series in the journal, and tells
// everybody else; a change is made as a whole or not at all.
package catalog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// MaxSLOs is how many SLOs may be in force.
const MaxSLOs = 100_000

// Store keeps definitions.
type Store interface {
	// Definitions returns the latest revision of every definition that is not
	// archived, in any order.
	Definitions(ctx context.Context) ([]slo.Definition, error)
	// SaveDefinitions saves new revisions and archives names, all or nothing:
	// it MUST be one transaction. It returns upsert, in its order, with
	// Revision and AppliedAt filled; a name that was archived goes on with its
	// next revision. A name is never in both lists, and in each at most once.
	SaveDefinitions(ctx context.Context, upsert []slo.Definition, archive []string, at time.Time) ([]slo.Definition, error)
}

// Journal takes the set of series, so that every later record is judged
// against the set that was in force when it came. Append MUST return only
// when the record is durable.
type Journal interface {
	Append(ctx context.Context, record slo.Record) (slo.Offset, error)
}

// Compiler checks an indicator beyond the syntax of its document. On an error
// field says which source is wrong: "total", "good" or "bad".
type Compiler interface {
	Check(indicator slo.Indicator) (field string, err error)
}

// Document is one document as it was read.
type Document struct {
	SLO slo.SLO
	// Source is the text of this document alone.
	Source []byte
	// Line is where it begins in the file, Lines those of its fields.
	Line  int
	Lines map[string]int
}

// Parse reads the documents of a file, or returns slo.DocumentErrors.
type Parse func(file string, data []byte) ([]Document, error)

// Settings are what a Catalog works with. Store, Parse, Compiler and Journal
// are required.
type Settings struct {
	Store    Store
	Parse    Parse
	Compiler Compiler
	Journal  Journal
	// Now is the clock; the default is time.Now.
	Now func() time.Time
	// Logger tells of changes; the default tells nobody.
	Logger *slog.Logger
	// Changed is told the whole set, sorted by name, after every change, in
	// the order of the changes. It MUST NOT change the set, nor call back into
	// a method that does.
	Changed func([]slo.Definition)
}

func (s *Settings) defaults() error {
	if s.Store == nil || s.Parse == nil || s.Compiler == nil || s.Journal == nil {
		return errors.New("catalog: Store, Parse, Compiler and Journal are required")
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Changed == nil {
		s.Changed = func([]slo.Definition) {}
	}
	return nil
}

// Catalog is the set of definitions in force. Reading it takes no lock.
type Catalog struct {
	Settings

	inForce atomic.Pointer[[]slo.Definition]
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
	c.inForce.Store(new([]slo.Definition))
	return c, nil
}

// Load takes the set from the store into force. It writes a definitions
// record, so that the journal knows the set from the start on.
func (c *Catalog) Load(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	return c.load(ctx)
}

// Definitions returns the set in force, sorted by name. It is shared: the
// caller MUST NOT change it.
func (c *Catalog) Definitions() []slo.Definition { return *c.inForce.Load() }

// Definition returns the definition of a name, if it is in force.
func (c *Catalog) Definition(name string) (slo.Definition, bool) {
	return find(c.Definitions(), name)
}

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

// Delete archives the definition of a name. The error wraps slo.ErrNotFound,
// or slo.ErrReadOnly for one that comes from a file.
func (c *Catalog) Delete(ctx context.Context, name string) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return err
	}
	definition, found := c.Definition(name)
	if !found {
		return fmt.Errorf("delete %q: %w", name, slo.ErrNotFound)
	}
	if definition.Origin != "" {
		return fmt.Errorf("delete %s, from %s: %w", name, definition.Origin, slo.ErrReadOnly)
	}
	return c.change(ctx, nil, []string{name})
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
	definitions = slices.Clone(definitions)
	slices.SortFunc(definitions, func(a, b slo.Definition) int { return cmp.Compare(a.SLO.Name, b.SLO.Name) })
	return c.enforce(ctx, definitions)
}

// change saves, then records, then tells. If it ends on the way the set in
// force stays as it was, and the next change settles first; a reader never
// sees what the journal does not know.
func (c *Catalog) change(ctx context.Context, upsert []slo.Definition, archive []string) error {
	if len(upsert) == 0 && len(archive) == 0 {
		return nil
	}
	c.settled = false
	saved, err := c.Store.SaveDefinitions(ctx, upsert, archive, c.Now())
	if err != nil {
		return fmt.Errorf("save %d SLOs and archive %d: %w", len(upsert), len(archive), err)
	}
	// A caller who goes away now MUST NOT part the journal from the store.
	if err := c.enforce(context.WithoutCancel(ctx), merge(c.Definitions(), saved, archive)); err != nil {
		return fmt.Errorf("saved, but not in force yet (it will be with the next change or start, so apply it again): %w", err)
	}
	c.Logger.InfoContext(ctx, "objectives changed", "saved", len(saved), "archived", len(archive), "in_force", len(c.Definitions()))
	return nil
}

// enforce records the set of series, if it is not what the journal has last,
// and then brings the definitions into force.
func (c *Catalog) enforce(ctx context.Context, definitions []slo.Definition) error {
	set := make([]slo.Series, len(definitions))
	for i, d := range definitions {
		set[i] = d.SLO.Indicator.Series()
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
	c.inForce.Store(&definitions)
	c.settled = true
	c.Changed(definitions)
	return nil
}

// merge returns the set with new revisions in and archived names out.
func merge(current, saved []slo.Definition, archive []string) []slo.Definition {
	gone := make(map[string]bool, len(saved)+len(archive))
	for _, name := range archive {
		gone[name] = true
	}
	for _, d := range saved {
		gone[d.SLO.Name] = true
	}
	next := make([]slo.Definition, 0, len(current)+len(saved))
	for _, d := range current {
		if !gone[d.SLO.Name] {
			next = append(next, d)
		}
	}
	next = append(next, saved...)
	slices.SortFunc(next, func(a, b slo.Definition) int { return cmp.Compare(a.SLO.Name, b.SLO.Name) })
	return next
}

// find looks a name up in definitions sorted by name.
func find(definitions []slo.Definition, name string) (slo.Definition, bool) {
	at, found := slices.BinarySearchFunc(definitions, name, func(d slo.Definition, name string) int {
		return strings.Compare(d.SLO.Name, name)
	})
	if !found {
		return slo.Definition{}, false
	}
	return definitions[at], true
}
