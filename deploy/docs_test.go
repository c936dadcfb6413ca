package deploy_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
	"github.com/slowburn-slo/slowburn/slo/indicator"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// pages are all that is written for people, by path from here.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths := []string{"../README.md", "../ARCHITECTURE.md", "../CONTRIBUTING.md", "../CHANGELOG.md", "README.md"}
	for _, folder := range []string{"../docs", "../examples"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".md") {
				paths = append(paths, path)
			}
			return err
		}))
	}
	all := map[string]string{}
	for _, path := range paths {
		all[path] = read(t, path)
	}
	return all
}

// blocks are the fenced blocks of a page in a language.
func blocks(page, language string) []string {
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```").FindAllStringSubmatch(page, -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	return found
}

// anchors are the ends of links to the headings of a page.
func anchors(page string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		word := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(match[1]), "")
		all = append(all, strings.ReplaceAll(word, " ", "-"))
	}
	return all
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]*)\)`)
	for path, text := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), target)
			}
			_, err := os.Stat(file)
			require.NoError(t, err, "%s links to %s", path, match[1])
			if anchor != "" {
				require.Contains(t, anchors(read(t, file)), anchor, "%s links to %s", path, match[1])
			}
		}
	}
}

// call is a line that calls the program, after what may wrap it.
var call = regexp.MustCompile(`(?m)^\s*(?:(?:exec|sudo) )?(?:\S*/)?slowburn ([a-z]+)(.*)$`)

