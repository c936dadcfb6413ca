package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newSLO(getenv func(string) string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "slo",
		Short: "Check, format, apply, compare and show OpenSLO documents",
		Long: "Check, format, apply, compare and show OpenSLO documents, and try what they would do.\n\n" +
			"validate, fmt, test, import and export read files and need no server; apply, diff, get, delete, backtest and reset talk to a running Slowburn.\n" +
			"A FILE is a file, a folder (every *.yaml, *.yml and *.json in it, at any depth), or - for standard input.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSLOValidate(), newSLOFmt(), newSLOApply(getenv), newSLODiff(getenv), newSLOGet(getenv), newSLODelete(getenv),
		newSLOTest(), newSLOBacktest(getenv), newSLOReset(getenv), newSLOImport(), newSLOExport())
	return cmd
}

// someArgs refuses a call without arguments as wrong usage.
func someArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.MinimumNArgs(1)(cmd, args); err != nil {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	}
	return nil
}

// outputFlag adds -o with the formats, of which the first is the default.
func outputFlag(cmd *cobra.Command, output *string, formats ...string) {
	cmd.Flags().StringVarP(output, "output", "o", formats[0], "`FORMAT` of what is printed: "+choice(formats))
}

// checkOutput refuses a format that is none of those.
func checkOutput(output string, formats ...string) error {
	if slices.Contains(formats, output) {
		return nil
	}
	return usageError{fmt.Errorf("-o %s: expected %s", output, choice(formats))}
}

// choice is "text, yaml or json".
func choice(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// counted is "1 file" or "2 files".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// trouble is an error of a command whose exit status 1 means something else:
// it ends with 2, like that of wrong usage.
func trouble(err error) error {
	if _, usage := errors.AsType[usageError](err); usage || err == nil {
		return err
	}
	if _, own := errors.AsType[statusError](err); own {
		return statusError{status: 2}
	}
	return statusError{status: 2, err: err}
}
