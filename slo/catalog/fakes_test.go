package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// errDown is what a broken dependency answers.
var errDown = errors.New("down")

// world is everything around a catalog, and what happened to it in order.
type world struct {
	mu       sync.Mutex
	happened []string

	latest   map[string]slo.Definition // By name; archived ones stay, for their revision.
	objects  map[slo.ObjectRef]slo.Object
	archived map[slo.ObjectRef]bool
	// measured is every series of an SLO since it came (the clock stands still,
	// so that none retires).
	measured map[string][]slo.Series
	// These break a dependency: it fails, before or after it did its work.
	saveFails, commitsAnyway, appendFails, writesAnyway, readFails bool
	// onSave is called in the middle of a save.
	onSave  func()
	records []slo.Record
	// parsed counts the texts that were parsed, resolved the SLOs.
	parsed, resolved int
	changes          [][]slo.Definition
}

func newWorld() *world {
	return &world{latest: map[string]slo.Definition{}, objects: map[slo.ObjectRef]slo.Object{}, archived: map[slo.ObjectRef]bool{}, measured: map[string][]slo.Series{}}
}

// with changes the world while a catalog may be using it.
func (w *world) with(change func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

func (w *world) note(format string, args ...any) {
	w.happened = append(w.happened, fmt.Sprintf(format, args...))
}

func (w *world) Definitions(context.Context) ([]slo.Definition, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.readFails {
		return nil, errDown
	}
	w.note("read")
	var all []slo.Definition
	for name, d := range w.latest {
		if !w.archived[ref(slo.KindSLO, name)] {
			all = append(all, d)
		}
	}
	return all, nil
}

func (w *world) Objects(context.Context) ([]slo.Object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []slo.Object
	for key, o := range w.objects {
		if !w.archived[key] {
			all = append(all, o)
		}
	}
	return all, nil
}

func (w *world) SaveDefinitions(_ context.Context, change slo.Change, at time.Time) (slo.Change, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.onSave != nil {
		w.onSave()
	}
	if w.saveFails && !w.commitsAnyway {
		return slo.Change{}, errDown
	}
	saved := slo.Change{Definitions: slices.Clone(change.Definitions), Objects: slices.Clone(change.Objects), Archive: change.Archive}
	for i := range saved.Definitions {
		d := &saved.Definitions[i]
		before := w.latest[d.SLO.Name]
		d.Revision, d.AppliedAt = before.Revision+1, at
		if before.Revision == 0 || w.archived[ref(slo.KindSLO, d.SLO.Name)] {
			before, w.measured[d.SLO.Name] = slo.Definition{}, nil
		}
		stored := d.After(nil)
		if before.Revision > 0 {
			stored = d.After(&before)
		}
		w.latest[d.SLO.Name] = stored
		w.measured[d.SLO.Name] = append(w.measured[d.SLO.Name], d.SLO.Series()...)
		delete(w.archived, ref(slo.KindSLO, d.SLO.Name))
	}
	for i := range saved.Objects {
		o := &saved.Objects[i]
		o.Revision, o.AppliedAt = w.objects[o.ObjectRef].Revision+1, at
		w.objects[o.ObjectRef] = *o
		delete(w.archived, o.ObjectRef)
	}
	for _, gone := range change.Archive {
		w.archived[gone] = true
	}
	if n := len(change.Objects); n > 0 {
		w.note("save %d and %d, archive %d", len(change.Definitions), n, len(change.Archive))
	} else {
		w.note("save %d, archive %d", len(change.Definitions), len(change.Archive))
	}
	if w.saveFails {
		return slo.Change{}, errDown
	}
	return saved, nil
}

func (w *world) Append(ctx context.Context, record slo.Record) (slo.Offset, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if w.appendFails && !w.writesAnyway {
		return 0, errDown
	}
	w.records = append(w.records, record)
	w.note("append")
	if w.appendFails {
		return 0, errDown
	}
	return slo.Offset(len(w.records)), nil
}

func (w *world) Faults(indicator slo.Indicator) map[string]error {
	faults := map[string]error{}
	if indicator.Good != nil && indicator.Good.Condition == "bad" {
		faults["good"] = errors.New("does not compile")
	}
	if indicator.Good != nil && indicator.Good.Condition == "odd" {
		faults[""] = errors.New("is odd")
	}
	return faults
}

func (w *world) changed(definitions []slo.Definition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = append(w.changes, definitions)
	w.note("tell %d", len(definitions))
}

// events returns what happened since the last call.
func (w *world) events() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	happened := w.happened
	w.happened = nil
	return happened
}

// recorded is the set of series that the journal knows now.
func (w *world) recorded(t *testing.T) []slo.Series {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.NotEmpty(t, w.records)
	last := w.records[len(w.records)-1]
	require.Equal(t, slo.RecordDefinitions, last.Kind)
	set, err := slo.DecodeSeries(last.Payload)
	require.NoError(t, err)
	return set
}

func (w *world) settings() catalog.Settings {
	return catalog.Settings{
		Store: w, Language: w, Compiler: w, Journal: w, Changed: w.changed,
		Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
}

// open returns a loaded catalog over a world, with nothing noted yet.
func open(t *testing.T, w *world) *catalog.Catalog {
	t.Helper()
	c, err := catalog.New(w.settings())
	require.NoError(t, err)
	require.NoError(t, c.Load(t.Context()))
	w.events()
	return c
}

// apply applies lines of the language as a request.
func apply(t *testing.T, c *catalog.Catalog, lines string) (slo.Applied, error) {
	t.Helper()
	return c.Apply(t.Context(), request(lines))
}

func request(lines string) slo.Documents { return slo.Documents{File: "request", Data: []byte(lines)} }

func ref(kind slo.Kind, name string) slo.ObjectRef { return slo.ObjectRef{Kind: kind, Name: name} }

// inForce lists the set as "name@revision origin".
func inForce(c *catalog.Catalog) []string {
	list := []string{}
	for _, d := range c.Definitions() {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s@%d %s", d.SLO.Name, d.Revision, d.Origin)))
	}
	return list
}

// objectsInForce lists the other objects as "kind name@revision origin".
func objectsInForce(c *catalog.Catalog) []string {
	list := []string{}
	for _, o := range c.Objects() {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s@%d %s", o, o.Revision, o.Origin)))
	}
	return list
}
