package openslo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// faultsOf reads a file that is wrong in a mode.
func faultsOf(t *testing.T, file string, mode openslo.Mode) slo.DocumentErrors {
	t.Helper()
	_, _, err := openslo.Parse("f.yaml", []byte(file), mode)
	var faults slo.DocumentErrors
	require.ErrorAs(t, err, &faults, file)
	return faults
}

func TestEveryKindIsRead(t *testing.T) {
	t.Parallel()
	for kind, file := range map[slo.Kind]string{
		slo.KindDataSource: aDataSource, slo.KindService: aService, slo.KindSLI: anSLI, slo.KindSLO: anSLO,
		slo.KindAlertPolicy: aPolicy, slo.KindAlertCondition: aCondition, slo.KindAlertNotificationTarget: aTarget,
	} {
		for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
			objects, warnings := parse(t, file, mode)
			require.Empty(t, warnings)
			require.Len(t, objects, 1)
			require.Equal(t, kind, objects[0].Kind)
			require.NotEmpty(t, objects[0].Name)
			require.Equal(t, file, string(objects[0].Source))
		}
	}
}

func TestTheMetadataOfEveryKind(t *testing.T) {
	t.Parallel()
	for _, file := range []string{aDataSource, aService, anSLI, anSLO, aPolicy, aCondition, aTarget, aComposite} {
		metadata := file[strings.Index(file, "metadata:"):strings.Index(file, "spec:")]
		for edit, want := range map[string]struct{ field, reason string }{
			"":               {"metadata", "is required"},
			"metadata: {}\n": {"metadata.name", "is required"},
			"metadata: {name: a, displayName: '" + strings.Repeat("x", 64) + "'}\n": {"metadata.displayName", "has 64 characters, more than the limit of 63"},
			"metadata: {name: a, labels: [a]}\n":                                    {"metadata.labels", "must be a map, found a list"},
			"metadata: {name: a, labels: {a!: b}}\n": {
				`metadata.labels."a!"`, "a key of labels must be 1 to 63 letters, digits and -_., and begin and end with a letter or digit",
			},
		} {
			for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
				faults := faultsOf(t, strings.Replace(file, metadata, edit, 1), mode)
				require.Equal(t, want.field, faults[0].Field)
				require.Equal(t, want.reason, faults[0].Reason)
			}
		}
	}
}

func TestDescriptionsOfEveryKindAreBounded(t *testing.T) {
	t.Parallel()
	for _, file := range []string{aDataSource, aService, anSLI, anSLO, aPolicy, aCondition, aTarget} {
		parse(t, strings.Replace(file, "description: text", "description: "+strings.Repeat("ä", 1050), 1), openslo.Strict)
		for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
			faults := faultsOf(t, strings.Replace(file, "description: text", "description: "+strings.Repeat("x", 1051), 1), mode)
			require.Equal(t, "spec.description", faults[0].Field)
			require.Equal(t, "has 1051 characters, more than the limit of 1050", faults[0].Reason)
		}
	}
}

func TestNamesAreUniqueWithinTheirKind(t *testing.T) {
	t.Parallel()
	same := strings.NewReplacer("metadata: {name: n}", "metadata: {name: s}").Replace(aTarget)
	objects, _ := parse(t, aService+"---\n"+same, openslo.Strict)
	require.Len(t, objects, 2)
	faults := faultsOf(t, same+"---\n"+same, openslo.Lenient)
	require.Equal(t, "the name is taken by document 1, line 3: give each AlertNotificationTarget a name of its own", faults[0].Reason)
	require.Equal(t, 2, faults[0].Document)
}

func TestLenientNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"AlertPolicy", "a.b", "a_b", "a|b", "a/b", `a\b`, strings.Repeat("x", 255)} {
		file := strings.Replace(aService, "name: s,", "name: '"+name+"',", 1)
		objects, warnings := parse(t, file, openslo.Lenient)
		require.Equal(t, name, objects[0].Name)
		require.Len(t, warnings, 1)
		require.Equal(t, "metadata.name", warnings[0].Field)
		require.NotEmpty(t, faultsOf(t, file, openslo.Strict))
	}
	for _, name := range []string{"-a", "a-", ".", "..", "a b", "ä", "a?b", "a\u0000", strings.Repeat("x", 256)} {
		require.NotEmpty(t, faultsOf(t, strings.Replace(aService, "name: s,", "name: \""+name+"\",", 1), openslo.Lenient))
	}
}

