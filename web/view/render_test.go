package view_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

var update = flag.Bool("update", false, "write the golden files")

func base() view.Base { return view.Base{Version: "1.2.3", Now: webtest.Now()} }

func asset(name string) (string, error) { return "/static/" + name, nil }

// TestPages compares the main part of every page with its golden file.
func TestPages(t *testing.T) {
	t.Parallel()
	renderer, err := view.New(asset)
	require.NoError(t, err)
	for name, page := range webtest.Pages(base()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := renderer.Render(page)
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(body), "</html>\n"), "the page is whole")
			require.NotContains(t, string(body), "ZgotmplZ", "nothing unsafe was put into an attribute")
			if name == "slos-many" {
				return // A hundred rows are not read in review.
			}
			_, main, _ := strings.Cut(string(body), `<main id="main" tabindex="-1">`)
			main, _, _ = strings.Cut(main, "</main>")
			file := filepath.Join("testdata", name+".html")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, []byte(main), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), main)
		})
	}
}

// TestEveryTemplateIsExecuted fails when a page has a file and no fixture.
func TestEveryTemplateIsExecuted(t *testing.T) {
	t.Parallel()
	renderer, err := view.New(asset)
	require.NoError(t, err)
	covered := map[string]bool{}
	for name := range webtest.Pages(base()) {
		page, _, _ := strings.Cut(name, "-")
		covered[page] = true
	}
	require.NotEmpty(t, renderer.Pages())
	for _, page := range renderer.Pages() {
		require.True(t, covered[page], "no fixture renders the page %s", page)
	}
}

func TestATemplateErrorLeavesNoHalfPage(t *testing.T) {
	t.Parallel()
	renderer, err := view.New(func(string) (string, error) { return "", errors.New("no such file") })
	require.NoError(t, err)
	body, err := renderer.Render(view.NewFailure(base(), 500, "x", "y"))
	require.ErrorContains(t, err, "no such file")
	require.Nil(t, body)
}

func TestTheMeterShowsBudgetAndDebt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bad  int64
		want view.Budget
	}{
		"all is left":         {0, view.Budget{Text: "100.0\u202f%", Known: true, Left: "100.00", Debt: "0.00", DebtFrom: "100.00"}},
		"some is left":        {4, view.Budget{Text: "60.0\u202f%", Known: true, Left: "60.00", Debt: "0.00", DebtFrom: "100.00"}},
		"nothing is left":     {10, view.Budget{Text: "0.0\u202f%", Known: true, Over: true, Left: "0.00", Debt: "0.00", DebtFrom: "100.00"}},
		"half a budget more":  {15, view.Budget{Text: "−50.0\u202f%", Known: true, Over: true, Left: "0.00", Debt: "50.00", DebtFrom: "50.00"}},
		"many budgets are it": {150, view.Budget{Text: "−1400\u202f%", Known: true, Over: true, Left: "0.00", Debt: "100.00", DebtFrom: "0.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, err := slo.ParseTarget("0.999", false)
			require.NoError(t, err)
			counts := slo.Counts{Good: 10_000 - c.bad, Bad: c.bad}
			status := slo.ObjectiveStatus{Target: target, Counts: counts, Budget: slo.BudgetOf(target, counts)}
			require.Equal(t, c.want, view.NewBudget(status))
		})
	}
	require.Equal(t, view.Budget{Text: "–"}, view.NewBudget(slo.ObjectiveStatus{}))
}
