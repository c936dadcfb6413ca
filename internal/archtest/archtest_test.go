// Package archtest holds the law of who may import whom. It reads transitive
// imports, so a detour through a third package is found, too.
package archtest_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/slowburn-slo/slowburn/"

// rule says what a package may import of this module. The first rule whose
// prefix matches decides; a package without one fails, because a new room is
// a decision. An entry that ends in "/" stands for everything below it.
type rule struct {
	packages string
	may      []string
}

func rules() []rule {
	return []rule{
		{"internal/failpoint", nil},
		{"slo", nil},
		{"slo/openslo", []string{"slo"}},
		{"slo/catalog", []string{"slo"}},
		{"slo/convert", []string{"slo"}},
		{"slo/exclusion", []string{"slo"}},
		{"slo/indicator", []string{"slo"}},
		{"slo/traffic", []string{"slo"}},
		{"slo/recount", []string{"slo"}},
		{"slo/audit", []string{"slo"}},
		{"slo/simulate", []string{"slo"}},
		{"internal/gallery", []string{"slo", "web", "web/", "internal/buildinfo"}}, // Shows them.
		{"slo/ledger", []string{"slo"}},
		{"slo/engine", []string{"slo"}},
		{"slo/alerting", []string{"slo"}},
		{"storage/postgres/", []string{"slo", "storage/postgres"}},
		{"storage/disk/", []string{"storage/disk"}}, // The simulator.
		{"storage/", []string{"slo", "storage/postgres", "storage/disk"}},
		{"collector", []string{"slo", "collector/"}},
		{"collector/", []string{"slo", "collector/"}},
		{"web", []string{"slo", "dashboards", "web/", "internal/buildinfo"}},
		{"web/", []string{"slo", "dashboards", "web/", "internal/buildinfo"}},
		{"dashboards", []string{"slo", "dashboards/"}},
		{"dashboards/", []string{"slo", "dashboards/"}},
		{"deploy", []string{"slo"}},
		{"examples", nil},
		{"examples/", []string{"slo"}},
		{"internal/bench", []string{"slo", "slo/engine", "slo/simulate", "storage/journal", "storage/disk", "storage/postgres"}}, // Measures them.
		{"internal/slotest", []string{"slo", "slo/simulate", "slo/openslo", "slo/indicator", "slo/exclusion"}},                   // Joins them, as the program does.
		{"internal/", []string{"slo"}},
		{"cmd/slowburn", []string{
			"slo", "slo/", "storage/", "collector", "collector/", "web", "web/", "dashboards", "dashboards/", "internal/", "examples", "examples/",
		}},
	}
}

// foreign are modules that only some packages may touch.
func foreign() map[string][]string {
	return map[string][]string{
		"github.com/gin-gonic/gin":              {"web", "web/", "cmd/", "internal/gallery"},
		"github.com/prometheus/prometheus/":     {"storage/metrics", "storage/metrics/", "cmd/"},
		"github.com/jackc/pgx/":                 {"storage/postgres", "storage/postgres/", "cmd/", "internal/bench"},
		"go.opentelemetry.io/collector/otelcol": {"collector", "cmd/"},
		"github.com/teambition/rrule-go":        {"slo/exclusion", "internal/slotest", "cmd/"},
	}
}

func TestEveryPackageImportsOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		allowed := ruleOf(t, p.name)
		for _, dep := range p.deps {
			if own, ok := strings.CutPrefix(dep, module); ok && own != p.name {
				if own == "internal/failpoint" && p.name != "slo" {
					continue // Empty but in builds of the crash harness; any part may be killed.
				}
				require.True(t, matches(own, allowed.may), "%s must not depend on %s: see the table of internal/archtest", p.name, own)
			}
			for prefix, owners := range foreign() {
				if dep == prefix || strings.HasPrefix(dep, strings.TrimSuffix(prefix, "/")+"/") {
					require.True(t, matches(p.name, owners), "%s must not depend on %s", p.name, dep)
				}
			}
		}
	}
}

func TestTheDomainUsesOnlyTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		if p.name != "slo" {
			continue
		}
		for _, dep := range p.deps {
			first, _, _ := strings.Cut(dep, "/")
			require.NotContains(t, first, ".", "package slo depends on %s", dep)
		}
		for _, dep := range p.imports {
			require.NotContains(t, []string{"os", "log", "log/slog", "net", "net/http"}, dep, "package slo does no I/O and no logging")
		}
	}
}

func TestTheLawIsBroken(t *testing.T) {
	t.Parallel()
	for own, dep := range map[string]string{
		"slo/engine": "slo/ledger", "storage/journal": "slo/engine", "web": "storage/postgres", "collector": "web", "slo": "slo/engine",
	} {
		require.False(t, matches(dep, ruleOf(t, own).may), "%s on %s", own, dep)
	}
}

type pkg struct {
	name string
	// imports are direct, deps transitive.
	imports, deps []string
}

// list reads the packages of the module with all that they import, tests excepted.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-tags", "remove_all_sd,grpcnotrace",
		"-f", `{{.ImportPath}}|{{join .Imports " "}}|{{join .Deps " "}}`, module+"...")
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []pkg
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), "|")
		require.Len(t, fields, 3)
		all = append(all, pkg{
			name: strings.TrimPrefix(fields[0], module), imports: strings.Fields(fields[1]), deps: strings.Fields(fields[2]),
		})
	}
	require.NotEmpty(t, all)
	return all
}

func ruleOf(t *testing.T, name string) rule {
	t.Helper()
	for _, r := range rules() {
		if matches(name, []string{r.packages}) {
			return r
		}
	}
	require.FailNow(t, "a package without a rule", "%s: add a row to internal/archtest and say why in the design or an ADR", name)
	return rule{}
}

func matches(name string, list []string) bool {
	for _, entry := range list {
		if name == entry || (strings.HasSuffix(entry, "/") && strings.HasPrefix(name, entry)) {
			return true
		}
	}
	return false
}