// requireFlags looks for every flag in the calls of a text, and in what
// `make run` passes on.
func requireFlags(t *testing.T, flags map[string]map[string]bool, text string) {
	t.Helper()
	option := regexp.MustCompile(`(?:^|[\s"])--([a-z][a-z-]*)`)
	require.NotEmpty(t, flags["serve"])
	for _, match := range call.FindAllStringSubmatch(text, -1) {
		command, known := match[1], flags[match[1]]
		require.NotNil(t, known, "there is no command slowburn %s", command)
		for _, one := range option.FindAllStringSubmatch(match[2], -1) {
			require.True(t, known[one[1]], "slowburn %s has no flag --%s", command, one[1])
		}
	}
	for _, match := range regexp.MustCompile(`make run ARGS="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		for _, one := range option.FindAllStringSubmatch(match[1], -1) {
			require.True(t, flags["serve"][one[1]], "make run passes --%s, which slowburn serve does not have", one[1])
		}
	}
}

// requireNames looks for the flags and variables that a page names in its text.
func requireNames(t *testing.T, flags map[string]map[string]bool, text string) {
	t.Helper()
	for _, match := range regexp.MustCompile("`--([a-z][a-z-]*)[^`]*`").FindAllStringSubmatch(text, -1) {
		require.True(t, flags["serve"][match[1]] || flags["slo"][match[1]], "neither slowburn serve nor slowburn slo has a flag --%s", match[1])
	}
	for _, variable := range regexp.MustCompile(`SLOWBURN_[A-Z][A-Z_]*`).FindAllString(text, -1) {
		switch {
		case variable == "SLOWBURN_POSTGRES_BIN": // A setting of the database's own.
		case variable == "SLOWBURN_LONG": // Of the tests alone: longer runs.
			require.Contains(t, read(t, "../slo/engine/clock_test.go"), variable)
		case sets(flags["slo"], variable):
		default:
			requireVariable(t, flags["serve"], variable)
		}
	}
	for _, span := range regexp.MustCompile("`(slowburn slo [^`]*)`").FindAllStringSubmatch(text, -1) {
		requireFlags(t, flags, span[1])
	}
}

func TestTheMetricsOfTheDocumentationAreThoseOfTheProgram(t *testing.T) {
	t.Parallel()
	names := func(text, pattern string) []string {
		var all []string
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, match[1])
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	ours := names(read(t, "../cmd/slowburn/metrics.go")+read(t, "../slo/convert/rule_source.go"), `"(slowburn_[a-z_]+)"`)
	require.NotEmpty(t, ours)
	require.Equal(t, ours, names(read(t, "../docs/operating.md"), "(?m)^\\| `(slowburn_[a-z_]+)`"))
}

// TestEveryObjectiveOfTheDocumentationIsTaken reads whole documents, and puts
// the indicators that stand alone into one.
func TestEveryObjectiveOfTheDocumentationIsTaken(t *testing.T) {
	t.Parallel()
	const around = `apiVersion: openslo/v1
kind: SLO
metadata: {name: example}
spec:
  service: shop
  indicator:
    metadata: {name: example}
    spec:
      ratioMetric:
        %s
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
`
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	found := blocks(read(t, "../docs/objectives.md"), "yaml")
	require.Greater(t, len(found), 4)
	for _, text := range found {
		switch {
		case strings.HasPrefix(text, "apiVersion"):
		case strings.HasPrefix(text, "metadata:"):
			whole := fmt.Sprintf(around, "counter: true\n        total: {metricSource: {type: Spans, spec: {service: shop}}}\n"+
				"        bad: {metricSource: {type: Spans, spec: {condition: 'true'}}}")
			text = strings.Replace(whole, "metadata: {name: example}", strings.TrimSpace(text), 1)
		default:
			text = fmt.Sprintf(around, strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        "))
		}
		objects, warnings, err := openslo.Parse("objectives.md", []byte(text), openslo.Strict)
		require.NoError(t, err, text)
		require.Empty(t, warnings)
		find := func(ref slo.ObjectRef) (openslo.Object, bool) {
			at := slices.IndexFunc(objects, func(o openslo.Object) bool { return o.ObjectRef == ref })
			if at < 0 {
				return openslo.Object{}, false
			}
			return objects[at], true
		}
		at := slices.IndexFunc(objects, func(o openslo.Object) bool { return o.Kind == slo.KindSLO })
		require.GreaterOrEqual(t, at, 0, text)
		definition, _, err := openslo.Resolve(objects[at], find)
		require.NoError(t, err, text)
		for i := range definition.Objectives {
			field, err := compiler.Check(definition.IndicatorOf(i))
			require.NoError(t, err, field)
		}
	}
}

func TestTheAlertingOfTheDocumentationIsOurs(t *testing.T) {
	t.Parallel()
	page := read(t, "../docs/alerting.md")
	for _, text := range blocks(page, "yaml") {
		_, err := alerting.ParseConfig("alerting.md", []byte(text))
		require.NoError(t, err)
	}
	require.JSONEq(t, read(t, "../slo/alerting/testdata/webhook_firing.json"), blocks(page, "json")[0])

	target, err := slo.ParseTarget("0.999", false)
	require.NoError(t, err)
	outages := map[string]string{"fast": "12 s", "1h": "48 s", "6h": "2 min 1 s", "24h": "4 min 2 s", "3d": "4 min 2 s"}
	outages["quiet"] = "only few events"
	for _, tier := range slo.DefaultPolicy(target, slo.Window{Duration: 28 * 24 * time.Hour}, 0) {
		ratio := tier.Factor / 1000
		row := fmt.Sprintf("| %s | %s | %s, %s | %s | %s %% | %d | %s |", tier.Name, tier.Severity,
			slo.FormatDuration(tier.Long), slo.FormatDuration(tier.Short), short(tier.Factor, 2), short(100*ratio, 4), tier.MinBad, outages[tier.Name])
		require.Contains(t, page, row)
		if tier.MaxTotal > 0 {
			continue
		}
		seconds := time.Duration(ratio * float64(tier.Long)).Round(time.Second)
		written := strings.NewReplacer(" min ", "m", " ", "").Replace(outages[tier.Name])
		require.Equal(t, seconds.String(), written, tier.Name)
	}
}

// short writes a number with some decimals, without zeros at the end.
func short(number float64, decimals int) string {
	text := fmt.Sprintf("%.*f", decimals, number)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// TestFaultsNameTestsThatExist keeps the table of faults true: a test that was
// renamed or removed shows there.
func TestFaultsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/faults.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9]+)`").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, named)
	known := map[string]bool{}
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, found := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllSubmatch(content, -1) {
			known[string(found[1])] = true
		}
		return err
	}))
	for _, name := range named {
		require.True(t, known[name[1]], "docs/faults.md names %s, which does not exist", name[1])
	}
}
