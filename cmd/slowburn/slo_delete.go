package main

import (
	"cmp"
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
			"Each ends by itself, SLOs first, then what they referred to. What something still refers to, and what comes from a file of\n" +
			"the server, is refused by name; the others end all the same, and the exit status is 1.",
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
			for _, ref := range refs {
				one := deletedObject{ObjectRef: ref, Deleted: true}
				if err := api.do(cmd.Context(), http.MethodDelete, pathOf(ref), nil); err != nil {
					if _, refused := errors.AsType[apiError](err); !refused {
						return errors.Join(printDeleted(cmd.OutOrStdout(), cmd.ErrOrStderr(), out, output), err)
					}
					one.Deleted, one.Error = false, err.Error()
				}
				out.Objects = append(out.Objects, one)
			}
			return printDeleted(cmd.OutOrStdout(), cmd.ErrOrStderr(), out, output)
		},
	}
	api.bindServer(cmd, getenv)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

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
				fmt.Fprintln(faults, o.Error)
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
