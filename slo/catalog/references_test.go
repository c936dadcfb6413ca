package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

const (
	// chain is an SLO that refers to an SLI and to a policy, which refers to a
	// condition, with every document after those that refer to it.
	chain = "a @SLI:fast @AlertPolicy:page\nSLI:fast x\nAlertPolicy:page calm @AlertCondition:burns\nAlertCondition:burns twice"
)

// effects lists what was changed as "SLO a created".
func effects(applied slo.Applied) []string {
	list := []string{}
	for _, one := range applied.Changes {
		text := one.String() + " " + string(one.Effect)
		if one.Follows {
			text += ", follows"
		}
		if one.Recounts {
			text += ", recounts"
		}
		list = append(list, text)
	}
	return list
}

func TestReferencesResolveInAnyOrder(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	applied, err := apply(t, c, chain)
	require.NoError(t, err)
	require.Equal(t, []string{"SLO a created, recounts", "SLI fast created", "AlertPolicy page created", "AlertCondition burns created"}, effects(applied))
	require.Equal(t, 1, applied.Changes[3].Revision)
	require.Equal(t, []string{"save 1 and 3, archive 0", "append", "tell 1"}, w.events())
	require.Equal(t, []string{"AlertCondition burns@1", "AlertPolicy page@1", "SLI fast@1"}, objectsInForce(c))
	a, _ := c.Definition("a")
	require.Equal(t, "x", a.SLO.Indicator.Good.Condition)

	_, err = apply(t, c, "b @SLI:fast")
	require.NoError(t, err, "what is in force already can be referred to")
	require.Equal(t, []slo.ObjectRef{ref(slo.KindSLO, "a"), ref(slo.KindSLO, "b")}, c.Users(ref(slo.KindSLI, "fast")))
	require.Equal(t, []slo.ObjectRef{ref(slo.KindAlertPolicy, "page"), ref(slo.KindSLO, "a")}, c.Users(ref(slo.KindAlertCondition, "burns")))

	again, err := catalog.New(w.settings())
	require.NoError(t, err)
	require.NoError(t, again.Load(t.Context()))
	require.Equal(t, c.Objects(), again.Objects())
	w.with(func(w *world) { w.parsed = 0 })
	require.NoError(t, again.Load(t.Context()))
	w.with(func(w *world) { require.Zero(t, w.parsed, "a start reads no document again") })
}

func TestReferencesResolveAcrossFiles(t *testing.T) {
	t.Parallel()
	c := open(t, newWorld())
	require.NoError(t, syncFiles(t, c, files("1", "a @SLI:fast", "2", "SLI:fast x\nfast z")))
	require.Equal(t, []string{"a@1 1", "fast@1 2"}, inForce(c), "names of different kinds may be equal")
	require.Equal(t, []string{"SLI fast@1 2"}, objectsInForce(c))
	require.NoError(t, syncFiles(t, c, files("1", "a @SLI:fast\nSLI:fast x", "2", "fast z")))
	require.Equal(t, []string{"a@1 1", "fast@1 2"}, inForce(c), "an object that moves changes no SLO")
	require.Equal(t, []string{"SLI fast@2 1"}, objectsInForce(c))
}

func TestAnSLOFollowsWhatItRefersTo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change           string
		effects, events  []string
		revision, others int
	}{
		"its indicator": {
			"SLI:fast y",
			[]string{"SLI fast changed", "SLO a changed, follows, recounts"},
			[]string{"save 1 and 1, archive 0", "append", "tell 2"},
			2, 1,
		},
		"something behind its policy": {
			"AlertCondition:burns thrice",
			[]string{"AlertCondition burns changed", "SLO a changed, follows"},
			[]string{"save 1 and 1, archive 0", "tell 2"},
			2, 1,
		},
		"a change that means the same": {
			"AlertPolicy:page  calm @AlertCondition:burns",
			[]string{"AlertPolicy page changed"},
			[]string{"save 0 and 1, archive 0", "tell 2"},
			1, 1,
		},
		"an object that nobody uses": {
			"Service:shop x",
			[]string{"Service shop created"},
			[]string{"save 0 and 1, archive 0", "tell 2"},
			1, 0,
		},
		"no change": {"SLI:fast x", []string{"SLI fast unchanged"}, nil, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set := open(t, w)
			_, err := apply(t, set, chain+"\nother z")
			require.NoError(t, err)
			w.events()
			w.with(func(w *world) { w.resolved = 0 })

			tried, err := set.Try(t.Context(), request(c.change))
			require.NoError(t, err)
			require.Equal(t, c.effects, effects(tried))
			require.Empty(t, w.events(), "a try changes nothing")

			applied, err := apply(t, set, c.change)
			require.NoError(t, err)
			require.Equal(t, c.effects, effects(applied))
			require.Equal(t, c.events, w.events())
			a, _ := set.Definition("a")
			require.Equal(t, c.revision, a.Revision)
			w.with(func(w *world) { require.Equal(t, 2*c.others, w.resolved, "nobody but who refers to it") })
		})
	}
}

func TestBrokenReferencesAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	const gone = ", which does not exist: apply that as well, or before"
	for name, c := range map[string]struct {
		lines string
		want  slo.DocumentErrors
	}{
		"of an SLO": {"new x\nb @SLI:none\nc @SLI:fast @AlertPolicy:none", slo.DocumentErrors{
			{File: "request", Document: 2, Line: 2, Object: "SLO b", Field: "spec.indicatorRef", Reason: "refers to SLI none" + gone, Note: true},
			{File: "request", Document: 3, Line: 3, Object: "SLO c", Field: "spec.other", Reason: "refers to AlertPolicy none" + gone, Note: true},
		}},
		"of an object, but not of the SLOs that rest on it": {"b x @AlertPolicy:p\nAlertPolicy:p x @AlertCondition:none", slo.DocumentErrors{
			{File: "request", Document: 2, Line: 2, Object: "AlertPolicy p", Field: "spec.other", Reason: "refers to AlertCondition none" + gone, Note: true},
		}},
		"that an SLO in force cannot follow": {"SLI:fast unfit", slo.DocumentErrors{
			{File: "in force", Object: "SLO a", Field: "spec.indicatorRef", Reason: "does not fit (SLO a refers to SLI fast, which this changes)"},
		}},
		"to an SLI that does not compile, where that stands": {"SLI:fast bad\nb @SLI:fast", slo.DocumentErrors{
			{
				File: "request", Document: 1, Line: 1, Object: "SLI fast", Field: "spec.ratioMetric.good.metricSource.spec.condition",
				Reason: "does not compile",
			},
		}},
		"an SLI of before that does not compile": {"b @SLI:unused", slo.DocumentErrors{
			{
				File: "request", Document: 1, Line: 1, Object: "SLO b", Field: "spec.indicatorRef",
				Reason: "SLI unused: spec.ratioMetric.good.metricSource.spec.condition: does not compile",
			},
		}},
		"a name twice within a kind": {"fast x\nSLI:fast x\nSLI:fast y", slo.DocumentErrors{
			{
				File: "request", Document: 3, Line: 3, Object: "SLI fast", Field: "metadata.name",
				Reason: "the name is taken by request:2: give each SLI a name of its own",
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set := open(t, w)
			_, err := apply(t, set, chain+"\nSLI:unused bad")
			require.NoError(t, err)
			w.events()
			_, err = apply(t, set, c.lines)
			var faults slo.DocumentErrors
			require.ErrorAs(t, err, &faults)
			require.Equal(t, c.want, faults)
			_, err = set.Try(t.Context(), request(c.lines))
			require.Equal(t, faults, err)
			require.Empty(t, w.events())
		})
	}
}

