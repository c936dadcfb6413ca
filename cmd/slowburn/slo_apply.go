package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/slo"
)

func newSLOApply(getenv func(string) string) *cobra.Command {
	var api apiClient
	var strict, dry, retire bool
	var output string
	cmd := &cobra.Command{
		Use:   "apply FILE...",
		Short: "Bring OpenSLO documents into force, all of them or none",
		Long: "Bring the documents of all files into force as one change: all of them, or none if anything is wrong.\n\n" +
			"What is in force already makes no new revision; SLOs that refer to what changes change with it. What is in none of the\n" +
			"files stays in force (slowburn slo delete ends it). What the server has from files of its own (--slos) is read-only.",
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			d := readDocuments(args, cmd.InOrStdin(), strict)
			if err := refuseBroken(cmd, d, output); err != nil {
				return err
			}
			applied, err := sendDocuments(cmd.Context(), &api, d, sending{strict: strict, dry: dry, retireNow: retire})
			if err != nil {
				return refusedByServer(cmd, err, output)
			}
			return printApplied(cmd.OutOrStdout(), cmd.ErrOrStderr(), applied, output)
		},
	}
	api.bindServer(cmd, getenv)
	cmd.Flags().BoolVar(&strict, "strict", false, "read as the SDK of OpenSLO does: dialects are errors, not warnings")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "change nothing, only say what would change")
	cmd.Flags().BoolVar(&retire, "retire-now", false,
		"judge every tier by what is measured now at once, where that was edited, and not when it covers the tier's look-back")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// appliedOutput is what documents did, or would do.
type appliedOutput struct {
	DryRun   bool            `json:"dry_run"`
	Changes  []changeOutput  `json:"changes"`
	Warnings []documentFault `json:"warnings"`
	// Errors are there if the server refuses: then nothing was done.
	Errors []documentFault `json:"errors"`
	// Notes are there if the documents were not sent, since some are broken: what
	// the server might refuse as well.
	Notes []documentFault `json:"notes,omitempty"`
}

// changeOutput is one object. File and Line are empty for one that follows
// what it refers to.
type changeOutput struct {
	Kind         slo.Kind   `json:"kind"`
	Name         string     `json:"name"`
	Effect       slo.Effect `json:"effect"`
	Follows      bool       `json:"follows"`
	SeriesChange *bool      `json:"series_change"`
	File         string     `json:"file"`
	Line         int        `json:"line"`
	// Origin is the file of the server that has it, empty for none.
	Origin string `json:"origin"`
}

func (c changeOutput) ref() slo.ObjectRef { return slo.ObjectRef{Kind: c.Kind, Name: c.Name} }

// refusedError is a refusal of documents, at their places in the files.
type refusedError struct {
	apiError
}

// sending says how documents are sent.
type sending struct{ strict, dry, retireNow, ofFiles bool }

// sendDocuments sends all documents in one request.
func sendDocuments(ctx context.Context, api *apiClient, d *documents, s sending) (appliedOutput, error) {
	request, err := newSLORequest(d.objects, s.strict)
	if err != nil {
		return appliedOutput{}, err
	}
	query := url.Values{"strict": {strconv.FormatBool(s.strict)}, "dry_run": {strconv.FormatBool(s.dry)}}
	if s.retireNow {
		query.Set("retire_now", "true")
	}
	if s.ofFiles {
		query.Set("of_files", "true")
	}
	answer := appliedOutput{DryRun: s.dry}
	err = api.send(ctx, http.MethodPost, "/api/v1/slos?"+query.Encode(), request.body, &answer)
	if refused, ok := errors.AsType[apiError](err); ok && len(refused.faults) > 0 {
		refused.faults = request.allHome(refused.faults)
		return answer, refusedError{refused}
	}
	if err != nil {
		return answer, err
	}
	places := map[slo.ObjectRef]int{}
	for i, o := range d.objects {
		places[o.ObjectRef] = i
	}
	for i := range answer.Changes {
		c := &answer.Changes[i]
		if at, given := places[c.ref()]; given && !c.Follows {
			c.File, c.Line = d.objects[at].File, d.objects[at].Line
		}
	}
	answer.Warnings, answer.Errors = request.allHome(answer.Warnings), []documentFault{}
	return answer, nil
}

// refuseBroken prints what is known to be wrong with documents that are not sent
// since some are broken. Notes are faults to a server, or depend on what it has.
func refuseBroken(cmd *cobra.Command, d *documents, output string) error {
	if len(d.errors) == 0 {
		return nil
	}
	if err := d.check(); err != nil {
		return err
	}
	return refuseFaults(cmd, faultsOf(d.errors), faultsOf(d.notes), output)
}

// refusedByServer prints the faults that the server found.
func refusedByServer(cmd *cobra.Command, err error, output string) error {
	refused, ok := errors.AsType[refusedError](err)
	if !ok {
		return err
	}
	return refuseFaults(cmd, refused.faults, nil, output)
}

func refuseFaults(cmd *cobra.Command, faults, notes []documentFault, output string) error {
	if output == "json" {
		out := appliedOutput{Changes: []changeOutput{}, Warnings: []documentFault{}, Errors: faults, Notes: notes}
		return errors.Join(printJSON(cmd.OutOrStdout(), out), statusError{status: 1})
	}
	printFaults(cmd.ErrOrStderr(), "", faults)
	printFaults(cmd.ErrOrStderr(), "note", notes)
	return fmt.Errorf("nothing was done: the documents have %s", counted(len(faults), "error"))
}

func printFaults(w io.Writer, word string, faults []documentFault) {
	for _, f := range faults {
		printFindings(w, word, []slo.DocumentError{slo.DocumentError(f)})
	}
}

func printApplied(w, warnings io.Writer, a appliedOutput, output string) error {
	if output == "json" {
		return printJSON(w, a)
	}
	printFaults(warnings, "warning", a.Warnings)
	would := ""
	if a.DryRun {
		would = "would be "
	}
	count := map[slo.Effect]int{}
	followed := 0
	for _, c := range a.Changes {
		where := ""
		switch {
		case c.Follows:
			followed++
			where = " (it refers to what changes)"
		default:
			count[c.Effect]++
			where = fmt.Sprintf(" (%s:%d)", c.File, c.Line)
		}
		fmt.Fprintln(w, printable(fmt.Sprintf("%s %s%s%s%s", c.ref(), would, c.Effect, where, c.recount())))
	}
	_, err := fmt.Fprintf(w, "%d created, %d changed, %d unchanged, %d followed%s\n",
		count[slo.Created], count[slo.Changed], count[slo.Unchanged], followed, map[bool]string{true: "; a dry run, nothing was done"}[a.DryRun])
	return err
}

// recount says of an SLO in force what becomes of its history.
func (c changeOutput) recount() string {
	if c.Effect == slo.Changed && c.SeriesChange != nil && *c.SeriesChange {
		return ": it counts something else, which is recounted from the journal"
	}
	return ""
}
