package collector_test

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/service/telemetry"
	"golang.org/x/mod/modfile"
	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/collector"
)

type builderModule struct {
	GoMod  string `yaml:"gomod"`
	Import string `yaml:"import"`
	Path   string `yaml:"path"`
}

type builderConfig struct {
	Receivers  []builderModule `yaml:"receivers"`
	Processors []builderModule `yaml:"processors"`
	Exporters  []builderModule `yaml:"exporters"`
	Extensions []builderModule `yaml:"extensions"`
	Connectors []builderModule `yaml:"connectors"`
}

func TestBuilderConfigListsTheComponentsWithTheVersionsOfGoMod(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("builder-config.yaml")
	require.NoError(t, err)
	var listed builderConfig
	require.NoError(t, yaml.Unmarshal(content, &listed))
	content, err = os.ReadFile("../go.mod")
	require.NoError(t, err)
	mod, err := modfile.Parse("go.mod", content, nil)
	require.NoError(t, err)
	factories, err := collector.Components(newJournal(), time.Now, telemetry.NewFactory(func() component.Config { return nil }))
	require.NoError(t, err)

	require.Equal(t, packageNames(factories.Receivers, "receiver"), listedNames(t, mod, listed.Receivers))
	require.Equal(t, packageNames(factories.Processors, "processor"), listedNames(t, mod, listed.Processors))
	require.Equal(t, packageNames(factories.Exporters, "exporter"), listedNames(t, mod, listed.Exporters))
	require.Equal(t, packageNames(factories.Extensions, "extension"), listedNames(t, mod, listed.Extensions))
	require.Equal(t, packageNames(factories.Connectors, "connector"), listedNames(t, mod, listed.Connectors))
}

// packageNames derives the package of a component from its type, as all
// components name it: memory_limiter is in memorylimiterprocessor.
func packageNames[F component.Factory](factories map[component.Type]F, kind string) []string {
	names := []string{}
	for typ := range factories {
		names = append(names, strings.ReplaceAll(typ.String(), "_", "")+kind)
	}
	slices.Sort(names)
	return names
}

func listedNames(t *testing.T, mod *modfile.File, modules []builderModule) []string {
	t.Helper()
	names := []string{}
	for _, m := range modules {
		module, version, ok := strings.Cut(m.GoMod, " ")
		require.True(t, ok, "%s has no version", m.GoMod)
		if module == mod.Module.Mod.Path {
			require.DirExists(t, path.Join(m.Path, strings.TrimPrefix(m.Import, module)))
		} else {
			require.True(t, slices.ContainsFunc(mod.Require, func(r *modfile.Require) bool {
				return r.Mod.Path == module && r.Mod.Version == version
			}), "go.mod does not require %s", m.GoMod)
		}
		imported := module
		if m.Import != "" {
			imported = m.Import
		}
		names = append(names, path.Base(imported))
	}
	slices.Sort(names)
	return names
}
