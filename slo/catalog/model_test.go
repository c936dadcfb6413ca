package catalog_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

// model is what should be in force: documents by kind and name.
type model map[slo.ObjectRef]modelDocument

type modelDocument struct{ text, origin string }

// sound reports whether every reference of the model has an object, and every
// SLO can be made.
func (m model) sound() bool {
	for _, d := range m {
		for _, word := range strings.Fields(d.text)[1:] {
			to, refers := strings.CutPrefix(word, "@")
			if !refers {
				continue
			}
			if _, found := m[refOf(to)]; !found && refOf(to).Kind != slo.KindService {
				return false
			}
		}
	}
	for ref := range m {
		if ref.Kind != slo.KindSLO {
			continue
		}
		for _, used := range m.reach(ref) {
			if words := strings.Fields(m[used].text); len(words) == 2 && words[1] == "unfit" {
				return false
			}
		}
	}
	return true
}

// reach is what an object refers to, directly and through others.
func (m model) reach(from slo.ObjectRef) []slo.ObjectRef {
	var all []slo.ObjectRef
	for _, word := range strings.Fields(m[from].text)[1:] {
		if to, refers := strings.CutPrefix(word, "@"); refers {
			all = append(append(all, refOf(to)), m.reach(refOf(to))...)
		}
	}
	return all
}

// without is the model after the end of those that can end together: not what
// comes from a file, and not what something that stays refers to.
func (m model) without(refs []slo.ObjectRef) model {
	next := maps.Clone(m)
	for _, ref := range refs {
		if m[ref].origin == "" {
			delete(next, ref)
		}
	}
	for again := true; again; {
		again = false
		for ref := range next {
			for _, used := range m.reach(ref) {
				if d, was := m[used]; was {
					_, stays := next[used]
					next[used], again = d, again || !stays
				}
			}
		}
	}
	return next
}

// drawText draws a document: SLOs refer to SLIs and policies, those to conditions.
func drawText(r *rapid.T, ref slo.ObjectRef) string {
	name := func(prefix string) string { return prefix + rapid.SampledFrom([]string{"1", "2"}).Draw(r, "name") }
	words := []string{rapid.SampledFrom([]string{"x", "y", "unfit"}).Draw(r, "word")}
	head := string(ref.Kind) + ":" + ref.Name
	switch ref.Kind {
	case slo.KindSLO:
		head, words = ref.Name, []string{rapid.SampledFrom([]string{"x", "y", "@SLI:1", "@SLI:2"}).Draw(r, "condition")}
		if rapid.Bool().Draw(r, "policy") {
			words = append(words, name("@AlertPolicy:"))
		}
	case slo.KindAlertPolicy:
		words = []string{"p", name("@AlertCondition:")}
	default:
	}
	return head + " " + strings.Join(words, " ")
}

func drawRef(r *rapid.T) slo.ObjectRef {
	kind := rapid.SampledFrom([]slo.Kind{slo.KindSLO, slo.KindSLO, slo.KindSLI, slo.KindAlertPolicy, slo.KindAlertCondition}).Draw(r, "kind")
	return ref(kind, rapid.SampledFrom([]string{"1", "2"}).Draw(r, "which"))
}

// requireModel compares everything that can be seen with the model.
func requireModel(r *rapid.T, c *catalog.Catalog, w *world, m model) {
	got := model{}
	for _, d := range c.Definitions() {
		got[ref(slo.KindSLO, d.SLO.Name)] = modelDocument{string(d.Document), d.Origin}
		objects, _, err := w.Parse("", d.Document, false)
		require.NoError(r, err)
		fresh, _, err := w.Resolve(objects[0], func(to slo.ObjectRef) (catalog.Object, bool) {
			o, err := c.Object(to)
			if err != nil {
				return catalog.Object{}, false
			}
			parsed, _, err := w.Parse("", o.Document, false)
			return parsed[0], err == nil
		})
		require.NoError(r, err)
		require.Equal(r, fresh, d.SLO, "an SLO is what its document and its references say now")
	}
	for _, o := range c.Objects() {
		got[o.ObjectRef] = modelDocument{string(o.Document), o.Origin}
		users := map[slo.ObjectRef]bool{}
		for user := range m {
			if slices.Contains(m.reach(user), o.ObjectRef) && (user.Kind == slo.KindSLO || strings.Contains(m[user].text, "@"+string(o.Kind)+":"+o.Name)) {
				users[user] = true
			}
		}
		require.ElementsMatch(r, slices.Collect(maps.Keys(users)), c.Users(o.ObjectRef))
	}
	require.Equal(r, m, got)
	set := []slo.Series{}
	for _, d := range c.Definitions() {
		set = append(set, w.measured[d.SLO.Name]...)
	}
	payload, err := slo.EncodeSeries(set)
	require.NoError(r, err)
	require.Equal(r, payload, w.records[len(w.records)-1].Payload, "the journal knows the set")
}

