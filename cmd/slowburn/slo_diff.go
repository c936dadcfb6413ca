package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
	"github.com/slowburn-slo/slowburn/web"
)

func newSLODiff(getenv func(string) string) *cobra.Command {
	var api apiClient
	var strict bool
	var output string
	cmd := &cobra.Command{
		Use:   "diff FILE...",
		Short: "Compare OpenSLO documents with what is in force",
		Long: "Say what slowburn slo apply would change, and change nothing: which objects would be created or changed, with the lines\n" +
			"that differ between the canonical forms of what is in force and what is new, and which SLOs would change with them. Of an\n" +
			"SLO it says whether it would count something else, which is recounted from the journal as far back as that reaches, or\n" +
			"whether only targets, windows, texts or alerting differ, so that its history stays.\n\n" +
			"What the server has from a watched folder (serve --slos) is compared, too: apply would refuse it, the file is what to change.\n" +
			"What is in force and in none of the files is not looked at. The exit status is that of diff: 0 without differences, 1 with\n" +
			"differences, 2 for trouble, such as a broken document or no server.",
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			out, err := diffDocuments(cmd, &api, args, strict, output)
			if err != nil {
				return trouble(err)
			}
			if err := printDiff(cmd.OutOrStdout(), cmd.ErrOrStderr(), out, output); err != nil {
				return trouble(err)
			}
			if out.Different {
				return statusError{status: 1}
			}
			return nil
		},
	}
	api.bindServer(cmd, getenv)
	cmd.Flags().BoolVar(&strict, "strict", false, "read as the SDK of OpenSLO does: dialects are errors, not warnings")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// diffOutput is what would change.
type diffOutput struct {
	Different bool            `json:"different"`
	Changes   []diffChange    `json:"changes"`
	Warnings  []documentFault `json:"warnings"`
}

// diffChange is one object, with a unified diff of its canonical forms.
type diffChange struct {
	changeOutput

	Diff string `json:"diff"`
	// SameDocument: this very document is in force, but what it refers to changes.
	SameDocument bool `json:"same_document"`
}

func diffDocuments(cmd *cobra.Command, api *apiClient, args []string, strict bool, output string) (diffOutput, error) {
	d := readDocuments(args, cmd.InOrStdin(), strict)
	if err := refuseBroken(cmd, d, output); err != nil {
		return diffOutput{}, err
	}
	tried, err := sendDocuments(cmd.Context(), api, d, sending{strict: strict, dry: true, ofFiles: true})
	if err != nil {
		return diffOutput{}, refusedByServer(cmd, err, output)
	}
	given := map[slo.ObjectRef]openslo.Object{}
	for _, o := range d.objects {
		given[o.ObjectRef] = o
	}
	out := diffOutput{Changes: []diffChange{}, Warnings: tried.Warnings}
	for _, c := range tried.Changes {
		one := diffChange{changeOutput: c}
		if c.Effect != slo.Unchanged {
			out.Different = true
		}
		if o, found := given[c.ref()]; found && !c.Follows && c.Effect != slo.Unchanged {
			if err := one.compare(cmd.Context(), api, o); err != nil {
				return out, err
			}
		}
		out.Changes = append(out.Changes, one)
	}
	return out, nil
}

// compare looks at a document and at what is in force of its name.
func (c *diffChange) compare(ctx context.Context, api *apiClient, o openslo.Object) error {
	document := strings.TrimSpace(string(streamed(o.Source)))
	after := canonical(o.ObjectRef, document)
	name := fmt.Sprintf("%s:%d", o.File, o.Line)
	if c.Effect == slo.Created {
		c.Diff = unifiedDiff("/dev/null", name, "", after)
		return nil
	}
	var inForce struct {
		Document string
		Revision int
	}
	if err := api.do(ctx, http.MethodGet, pathOf(o.ObjectRef), &inForce); err != nil {
		return err
	}
	before := canonical(o.ObjectRef, inForce.Document)
	c.SameDocument = document == strings.TrimSpace(string(streamed([]byte(inForce.Document))))
	c.Diff = unifiedDiff(fmt.Sprintf("%s, revision %d in force", o.ObjectRef, inForce.Revision), name, before, after)
	return nil
}

// canonical is the canonical form of a document, or the text itself if it has
// none any more. The secrets of a DataSource are hidden in both that are
// compared, as the server hides them.
func canonical(ref slo.ObjectRef, document string) string {
	if ref.Kind == slo.KindDataSource {
		document = web.HideSecrets([]byte(document))
	}
	text, err := openslo.Canonical(ref.String(), []byte(document), openslo.Lenient)
	if err != nil {
		return document
	}
	return string(text)
}

func printDiff(w, warnings io.Writer, out diffOutput, output string) error {
	if output == "json" {
		return printJSON(w, out)
	}
	printFaults(warnings, "warning", out.Warnings)
	unchanged := 0
	for _, c := range out.Changes {
		if c.Effect == slo.Unchanged {
			unchanged++
			continue
		}
		fmt.Fprintln(w, printable(fmt.Sprintf("%s would be %s%s", c.ref(), c.Effect, c.consequence())))
		if c.Diff != "" {
			fmt.Fprintln(w, printableText(strings.TrimSuffix(c.Diff, "\n")))
		}
	}
	_, err := fmt.Fprintf(w, "%s, %d unchanged\n", counted(len(out.Changes)-unchanged, "difference"), unchanged)
	return err
}

// consequence says what a change is about, in words.
func (c diffChange) consequence() string {
	text := ""
	if c.Origin != "" {
		text = " in the server's file " + c.Origin
	}
	switch {
	case c.Follows, c.SameDocument:
		text += ", since it refers to what changes"
	case c.Diff == "" && c.Kind == slo.KindDataSource:
		text += " in what is not shown"
	case c.Diff == "":
		text += " in its form only"
	}
	switch {
	case c.SeriesChange == nil:
		return text
	case !*c.SeriesChange:
		return text + ": it counts the same, its history stays"
	case c.Effect == slo.Created:
		return text + ": it counts from now on, and what the journal holds from before"
	default:
		return text + ": it counts something else, which is recounted from the journal"
	}
}
