package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

// files makes files out of pairs of path and content.
func files(pairs ...string) []catalog.File {
	var list []catalog.File
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, catalog.File{Path: pairs[i], Data: []byte(pairs[i+1])})
	}
	return list
}

// syncFiles makes the set what the files say.
func syncFiles(t *testing.T, c *catalog.Catalog, list []catalog.File) error {
	t.Helper()
	_, err := c.Sync(t.Context(), list)
	return err
}

func TestSyncMakesTheSetWhatTheFilesSay(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	_, err := apply(t, c, "api x")
	require.NoError(t, err)
	w.events()

	for _, step := range []struct {
		what            string
		files           []catalog.File
		inForce, events []string
	}{
		{
			"the first files", files("1", "a x\nb y", "2", "c z"),
			[]string{"a@1 1", "api@1", "b@1 1", "c@1 2"},
			[]string{"save 3, archive 0", "append", "tell 4"},
		},
		{"the same files", files("1", "a x\nb y", "2", "c z"), []string{"a@1 1", "api@1", "b@1 1", "c@1 2"}, nil},
		{
			"one changed, one moved, one gone, one new", files("1", "a q\nc z", "3", "d x"),
			[]string{"a@2 1", "api@1", "c@2 1", "d@1 3"},
			[]string{"save 3, archive 1", "append", "tell 4"},
		},
		{"no files", nil, []string{"api@1"}, []string{"save 0, archive 3", "append", "tell 1"}},
		{"one that was archived", files("1", "b y"), []string{"api@1", "b@2 1"}, []string{"save 1, archive 0", "append", "tell 2"}},
	} {
		require.NoError(t, syncFiles(t, c, step.files), step.what)
		require.Equal(t, step.inForce, inForce(c), step.what)
		require.Equal(t, step.events, w.events(), step.what)
		require.NoError(t, c.Problems(), step.what)
	}
}

func TestSyncRefusesAsAWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files []catalog.File
		want  slo.DocumentErrors
	}{
		"the faults of all files": {files("1", "!\n!", "2", "fine x", "3", "\n!"), slo.DocumentErrors{
			{File: "1", Line: 1, Reason: "is wrong"}, {File: "1", Line: 2, Reason: "is wrong"}, {File: "3", Line: 2, Reason: "is wrong"},
		}},
		"a name in two files": {files("1", "\na x", "2", "b x\na x"), slo.DocumentErrors{{
			File: "2", Document: 2, Line: 2, Object: "SLO a", Field: "metadata.name",
			Reason: "the name is taken by 1:2: give each SLO a name of its own",
		}}},
		"a name of the API": {files("1", "a x\napi x"), slo.DocumentErrors{{
			File: "1", Document: 2, Line: 2, Object: "SLO api", Field: "metadata.name",
			Reason: "SLO api was applied through the API already: delete that one, or rename this one",
		}}},
		"a condition that does not compile": {files("1", "a x\nb bad"), slo.DocumentErrors{{
			File: "1", Document: 2, Line: 101, Object: "SLO b", Field: conditionField, Reason: "does not compile",
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set := open(t, w)
			_, err := apply(t, set, "api x")
			require.NoError(t, err)
			before := files("0", "old x")
			require.NoError(t, syncFiles(t, set, before))
			w.events()

			err = syncFiles(t, set, c.files)
			var faults slo.DocumentErrors
			require.ErrorAs(t, err, &faults)
			require.Equal(t, c.want, faults)
			require.Equal(t, err, set.Problems())
			require.Equal(t, []string{"api@1", "old@1 0"}, inForce(set))
			require.Empty(t, w.events())

			require.NoError(t, syncFiles(t, set, before))
			require.NoError(t, set.Problems())
		})
	}
}

func TestSyncMeetsBrokenDependencies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breakIt func(*world)
		files   []catalog.File
	}{
		"a parser that cannot work": {func(*world) {}, files("1", "a x", "2", "?")},
		"a store that cannot save":  {func(w *world) { w.saveFails = true }, files("1", "a x")},
		"a journal that is full":    {func(w *world) { w.appendFails = true }, files("1", "a x")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set := open(t, w)
			c.breakIt(w)
			require.ErrorIs(t, syncFiles(t, set, c.files), errDown)
			require.ErrorIs(t, set.Problems(), errDown)
			require.Empty(t, set.Definitions())

			w.saveFails, w.appendFails = false, false
			require.NoError(t, syncFiles(t, set, files("1", "a x")))
			require.Equal(t, []string{"a@1 1"}, inForce(set))
			require.NoError(t, set.Problems())
		})
	}
}

func TestWhatComesFromAFileIsReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	require.NoError(t, syncFiles(t, c, files("slos/a.yaml", "a x\nb x")))
	w.events()

	_, err := apply(t, c, "new x\na x\nb y")
	require.ErrorIs(t, err, slo.ErrReadOnly)
	require.ErrorContains(t, err, "apply SLO a, from slos/a.yaml")
	require.ErrorContains(t, err, "apply SLO b, from slos/a.yaml")
	_, err = c.Try(t.Context(), slo.Documents{File: "request", Data: []byte("new x\na x\nb y")})
	require.ErrorIs(t, err, slo.ErrReadOnly)
	tried, err := c.Try(t.Context(), slo.Documents{File: "request", Data: []byte("new x\na x\nb y"), OfFiles: true})
	require.NoError(t, err, "but what would be if the file held it can be asked")
	var effects []string
	for _, one := range tried.Changes {
		effects = append(effects, one.Name+" "+string(one.Effect)+" "+one.Origin)
	}
	require.Equal(t, []string{"new created ", "a unchanged slos/a.yaml", "b changed slos/a.yaml"}, effects)
	err = c.Delete(t.Context(), ref(slo.KindSLO, "a"))
	require.ErrorIs(t, err, slo.ErrReadOnly)
	require.ErrorContains(t, err, "delete SLO a, from slos/a.yaml")
	require.Empty(t, w.events())
	require.Equal(t, []string{"a@1 slos/a.yaml", "b@1 slos/a.yaml"}, inForce(c))
}
