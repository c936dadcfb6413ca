package catalog

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// The limits of what may be in force.
const (
	MaxSLOs    = 100_000
	MaxObjects = 100_000
)

// Store keeps definitions and the objects that they refer to.
type Store interface {
	// Definitions returns the latest revision of every definition that is not
	// archived, in any order.
	Definitions(ctx context.Context) ([]slo.Definition, error)
	// Objects returns the same of all other objects.
	Objects(ctx context.Context) ([]slo.Object, error)
	// SaveDefinitions saves a change, all or nothing: it MUST be one
	// transaction. It returns the change with Revision and AppliedAt filled; a
	// name that was archived goes on with its next revision. A kind and name is
	// in the change at most once.
	SaveDefinitions(ctx context.Context, change slo.Change, at time.Time) (slo.Change, error)
}

// Journal takes the set of series, so that every later record is judged
// against the set that was in force when it came. Append MUST return only
// when the record is durable.
type Journal interface {
	Append(ctx context.Context, record slo.Record) (slo.Offset, error)
}

// Compiler checks an indicator beyond the syntax of its document. It says what is
// wrong with each part that is: "total", "good", "bad", "value", or empty.
type Compiler interface {
	Faults(indicator slo.Indicator) map[string]error
}

// Language reads what people write. Its faults are slo.DocumentErrors; beside
// them it returns what it knows all the same, so that they do not hide others.
type Language interface {
	// Parse reads the documents of a file, each on its own. Those with faults, a
	// name that the file has twice among them, are Broken; what could not be read
	// at all has no kind and no name, and stands for its Names; one that has only a
	// kind, for any of that. It MUST be safe for concurrent use.
	Parse(file string, data []byte, strict bool) ([]Object, slo.DocumentWarnings, error)
	// Resolve puts into an SLO all that it refers to, directly and through
	// others. find gives an object by its kind and name, or false. If the SLO or
	// one of those is Broken, it MUST return an error, even an empty one, and MUST
	// NOT tell as a fault what comes from that. One that find has no Content of is
	// there, and nothing else is known of it.
	Resolve(o Object, find func(slo.ObjectRef) (Object, bool)) (slo.SLO, slo.DocumentWarnings, error)
	// Alike reports whether two documents are the same but for how they were
	// laid out to be sent.
	Alike(a, b []byte) bool
}

// Object is one document as it was read.
type Object struct {
	slo.ObjectRef
	// File is where it stands, Document counts its documents from 1.
	File     string
	Document int
	// Line is where it begins in the file, Lines those of its fields.
	Line  int
	Lines map[string]int
	// Source is the text of this document alone.
	Source []byte
	// References are the objects that it refers to itself.
	References []Reference
	// Content is the language's own.
	Content any
	// Broken says that it has faults, which are told.
	Broken bool
	// Names are those that a document may have whose kind is not known.
	Names []string
}

// Reference is an object that a field of another refers to.
type Reference struct {
	slo.ObjectRef
	Field string
}

// Settings are what a Catalog works with. Store, Language, Compiler and
// Journal are required.
type Settings struct {
	Store    Store
	Language Language
	Compiler Compiler
	Journal  Journal
	// Now is the clock; the default is time.Now.
	Now func() time.Time
	// Lateness is how late events may come: as long after an edit what was
	// measured before is counted at least.
	Lateness time.Duration
	// Logger tells of changes; the default tells nobody.
	Logger *slog.Logger
	// Changed is told the whole set, sorted by name, after every change, in
	// the order of the changes. It MUST NOT change the set, nor call back into
	// a method that does.
	Changed func([]slo.Definition)
}

func (s *Settings) defaults() error {
	if s.Store == nil || s.Language == nil || s.Compiler == nil || s.Journal == nil {
		return errors.New("catalog: Store, Language, Compiler and Journal are required")
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
