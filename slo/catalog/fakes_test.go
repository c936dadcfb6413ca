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

const conditionField = "spec.indicator.spec.ratioMetric.good.metricSource.spec.condition"

// parse reads a language of one line a document: "name condition rest". A
// line of "!" is a fault, a file of "?" is an error of another kind.
func parse(file string, data []byte) ([]catalog.Document, error) {
	var (
		documents []catalog.Document
		faults    slo.DocumentErrors
	)
	for i, line := range strings.Split(string(data), "\n") {
		name, rest, _ := strings.Cut(line, " ")
		condition, _, _ := strings.Cut(rest, " ")
		switch name {
		case "":
		case "?":
			return nil, errDown
		case "!":
			faults = append(faults, slo.DocumentError{File: file, Line: i + 1, Reason: "is wrong"})
		default:
			documents = append(documents, catalog.Document{
				SLO:    slo.SLO{Name: name, Indicator: slo.Indicator{Good: &slo.SpanSource{Condition: condition}}},
				Source: []byte(line), Line: i + 1, Lines: map[string]int{"metadata.name": i + 1, conditionField: 100 + i},
			})
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return documents, nil
}

// world is everything around a catalog, and what happened to it in order.
type world struct {
	mu       sync.Mutex
	happened []string

	latest   map[string]slo.Definition // By name; archived ones stay, for their revision.
	archived map[string]bool
	// These break a dependency: it fails, before or after it did its work.
	saveFails, commitsAnyway, appendFails, writesAnyway, readFails bool
	// onSave is called in the middle of a save.
	onSave  func()
	records []slo.Record
	// parsed counts the files that were parsed.
	parsed  int
	changes [][]slo.Definition
}

func newWorld() *world {
	return &world{latest: map[string]slo.Definition{}, archived: map[string]bool{}}
}

// with changes the world while a catalog may be using it.
func (w *world) with(change func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

func (w *world) parse(file string, data []byte) ([]catalog.Document, error) {
	w.with(func(w *world) { w.parsed++ })
	return parse(file, data)
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
		if !w.archived[name] {
			all = append(all, d)
		}
	}
	return all, nil
}

func (w *world) SaveDefinitions(_ context.Context, upsert []slo.Definition, archive []string, at time.Time) ([]slo.Definition, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.onSave != nil {
		w.onSave()
	}
	if w.saveFails && !w.commitsAnyway {
		return nil, errDown
	}
	saved := slices.Clone(upsert)
	for i := range saved {
		name := saved[i].SLO.Name
		saved[i].Revision, saved[i].AppliedAt = w.latest[name].Revision+1, at
		w.latest[name] = saved[i]
		delete(w.archived, name)
	}
	for _, name := range archive {
		w.archived[name] = true
	}
	w.note("save %d, archive %d", len(upsert), len(archive))
	if w.saveFails {
		return nil, errDown
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

func (w *world) Check(indicator slo.Indicator) (string, error) {
	if indicator.Good != nil && indicator.Good.Condition == "bad" {
		return "good", errors.New("does not compile")
	}
	if indicator.Good != nil && indicator.Good.Condition == "odd" {
		return "", errors.New("is odd")
	}
	return "", nil
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
		Store: w, Parse: w.parse, Compiler: w, Journal: w, Changed: w.changed,
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

// inForce lists the set as "name@revision origin".
func inForce(c *catalog.Catalog) []string {
	list := []string{}
	for _, d := range c.Definitions() {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s@%d %s", d.SLO.Name, d.Revision, d.Origin)))
	}
	return list
}
