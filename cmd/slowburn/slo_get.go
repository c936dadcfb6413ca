package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/slo"
)

func newSLOGet(getenv func(string) string) *cobra.Command {
	var api apiClient
	var output string
	cmd := &cobra.Command{
		Use:   "get [NAME]",
		Short: "Show how objectives stand, or the documents that are in force",
		Long: "Show how the objectives of all SLOs stand, or those of one: state, budget left, burn rate of the last hour, and what fires.\n\n" +
			"-o yaml prints the documents as they were applied, -o json all that the server says. KIND/NAME, as in SLI/checkout, names\n" +
			"an object of another kind. Secrets of a DataSource are not shown.",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MaximumNArgs(1)(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "table", "json", "yaml"); err != nil {
				return err
			}
			if len(args) == 0 {
				return getAll(cmd.Context(), &api, cmd.OutOrStdout(), output)
			}
			ref, err := refOf(args[0])
			if err != nil {
				return err
			}
			return getOne(cmd.Context(), &api, cmd.OutOrStdout(), ref, output)
		},
	}
	api.bindServer(cmd, getenv)
	outputFlag(cmd, &output, "table", "json", "yaml")
	return cmd
}

// refOf reads NAME, which is an SLO, or KIND/NAME.
func refOf(text string) (slo.ObjectRef, error) {
	kind, name, found := strings.Cut(text, "/")
	if !found {
		kind, name = string(slo.KindSLO), text
	}
	kinds := append(slo.Kinds(), slo.KindSLO)
	switch {
	case !slices.Contains(kinds, slo.Kind(kind)):
		words := make([]string, len(kinds))
		for i, k := range kinds {
			words[i] = string(k)
		}
		return slo.ObjectRef{}, usageError{fmt.Errorf("%q is no kind: write NAME for an SLO, or KIND/NAME with %s", printable(kind), choice(words))}
	case name == "":
		return slo.ObjectRef{}, usageError{fmt.Errorf("%q has no name: write NAME for an SLO, or KIND/NAME", printable(text))}
	default:
		return slo.ObjectRef{Kind: slo.Kind(kind), Name: name}, nil
	}
}

// pathOf is the address of an object in the API.
func pathOf(ref slo.ObjectRef) string {
	if ref.Kind == slo.KindSLO {
		return "/api/v1/slos/" + url.PathEscape(ref.Name)
	}
	return "/api/v1/objects/" + url.PathEscape(string(ref.Kind)) + "/" + url.PathEscape(ref.Name)
}

// standing is what the API says of an SLO, as far as the table shows it.
type standing struct {
	Name       string
	Objectives []struct {
		Index         int
		DisplayName   string `json:"display_name"`
		TargetText    string `json:"target_text"`
		Window, State string
		Composite     bool
		Budget        struct {
			RemainingRatio *float64 `json:"remaining_ratio"`
		}
		BurnRates []struct {
			Window string
			Rate   *float64
		} `json:"burn_rates"`
		Firing []struct{ Tier, Severity string }
	}
}

// getAll lists all SLOs, page by page.
func getAll(ctx context.Context, api *apiClient, w io.Writer, output string) error {
	all := []json.RawMessage{}
	for after := ""; ; {
		var page struct {
			SLOs []json.RawMessage
			Next *string
		}
		query := url.Values{"limit": {strconv.Itoa(200)}, "after": {after}}
		if err := api.do(ctx, http.MethodGet, "/api/v1/slos?"+query.Encode(), &page); err != nil {
			return err
		}
		all = append(all, page.SLOs...)
		if page.Next == nil || len(page.SLOs) == 0 {
			break
		}
		after = *page.Next
	}
	if output == "json" {
		return printJSON(w, map[string]any{"slos": all})
	}
	list := make([]standing, len(all))
	for i, one := range all {
		if err := json.Unmarshal(one, &list[i]); err != nil {
			return fmt.Errorf("read the answer of %s (is it Slowburn?): %w", api.url, err)
		}
	}
	if output == "table" {
		return printTable(w, list)
	}
	for i, one := range list {
		if i > 0 {
			fmt.Fprintln(w, "---")
		}
		if err := getOne(ctx, api, w, slo.ObjectRef{Kind: slo.KindSLO, Name: one.Name}, "yaml"); err != nil {
			return err
		}
	}
	return nil
}

// getOne shows one object.
func getOne(ctx context.Context, api *apiClient, w io.Writer, ref slo.ObjectRef, output string) error {
	var answer json.RawMessage
	if err := api.do(ctx, http.MethodGet, pathOf(ref), &answer); err != nil {
		return err
	}
	var found struct {
		standing
		Revision int
		Origin   string
		UsedBy   int `json:"used_by_total"`
		Document string
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return fmt.Errorf("read the answer of %s (is it Slowburn?): %w", api.url, err)
	}
	switch {
	case output == "json":
		return printJSON(w, answer)
	case output == "yaml":
		_, err := fmt.Fprintln(w, printableText(strings.TrimRight(found.Document, "\n")))
		return err
	case ref.Kind == slo.KindSLO:
		return printTable(w, []standing{found.standing})
	}
	t := newTable(w, "KIND", "NAME", "REVISION", "FROM", "USED BY")
	t.row(string(ref.Kind), ref.Name, strconv.Itoa(found.Revision), cmp.Or(found.Origin, "API"), strconv.Itoa(found.UsedBy))
	return t.Flush()
}

// table aligns cells, none of which can command a terminal.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer, head ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(head...)
	return t
}

func (t table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = cmp.Or(strings.TrimSpace(printable(cell)), "-")
	}
	fmt.Fprintln(t, strings.Join(cells, "\t"))
}

// printTable has a row for each objective.
func printTable(w io.Writer, list []standing) error {
	t := newTable(w, "NAME", "OBJECTIVE", "TARGET", "WINDOW", "STATE", "BUDGET LEFT", "BURN 1H", "FIRING")
	for _, s := range list {
		for _, o := range s.Objectives {
			name := o.DisplayName
			switch {
			case name != "":
			case o.Composite:
				name = "composite"
			case len(s.Objectives) > 1:
				name = strconv.Itoa(o.Index)
			}
			left, burn := "", ""
			if o.Budget.RemainingRatio != nil {
				left = fmt.Sprintf("%.2f%%", 100**o.Budget.RemainingRatio)
			}
			for _, b := range o.BurnRates {
				if b.Window == "1h" && b.Rate != nil {
					burn = fmt.Sprintf("%.2f", *b.Rate)
				}
			}
			var firing []string
			for _, e := range o.Firing {
				firing = append(firing, fmt.Sprintf("%s (%s)", e.Tier, e.Severity))
			}
			t.row(s.Name, name, o.TargetText, o.Window, o.State, left, burn, strings.Join(firing, ", "))
		}
	}
	return t.Flush()
}