func TestAFileThatIsReferredToDoesNotEnd(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	all := files("1", "a @SLI:fast @AlertPolicy:page", "2", "SLI:fast x", "3", "AlertPolicy:page @AlertCondition:burns", "4", "AlertCondition:burns twice")
	require.NoError(t, syncFiles(t, c, all))
	_, err := apply(t, c, "api @SLI:fast\nAlertPolicy:mine @AlertCondition:burns\nnext x @AlertPolicy:mine")
	require.NoError(t, err)
	w.events()

	err = syncFiles(t, c, append(all[:1:1], all[2:]...))
	require.Equal(t, slo.DocumentErrors{
		{File: "1", Document: 1, Line: 1, Object: "SLO a", Field: "spec.indicatorRef", Reason: "refers to SLI fast, which 2 holds no more: put that back, or refer to another one", Note: true},
		{File: "in force", Object: "SLO api", Field: "spec.indicatorRef", Reason: "refers to SLI fast, which 2 holds no more: put that back, or refer to another one", Note: true},
	}, err)
	err = syncFiles(t, c, all[:3])
	require.Equal(t, slo.DocumentErrors{
		{File: "3", Document: 1, Line: 1, Object: "AlertPolicy page", Field: "spec.indicatorRef", Reason: "refers to AlertCondition burns, which 4 holds no more: put that back, or refer to another one", Note: true},
		{File: "in force", Object: "AlertPolicy mine", Field: "spec.indicatorRef", Reason: "refers to AlertCondition burns, which 4 holds no more: put that back, or refer to another one", Note: true},
	}, err, "each once, and no SLO that rests on them")
	require.Empty(t, w.events())
	require.NoError(t, syncFiles(t, c, all))
}

func TestAnSLOOfAFileFollowsTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	_, err := apply(t, c, "SLI:fast x")
	require.NoError(t, err)
	require.NoError(t, syncFiles(t, c, files("1", "a @SLI:fast")))
	_, err = apply(t, c, "SLI:fast y")
	require.NoError(t, err)
	require.Equal(t, []string{"a@2 1"}, inForce(c), "its document is that of the file still")
	w.events()
	require.NoError(t, syncFiles(t, c, files("1", "a @SLI:fast")))
	require.Empty(t, w.events())
}

func TestDeletingWhatIsReferredToIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	_, err := apply(t, c, chain+"\nSLI:unused x\nService:shop x\nDataSource:d x")
	require.NoError(t, err)
	w.events()
	for kind, name := range map[slo.Kind]string{slo.KindSLI: "fast", slo.KindAlertPolicy: "page", slo.KindAlertCondition: "burns"} {
		err := c.Delete(t.Context(), ref(kind, name))
		require.ErrorIs(t, err, slo.ErrInUse)
		require.ErrorContains(t, err, "SLO a")
	}
	require.ErrorIs(t, c.Delete(t.Context(), ref(slo.KindSLI, "none")), slo.ErrNoObject)
	require.ErrorIs(t, c.Delete(t.Context(), ref(slo.KindSLI, "a")), slo.ErrNoObject, "an SLO is no SLI")
	require.Empty(t, w.events())

	for _, gone := range []slo.ObjectRef{ref(slo.KindSLI, "unused"), ref(slo.KindService, "shop"), ref(slo.KindSLO, "a"), ref(slo.KindSLI, "fast")} {
		require.NoError(t, c.Delete(t.Context(), gone), gone)
	}
	_, err = c.Object(ref(slo.KindSLI, "fast"))
	require.ErrorIs(t, err, slo.ErrNoObject)
	_, err = apply(t, c, "SLI:fast x")
	require.NoError(t, err)
	found, err := c.Object(ref(slo.KindSLI, "fast"))
	require.NoError(t, err)
	require.Equal(t, 2, found.Revision, "revisions go on")
}

func TestWhatRefersToEachOtherEndsTogether(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	_, err := apply(t, c, chain+"\nAlertPolicy:other calm @AlertCondition:rises\nAlertCondition:rises twice")
	require.NoError(t, err)
	require.NoError(t, syncFiles(t, c, files("1", "b @SLI:fast @AlertPolicy:other")), "a file keeps what it refers to")
	w.events()

	fast, other, rises := ref(slo.KindSLI, "fast"), ref(slo.KindAlertPolicy, "other"), ref(slo.KindAlertCondition, "rises")
	err = c.Delete(t.Context(), ref(slo.KindAlertCondition, "burns"), fast, rises, other, ref(slo.KindAlertPolicy, "page"), ref(slo.KindSLO, "a"))
	require.Equal(t, []string{"save 0, archive 3", "tell 1"}, w.events())
	refused := slo.DeleteError{}
	require.ErrorAs(t, err, &refused)
	require.Len(t, refused, 3)
	for _, stays := range []slo.ObjectRef{fast, other, rises} {
		require.ErrorIs(t, refused[stays], slo.ErrInUse, stays)
		require.ErrorContains(t, refused[stays], "SLO b", stays)
		require.NotContains(t, refused[stays].Error(), "SLO a", "that one ended")
	}
}

