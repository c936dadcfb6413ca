package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// ran is what a command did.
type ran struct {
	status         int
	stdout, stderr string
}

// runSLO runs a subcommand of slo. What it reads from standard input comes first.
func runSLO(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	none := func(string) string { return "" }
	status := execute(t.Context(), append([]string{"slo"}, args...), none, strings.NewReader(stdin), &stdout, &stderr)
	return ran{status, stdout.String(), stderr.String()}
}

// folder writes files, and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// inForce shows the SLOs of a catalog as if each was judged.
type inForce struct {
	*webtest.Source

	set *catalog.Catalog
}

func (f inForce) Statuses() []slo.Status {
	var list []slo.Status
	for _, d := range f.set.Definitions() {
		list = append(list, slo.Status{Definition: d, State: slo.OK})
	}
	return list
}

func (f inForce) Status(name string) (slo.Status, error) {
	d, found := f.set.Definition(name)
	if !found {
		return slo.Status{}, fmt.Errorf("%q: %w", name, slo.ErrNotFound)
	}
	return slo.Status{Definition: d}, nil
}

// apiOf is the handler of the real web server over some fakes.
func apiOf(t *testing.T, change func(*web.Settings)) http.Handler {
	t.Helper()
	source := webtest.NewSource()
	settings := web.Settings{
		Statuses: source, Definitions: source, Objects: source, Drafts: source, Traffic: source.Moving,
		Ledger: source, Episodes: source, Health: source,
	}
	change(&settings)
	server, err := web.New(settings)
	require.NoError(t, err)
	return server.Handler()
}

// serveCatalog serves a catalog of the real language and compiler.
func serveCatalog(t *testing.T) (url string, set *catalog.Catalog) {
	t.Helper()
	set = newCatalog(t)
	server := httptest.NewServer(apiOf(t, func(s *web.Settings) {
		s.Statuses, s.Definitions, s.Objects = inForce{webtest.NewSource(), set}, set, set
	}))
	t.Cleanup(server.Close)
	return server.URL, set
}

// serveSource serves fakes.
func serveSource(t *testing.T, source *webtest.Source) string {
	t.Helper()
	server := httptest.NewServer(apiOf(t, func(s *web.Settings) {
		s.Statuses, s.Definitions, s.Objects = source, source, source
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// fromFile brings documents into force as a watched folder does.
func fromFile(t *testing.T, set *catalog.Catalog, path, text string) {
	t.Helper()
	_, err := set.Sync(context.WithoutCancel(t.Context()), []catalog.File{{Path: path, Data: []byte(text)}})
	require.NoError(t, err)
}
