package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newSLOValidate() *cobra.Command {
	var strict bool
	var output string
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check OpenSLO documents, without a server",
		Long: "Check OpenSLO documents, without a server: every document is read, SLOs are put together from what they refer to, and\n" +
			"conditions are compiled, as slowburn slo apply would. All faults of all files are told at once, one a line: what is wrong with\n" +
			"one field or document hides nothing that is wrong with others.\n\n" +
			"A reference to what is in none of the files, and a source of a type that is not measured here, are notes: whether they\n" +
			"are faults depends on the server. The exit status is 0 without errors, 1 with errors, and 2 for wrong usage.",
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			d := readDocuments(args, cmd.InOrStdin(), strict)
			if err := d.check(); err != nil {
				return err
			}
			if err := printChecked(cmd.OutOrStdout(), d, output); err != nil {
				return err
			}
			if len(d.errors) > 0 {
				return statusError{status: 1}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "read as the SDK of OpenSLO does: dialects are errors, not warnings")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// checkedOutput is what was found, as it is printed.
type checkedOutput struct {
	Files    int             `json:"files"`
	Objects  int             `json:"objects"`
	Errors   []documentFault `json:"errors"`
	Warnings []documentFault `json:"warnings"`
	Notes    []documentFault `json:"notes"`
}

func printChecked(w io.Writer, d *documents, output string) error {
	if output == "json" {
		return printJSON(w, checkedOutput{
			Files: len(d.files), Objects: d.sound(),
			Errors: faultsOf(d.errors), Warnings: faultsOf(d.warnings), Notes: faultsOf(d.notes),
		})
	}
	printFindings(w, "", d.errors)
	printFindings(w, "warning", d.warnings)
	printFindings(w, "note", d.notes)
	_, err := fmt.Fprintf(w, "%s, %s: %s, %s, %s\n", counted(len(d.files), "file"), counted(d.sound(), "object"),
		counted(len(d.errors), "error"), counted(len(d.warnings), "warning"), counted(len(d.notes), "note"))
	return err
}