func TestObjectsOfFilesAreReadOnly(t *testing.T) {
	t.Parallel()
	c := open(t, newWorld())
	require.NoError(t, syncFiles(t, c, files("1", "SLI:fast x")))
	_, err := apply(t, c, "SLI:fast y")
	require.ErrorIs(t, err, slo.ErrReadOnly)
	require.ErrorContains(t, err, "apply SLI fast, from 1")
	require.ErrorIs(t, c.Delete(t.Context(), ref(slo.KindSLI, "fast")), slo.ErrReadOnly)
	_, err = apply(t, c, "fast y")
	require.NoError(t, err, "that is another kind")
	err = syncFiles(t, c, files("1", "SLI:fast x", "2", "fast z"))
	require.ErrorContains(t, err, "SLO fast was applied through the API already")
}

func TestWarningsAreReturned(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	odd := slo.DocumentError{File: "request", Line: 1, Object: "SLI fast", Reason: "is odd"}
	old := slo.DocumentError{File: "request", Line: 2, Object: "SLO a", Reason: "rests on something old"}
	documents := request("SLI:fast x odd-but-fine old\na @SLI:fast")
	_, warnings, err := c.Check(documents)
	require.NoError(t, err)
	require.Equal(t, slo.DocumentWarnings{odd, old}, warnings)
	for range 2 {
		applied, err := c.Apply(t.Context(), documents)
		require.NoError(t, err)
		require.Equal(t, slo.DocumentWarnings{odd, old}, applied.Warnings, "what is in force already is warned of again")
	}
	applied, err := apply(t, c, "SLI:fast y old")
	require.NoError(t, err)
	require.Equal(t, slo.DocumentWarnings{{
		File: "in force", Object: "SLO a", Reason: "rests on something old (SLO a refers to SLI fast, which this changes)",
	}}, applied.Warnings)

	documents.Strict = true
	_, err = c.Apply(t.Context(), documents)
	require.Equal(t, slo.DocumentErrors{odd}, err)
}

func TestCheckPutsInWhatIsInForce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	_, err := apply(t, c, "SLI:fast x\na @SLI:fast")
	require.NoError(t, err)
	w.events()
	slos, _, err := c.Check(request("a @SLI:fast\nb @SLI:fast"))
	require.NoError(t, err)
	require.Len(t, slos, 2)
	require.Equal(t, "x", slos[0].Indicator.Good.Condition)
	slos, _, err = c.Check(request("SLI:fast y"))
	require.NoError(t, err)
	require.Empty(t, slos, "an SLO that follows is none of those checked")
	_, _, err = c.Check(request("b @SLI:none"))
	require.ErrorContains(t, err, "refers to SLI none")
	require.Empty(t, w.events())
}

func TestADocumentInForceThatCannotBeReadAnyMoreIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.objects[ref(slo.KindSLI, "fast")] = slo.Object{ObjectRef: ref(slo.KindSLI, "fast"), Document: []byte("!"), Revision: 1}
	c := open(t, w)
	_, err := apply(t, c, "a @SLI:fast\nb @SLI:fast")
	require.Equal(t, slo.DocumentErrors{{
		File: "in force", Object: "SLI fast", Reason: "cannot be read any more, apply it again: in force:1: is wrong",
	}}, err)
	_, err = apply(t, c, "SLI:fast x\na @SLI:fast")
	require.NoError(t, err)
}

func TestManyFollowInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	var lines strings.Builder
	lines.WriteString("SLI:fast x\n")
	for i := range 1_300 {
		fmt.Fprintf(&lines, "s%04d @SLI:fast\n", i)
	}
	_, err := apply(t, c, lines.String())
	require.NoError(t, err)
	applied, err := apply(t, c, "SLI:fast y")
	require.NoError(t, err)
	require.Len(t, applied.Changes, 1_301)
	for i, one := range applied.Changes[1:] {
		require.Equal(t, fmt.Sprintf("s%04d", i), one.Name)
		require.Equal(t, 2, one.Revision)
	}
	require.Len(t, w.recorded(t), 2, "what was measured before is counted on for a while")

	_, err = apply(t, c, "SLI:fast unfit")
	var faults slo.DocumentErrors
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 1_000, "enough to know")
	require.Contains(t, faults[999].Reason, "more faults follow")
}
