package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

// TestFaultsOfAllPhasesComeTogether applies lines to a catalog that has the
// chain: what cannot be read hides no reference to nothing and no condition that
// does not compile, and is the cause of no other fault.
func TestFaultsOfAllPhasesComeTogether(t *testing.T) {
	t.Parallel()
	const bad = "spec.ratioMetric.good.metricSource.spec.condition: does not compile"
	for name, c := range map[string]struct {
		lines string
		want  []string
	}{
		"one of each, in the order of their lines": {
			"b bad\nc @SLI:none\n! other\nSLI:mine unfit\nd @SLI:mine",
			[]string{
				"request:3 is wrong",
				"request:100 SLO b " + conditionField + ": does not compile", "request:2 SLO c spec.indicatorRef: refers to SLI none",
				"request:5 SLO d spec.indicatorRef: does not fit",
			},
		},
		"all within one document": {
			"b bad @AlertPolicy:none torn",
			[]string{
				"request:1 SLO b : is torn", "request:1 SLO b spec.other: refers to AlertPolicy none",
				"request:100 SLO b " + conditionField + ": does not compile",
			},
		},
		"a document that is there, but broken": {"SLI:mine x torn\nb @SLI:mine", []string{"request:1 SLI mine : is torn"}},
		"a condition of a broken SLI":          {"b @SLI:mine\nSLI:mine bad torn", []string{"request:2 SLI mine : is torn", "request:2 SLI mine " + bad}},
		"a document that may be one that cannot be read": {
			"! mine burns\nb @SLI:mine\nAlertPolicy:new x @AlertCondition:burns", []string{"request:1 is wrong"},
		},
		"a document of a kind whose name cannot be read": {
			"!SLI\nb @SLI:mine\nc @AlertPolicy:mine", []string{"request:1 is wrong", "request:3 SLO c spec.indicatorRef: refers to AlertPolicy mine"},
		},
		"another that cannot be it":         {"! mine\nb @SLI:other", []string{"request:1 is wrong", "request:2 SLO b spec.indicatorRef: refers to SLI other"}},
		"an SLO that rests on what is lost": {"b bad @AlertPolicy:p\nAlertPolicy:p x @AlertCondition:none", []string{"request:100 SLO b " + conditionField, "request:2 AlertPolicy p spec.other: refers to AlertCondition none"}},
		"a broken object that SLOs in force follow": {
			"SLI:fast bad torn", []string{"request:1 SLI fast : is torn", "request:1 SLI fast " + bad},
		},
		"the same SLI twice": {
			"SLI:mine x\nSLI:mine bad\nb @SLI:mine\nc bad", []string{"request:2 SLI mine metadata.name: the name is taken", "request:103 SLO c " + conditionField},
		},
		"a name of a file": {
			"filed x\nb bad", []string{"request:1 SLO filed metadata.name: is that of one from 1, which is read-only here", "request:101 SLO b " + conditionField},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set := open(t, w)
			_, err := apply(t, set, chain)
			require.NoError(t, err)
			require.NoError(t, syncFiles(t, set, files("1", "filed x")))
			w.events()
			_, err = apply(t, set, c.lines)
			requireTold(t, c.want, err)
			_, tried := set.Try(t.Context(), request(c.lines))
			require.Equal(t, err, tried)
			w.with(func(w *world) { w.saveFails, w.readFails = true, true })
			_, again := apply(t, set, c.lines)
			require.Equal(t, err, again)
			require.Empty(t, w.events())
		})
	}
}

func TestFaultsOfAllFilesAndPhasesComeTogether(t *testing.T) {
	t.Parallel()
	before := files("1", "a @SLI:fast @AlertPolicy:page", "2", "SLI:fast x\nAlertPolicy:page y")
	for name, c := range map[string]struct {
		files []catalog.File
		want  []string
	}{
		"one of each in a file": {
			files("1", "a @SLI:fast @AlertPolicy:page\n!", "2", "SLI:fast x\nAlertPolicy:page y @AlertCondition:none", "3", "b bad\nmine y"),
			[]string{
				"1:2 is wrong", "2:2 AlertPolicy page spec.other: refers to AlertCondition none", "3:100 SLO b " + conditionField,
				"3:2 SLO mine metadata.name: SLO mine was applied through the API already",
			},
		},
		"what was in force may be in what cannot be read": {
			files("1", "a @SLI:fast @AlertPolicy:page", "2", "! fast\n! page"), []string{"2:1 is wrong", "2:2 is wrong"},
		},
		"what was in force is in no file": {
			files("1", "a @SLI:fast @AlertPolicy:page", "2", "! fast"),
			[]string{"1:1 SLO a spec.other: refers to AlertPolicy page, which 2 holds no more", "2:1 is wrong"},
		},
		"a name that two files have": {
			files("1", "a @SLI:fast @AlertPolicy:page", "2", "SLI:fast x torn\nAlertPolicy:page y", "3", "SLI:fast x torn"),
			[]string{"2:1 SLI fast : is torn", "3:1 SLI fast : is torn", "3:1 SLI fast metadata.name: the name is taken by 2:1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set := open(t, w)
			require.NoError(t, syncFiles(t, set, before))
			_, err := apply(t, set, "mine x")
			require.NoError(t, err)
			w.events()
			err = syncFiles(t, set, c.files)
			requireTold(t, c.want, err)
			require.Equal(t, err, set.Problems())
			require.Empty(t, w.events())
			require.NoError(t, syncFiles(t, set, before))
		})
	}
}

// requireTold compares faults with how each begins, in order.
func requireTold(t *testing.T, want []string, err error) {
	t.Helper()
	var faults slo.DocumentErrors
	require.ErrorAs(t, err, &faults)
	var got []string
	for _, f := range faults {
		text := fmt.Sprintf("%s:%d ", f.File, f.Line)
		if f.Object != "" {
			text += f.Object + " " + f.Field + ": "
		}
		got = append(got, text+f.Reason)
	}
	require.Len(t, got, len(want), strings.Join(got, "\n"))
	for i := range want {
		require.True(t, strings.HasPrefix(got[i], want[i]), "want %s\ngot  %s", want[i], strings.Join(got, "\n"))
	}
}