func TestInlinePartsAreReadLikeObjects(t *testing.T) {
	t.Parallel()
	inline := strings.Replace(aPolicy, "threshold: 2", "threshold: fast", 1)
	require.Equal(t, "spec.conditions[0].spec.condition.threshold", faultsOf(t, inline, openslo.Strict)[0].Field)
	inline = strings.Replace(aPolicy, "{target: mail}", "{}", 1)
	require.Equal(t, "spec.notificationTargets[1].spec.target", faultsOf(t, inline, openslo.Strict)[0].Field)
	inline = strings.Replace(aPolicy, "metadata: {name: c}", "metadata: {name: C}", 1)
	require.Equal(t, "spec.conditions[0].metadata.name", faultsOf(t, inline, openslo.Strict)[0].Field)
	_, warnings := parse(t, inline, openslo.Lenient)
	require.Equal(t, "spec.conditions[0].metadata.name", warnings[0].Field)
}

func TestHostileFilesAreRefusedSoon(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	for name, file := range map[string]string{
		"10 MB of documents":      strings.Repeat(aService+"---\n", 10<<20/len(aService)),
		"a bomb of aliases":       bomb(),
		"a deep nest":             strings.Repeat("[", 500_000),
		"many keys":               "spec:\n" + strings.Repeat("  a: b\n", 100_000),
		"a long number":           strings.Replace(anSLO, "0.99", "0."+strings.Repeat("9", 500_000), 1),
		"a large exponent":        strings.Replace(anSLO, "0.99", "1e999999999", 1),
		"a long name":             strings.Replace(aService, "name: s,", "name: "+strings.Repeat("s", 900_000)+",", 1),
		"a large duration":        strings.Replace(anSLO, "28d", strings.Repeat("9", 1000)+"d", 1),
		"a year that is none":     strings.Replace(anSLO, "isRolling: true", "calendar: {startTime: 99999-01-01 00:00:00, timeZone: UTC}", 1),
		"a bomb in details":       "x: &a [" + strings.Repeat("y,", 5000) + "]\nz: [*a, *a, *a]\n",
		"a merge of a map":        "a: &a {b: c}\nspec: {<<: *a}\n",
		"a document of only tags": strings.Repeat("!!x ", 1000),
	} {
		for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
			require.NotEmpty(t, faultsOf(t, file, mode), name)
		}
	}
	require.Less(t, time.Since(begin), time.Minute)
}

func TestTheDetailsOfADataSourceMayBeAnything(t *testing.T) {
	t.Parallel()
	for _, details := range []string{"~", "text", "5", "[a, {b: c}]", "{5: x, [a]: b, <<: {c: d}, d: !tag e, when: 2026-01-01}", "{a: 1, a: 2}"} {
		for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
			objects, warnings := parse(t, strings.Replace(aDataSource, "{url: http://prometheus}", details, 1), mode)
			require.Empty(t, warnings)
			require.NotContains(t, objects[0].Name, "http")
		}
	}
}

func TestTheSpecOfAnotherTypeOfSourceMayBeAnything(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"{query: up}", "{5: x}", "{a: [b, {c: 2026-01-01}]}", "{a: !tag b, <<: {c: d}}"} {
		_, warnings := parse(t, strings.ReplaceAll(aThreshold, "{query: up}", spec), openslo.Strict)
		require.Empty(t, warnings)
	}
	for spec, reason := range map[string]string{"{}": "must not be empty", "[a]": "must be a map, found a list", "up": `must be a map, found the text "up"`, "~": "is required"} {
		faults := faultsOf(t, strings.ReplaceAll(aThreshold, "{query: up}", spec), openslo.Lenient)
		require.Equal(t, reason, faults[0].Reason)
	}
}