// TestTheCatalogIsItsModel applies, reads files, deletes and restarts at random.
// A change happens if, and only if, everything is sound after it.
func TestTheCatalogIsItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld()
		c, err := catalog.New(w.settings())
		require.NoError(r, err)
		require.NoError(r, c.Load(t.Context()))
		m := model{}
		draw := func(origin string) (map[slo.ObjectRef]string, model) {
			drawn, next := map[slo.ObjectRef]string{}, maps.Clone(m)
			for range rapid.IntRange(1, 5).Draw(r, "documents") {
				ref := drawRef(r)
				drawn[ref] = drawText(r, ref)
				next[ref] = modelDocument{drawn[ref], origin}
			}
			return drawn, next
		}
		// settle compares an outcome with what it should be.
		settle := func(what string, err error, allowed bool, next model) {
			if allowed && next.sound() {
				require.NoError(r, err, what)
				m = next
			} else {
				require.Error(r, err, what)
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"": func(r *rapid.T) { requireModel(r, c, w, m) },
			"apply": func(r *rapid.T) {
				drawn, next := draw("")
				allowed := true
				for ref := range drawn {
					allowed = allowed && m[ref].origin == ""
				}
				lines := strings.Join(slices.Collect(maps.Values(drawn)), "\n")
				_, tried := c.Try(t.Context(), request(lines))
				_, err := c.Apply(t.Context(), request(lines))
				require.Equal(r, err == nil, tried == nil, "a try tells the truth: %v, %v", tried, err)
				settle(lines, err, allowed, next)
			},
			"files": func(r *rapid.T) {
				drawn, _ := draw("")
				next, allowed := maps.Clone(m), true
				maps.DeleteFunc(next, func(_ slo.ObjectRef, d modelDocument) bool { return d.origin != "" })
				var list []catalog.File
				for ref, text := range drawn {
					if d, found := next[ref]; found && d.origin == "" {
						allowed = false
					}
					path := fmt.Sprint("file ", len(list))
					next[ref] = modelDocument{text, path}
					list = append(list, catalog.File{Path: path, Data: []byte(text)})
				}
				_, err := c.Sync(t.Context(), list)
				settle(fmt.Sprint(drawn), err, allowed, next)
			},
			"delete": func(r *rapid.T) {
				ref := drawRef(r)
				before, found := m[ref]
				next := maps.Clone(m)
				delete(next, ref)
				settle(ref.String(), c.Delete(t.Context(), ref), found && before.origin == "", next)
			},
			"delete many": func(r *rapid.T) {
				refs := rapid.SliceOfN(rapid.Custom(drawRef), 1, 5).Draw(r, "refs")
				next := m.without(refs)
				err := c.Delete(t.Context(), refs...)
				refused, _ := errors.AsType[slo.DeleteError](err)
				for _, ref := range refs {
					_, found := m[ref]
					_, stays := next[ref]
					require.Equal(r, !found || stays, refused[ref] != nil, "%s: %v", ref, err)
				}
				m = next
			},
			"restart": func(r *rapid.T) {
				c, err = catalog.New(w.settings())
				require.NoError(r, err)
				require.NoError(r, c.Load(t.Context()))
			},
		})
	})
}
