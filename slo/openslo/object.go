package openslo

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// Mode says how much of what is not OpenSLO v1 to the letter is read.
type Mode int

const (
	// Lenient reads what the text of the specification allows, and the dialects
	// that are in use, with a warning for each.
	Lenient Mode = iota
	// Strict gives the verdict of the official Go SDK (docs/openslo.md lists
	// the few deviations).
	Strict
)

// Object is one OpenSLO object that was read.
type Object struct {
	slo.ObjectRef
	// File is the file that it was read from, Document counts the documents of
	// the file from 1, Line the lines.
	File     string
	Document int
	Line     int
	// Lines are the lines of its fields in the file, by field path such as
	// "spec.objectives[0].target", so that a later check can point at them.
	Lines map[string]int
	// Source is the text of this document alone, YAML or JSON. Parse reads it
	// to the same object. That of a DataSource may hold secrets.
	Source []byte
	// References are the objects that it names, each with the field where. The
	// service of an SLO is not among them: it need not exist.
	References []Reference
	// Broken says that its document has faults, which Read told: what could not
	// be read is left out.
	Broken bool
	// Names are in the text of a document whose kind could not be read: it may be
	// the object that another one refers to by one of them.
	Names []string

	// faulty are the fields with faults.
	faulty map[string]bool
	// content is what the document says: one of the types below.
	content any
}

// Reference is an object that another one names.
type Reference struct {
	slo.ObjectRef
	// Field is where it is named, as in "spec.indicatorRef".
	Field string
}

// The contents that hold nothing to resolve.
type (
	service struct {
		metadata    metadata
		description string
	}
	dataSource struct {
		metadata    metadata
		description string
		// sourceType is the type of the metric sources that name it. The
		// connection details stay in the Source, so that nothing shows them.
		sourceType string
	}
)

// read reads a whole document; what it returns is only good without faults.
func (r *reader) read(node *yaml.Node) (slo.ObjectRef, any) {
	r.object = heading(node)
	top, ok := r.asObject(value{}.at("", node), []string{"apiVersion", "kind", "metadata", "spec"})
	if !ok {
		return slo.ObjectRef{}, nil
	}
	r.version(top.get("apiVersion"))
	kind, ok := r.kind(top.get("kind"))
	if !ok {
		return slo.ObjectRef{}, nil
	}
	r.secret = kind == slo.KindDataSource
	m := r.requiredMetadata(top, kind)
	ref := slo.ObjectRef{Kind: kind, Name: m.name}
	spec := top.get("spec")
	if !spec.present() && kind == slo.KindService {
		return ref, &service{metadata: m} // It has nothing but a description.
	}
	if !r.required(spec) {
		return ref, nil
	}
	return ref, r.spec(kind, m, spec)
}

// spec reads what only the kind has.
func (r *reader) spec(kind slo.Kind, m metadata, v value) any {
	switch kind {
	case slo.KindDataSource:
		return r.dataSource(m, v)
	case slo.KindService:
		return r.service(m, v)
	case slo.KindSLI:
		return r.sli(m, v)
	case slo.KindSLO:
		return r.slo(m, v)
	case slo.KindAlertPolicy:
		return r.alertPolicy(m, v)
	case slo.KindAlertCondition:
		return r.alertCondition(m, v)
	case slo.KindAlertNotificationTarget:
		return r.notificationTarget(m, v)
	default:
		return nil
	}
}

// version reads the version, which is the same for all kinds.
func (r *reader) version(v value) {
	const known = "openslo/v1"
	switch word := r.name(v); word {
	case "", known:
	case "openslo.com/v1":
		r.dialect(v, "is no version of OpenSLO: write %s", known)
	case "openslo/v1alpha", "openslo.com/v2alpha":
		r.refuse(v, "apiVersion %s is not supported: write %s", word, known)
	default:
		r.refuse(v, "unknown apiVersion %q: write %s", excerpt(word), known)
	}
}

// kind reads the kind; it is false for one that nobody knows.
func (r *reader) kind(v value) (slo.Kind, bool) {
	word := r.name(v)
	if word == "Datasource" {
		r.dialect(v, "is no kind of OpenSLO: write %s", slo.KindDataSource)
		return slo.KindDataSource, true
	}
	kinds := []string{
		string(slo.KindDataSource), string(slo.KindService), string(slo.KindSLI), string(slo.KindSLO), string(slo.KindAlertPolicy),
		string(slo.KindAlertCondition), string(slo.KindAlertNotificationTarget),
	}
	if word != "" && !slices.Contains(kinds, word) {
		r.refuse(v, "unknown kind %q: write %s", excerpt(word), anyOf(kinds))
		return "", false
	}
	return slo.Kind(word), word != ""
}

// anyOf writes a choice: "a, b or c".
func anyOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// service reads the spec of a Service.
func (r *reader) service(m metadata, v value) *service {
	s := &service{metadata: m}
	if o, ok := r.asObject(v, []string{"description"}); ok {
		s.description, _ = r.prose(o.get("description"), maxDescription)
	}
	return s
}

// dataSource reads the spec of a DataSource. It does not look into the
// connection details, which may be anything.
func (r *reader) dataSource(m metadata, v value) *dataSource {
	d := &dataSource{metadata: m}
	o, ok := r.asObject(v, []string{"description", "type", "connectionDetails"})
	if !ok {
		return d
	}
	d.description, _ = r.prose(o.get("description"), maxDescription)
	d.sourceType = r.name(o.get("type"))
	if !o.has("connectionDetails") {
		r.refuse(o.get("connectionDetails"), "is required: {} for none")
	}
	return d
}
