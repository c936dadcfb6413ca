package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

const (
	stdinName = "stdin"
	// maxFileBytes is what one file and one request may hold.
	maxFileBytes = 1 << 20
	nameField    = "metadata.name"
)

// readFiles reads what the arguments name. What cannot be read is a fault, so
// that those of all files are told together; a file named twice is read once.
func readFiles(args []string, stdin io.Reader) (files []catalog.File, faults []slo.DocumentError) {
	seen := map[string]bool{}
	for _, arg := range args {
		found, err := readFile(arg, stdin, seen)
		if err != nil {
			faults = append(faults, slo.DocumentError{File: arg, Reason: unreadable(err)})
		}
		for _, file := range found {
			if !seen[file.Path] {
				seen[file.Path] = true
				files = append(files, file)
			}
		}
	}
	return files, faults
}

// readFile reads standard input, a folder or a file. Unlike a watched folder it
// takes a pipe for a file, as shells make them.
func readFile(arg string, stdin io.Reader, seen map[string]bool) ([]catalog.File, error) {
	if arg == "-" {
		if seen[stdinName] {
			return nil, nil
		}
		data, err := readLimited(stdin)
		return []catalog.File{{Path: stdinName, Data: data}}, err
	}
	path := filepath.Clean(arg)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		files, err := catalog.Files(path)
		if err == nil && len(files) == 0 {
			err = errors.New("the folder holds no file *.yaml, *.yml or *.json")
		}
		return files, err
	}
	if seen[path] {
		return nil, nil
	}
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close() //nolint:errcheck // It was only read.
	data, err := readLimited(opened)
	return []catalog.File{{Path: path, Data: data}}, err
}

func readLimited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err == nil && len(data) > maxFileBytes {
		return nil, fmt.Errorf("is larger than %d MiB: divide it into several files", maxFileBytes>>20)
	}
	return data, err
}

// unreadable says why something cannot be read, without its name.
func unreadable(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "does not exist: name a file or folder of OpenSLO documents, or - for standard input"
	}
	if fault, ok := errors.AsType[*fs.PathError](err); ok {
		return "cannot be read: " + fault.Err.Error()
	}
	return err.Error()
}

// documents are what files hold, and what is to be said of them.
type documents struct {
	files []catalog.File
	// objects are those whose kind and name are known, broken ones among them.
	objects []openslo.Object
	// unreadable are documents whose kind or name could not be read. Unread says
	// that a file could not be: it may have anything.
	unreadable              []openslo.Object
	unread                  bool
	errors, warnings, notes []slo.DocumentError
}

// readDocuments reads the documents of all files. A kind and name is given once.
func readDocuments(args []string, stdin io.Reader, strict bool) *documents {
	d := &documents{}
	d.files, d.errors = readFiles(args, stdin)
	d.unread = len(d.errors) > 0
	for _, file := range d.files {
		objects, warnings, err := openslo.Read(file.Path, file.Data, modeOf(strict))
		d.keep(objects)
		d.warnings = append(d.warnings, warnings...)
		if err != nil {
			d.errors = append(d.errors, faultsIn(err, file.Path)...)
		}
	}
	d.refuseTwins()
	if len(d.objects) == 0 && len(d.errors) == 0 {
		for _, file := range d.files {
			d.errors = append(d.errors, slo.DocumentError{File: file.Path, Reason: "holds no document: write at least one in OpenSLO v1"})
		}
	}
	return d
}

func (d *documents) keep(objects []openslo.Object) {
	for _, o := range objects {
		if o.Kind != "" && o.Name != "" {
			d.objects = append(d.objects, o)
			continue
		}
		d.unreadable = append(d.unreadable, o)
	}
}

// mayHave reports whether something that could not be read may be an object.
func (d *documents) mayHave(ref slo.ObjectRef) bool {
	return d.unread || slices.ContainsFunc(d.unreadable, func(o openslo.Object) bool { return o.MayBe(ref) })
}

// sound counts the objects without faults of their own.
func (d *documents) sound() int {
	n := 0
	for _, o := range d.objects {
		if !o.Broken {
			n++
		}
	}
	return n
}

func modeOf(strict bool) openslo.Mode {
	if strict {
		return openslo.Strict
	}
	return openslo.Lenient
}

// faultsIn are the faults that an error consists of.
func faultsIn(err error, file string) []slo.DocumentError {
	if faults, ok := errors.AsType[slo.DocumentErrors](err); ok {
		return faults
	}
	return []slo.DocumentError{{File: file, Reason: err.Error()}}
}

// refuseTwins reports a kind and name that another file has already. Within a
// file that is known.
func (d *documents) refuseTwins() {
	first := map[slo.ObjectRef]openslo.Object{}
	for _, o := range d.objects {
		earlier, twin := first[o.ObjectRef]
		if !twin {
			first[o.ObjectRef] = o
			continue
		}
		if earlier.File == o.File {
			continue
		}
		d.errors = append(d.errors, faultOf(o, nameField, "the name is taken by %s:%d: give each %s a name of its own",
			earlier.File, lineOf(earlier, nameField), o.Kind))
	}
}

// sort brings what is to be said into the order of the files and their lines,
// each once.
func (d *documents) sort() {
	place := map[string]int{}
	for i, file := range d.files {
		place[file.Path] = i + 1
	}
	for _, list := range []*[]slo.DocumentError{&d.errors, &d.warnings, &d.notes} {
		slices.SortStableFunc(*list, func(a, b slo.DocumentError) int {
			return cmp.Or(cmp.Compare(place[a.File], place[b.File]), cmp.Compare(a.Document, b.Document), cmp.Compare(a.Line, b.Line))
		})
		seen := map[slo.DocumentError]bool{}
		*list = slices.DeleteFunc(*list, func(f slo.DocumentError) bool {
			twice := seen[f]
			seen[f] = true
			return twice
		})
	}
}

// faultOf is a fault of a field of an object.
func faultOf(o openslo.Object, field, format string, args ...any) slo.DocumentError {
	return slo.DocumentError{
		File: o.File, Document: o.Document, Line: lineOf(o, field), Object: o.String(), Field: field, Reason: fmt.Sprintf(format, args...),
	}
}

// lineOf is the line of a field, or of the nearest one around it.
func lineOf(o openslo.Object, field string) int {
	for field != "" {
		if line := o.Lines[field]; line > 0 {
			return line
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return o.Line
}

// printFindings writes one line for each: the place first, as compilers do.
func printFindings(w io.Writer, word string, list []slo.DocumentError) {
	for _, f := range list {
		where := f.File
		if f.Line > 0 {
			where = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		rest := strings.TrimPrefix(f.Error(), where)
		if word != "" {
			where += ": " + word
		}
		fmt.Fprintln(w, printable(where+rest))
	}
}
