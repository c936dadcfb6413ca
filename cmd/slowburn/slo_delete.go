package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/slo"
)

func newSLODelete(getenv func(string) string) *cobra.Command {
	var api apiClient
	var output string
	cmd := &cobra.Command{
		Use:   "delete NAME...",
		Short: "End SLOs, or with KIND/NAME other objects",
		Long: "End SLOs, or with KIND/NAME, as in SLI/checkout, objects of other kinds. What was counted stays in the database.\n\n" +
			"All end together, in one change, what refers and what it refers to alike. What something that stays refers to, and what\n" +
			"comes from a file of the server, is refused by name; the others end all the same, and the exit status is 1.",
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			refs, err := refsOf(args)
			if err != nil {
				return err
			}
			var out deletedOutput
			for part := range slices.Chunk(refs, maxDeleted) {
				body, err := json.Marshal(map[string]any{"objects": part})
				if err != nil {
					return err
				}
				var ended deletedOutput
				if err := api.send(cmd.Context(), http.MethodPost, "/api/v1/delete", body, &ended); err != nil {
					return errors.Join(printDeleted(cmd.OutOrStdout(), cmd.ErrOrStderr(), out, output), err)
				}
				out.Objects = append(out.Objects, ended.Objects...)
			}
			return printDeleted(cmd.OutOrStdout(), cmd.ErrOrStderr(), out, output)
		},
	}
	api.bindServer(cmd, getenv)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// maxDeleted is how many objects one request ends: as many as its body holds,
// of at most 1 MiB, whatever their names.
const maxDeleted = 3_000

// refsOf reads the arguments, in an order in which what refers ends before what
// it refers to.
func refsOf(args []string) ([]slo.ObjectRef, error) {
	order := []slo.Kind{
		slo.KindSLO, slo.KindAlertPolicy, slo.KindAlertCondition, slo.KindAlertNotificationTarget, slo.KindSLI, slo.KindDataSource, slo.KindService,
	}
	var refs []slo.ObjectRef
	for _, arg := range args {
		ref, err := refOf(arg)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	slices.SortStableFunc(refs, func(a, b slo.ObjectRef) int {
		return cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind))
	})
	return refs, nil
}

// deletedOutput is what became of each object.
type deletedOutput struct {
	Objects []deletedObject `json:"objects"`
}

type deletedObject struct {
	slo.ObjectRef

	Deleted bool   `json:"deleted"`
	Error   string `json:"error,omitempty"`
}

// printDeleted returns an error if anything was refused.
func printDeleted(w, faults io.Writer, out deletedOutput, output string) error {
	refused := 0
	for _, o := range out.Objects {
		switch {
		case !o.Deleted:
			refused++
			if output == "text" {
				fmt.Fprintln(faults, printableText(o.Error))
			}
		case output == "text":
			fmt.Fprintln(w, printable(o.String()), "deleted")
		}
	}
	if output == "json" {
		if err := printJSON(w, out); err != nil {
			return err
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d of %s could not be deleted", refused, counted(len(out.Objects), "object"))
	}
	return nil
}
