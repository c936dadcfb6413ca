package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// resetOutput is what the API answers a reset with.
type resetOutput struct {
	SLO    string `json:"slo"`
	Resets []struct {
		Objective int    `json:"objective"`
		At        string `json:"at"`
		Reason    string `json:"reason"`
	} `json:"resets"`
}

func newSLOReset(getenv func(string) string) *cobra.Command {
	var api apiClient
	var output, reason string
	var objective int
	cmd := &cobra.Command{
		Use:   "reset NAME --reason TEXT",
		Short: "Begin the budget of an SLO anew",
		Long: "Begin the budget of an SLO anew, now: what was spent before no longer counts. Nothing is deleted: charts show it, look-backs and\n" +
			"their alerts are not touched, and the reset is listed with its reason. Without --objective all objectives of the SLO are reset.",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			if strings.TrimSpace(reason) == "" {
				return usageError{errors.New("--reason is required: it is shown and logged with the reset")}
			}
			request := map[string]any{"reason": reason}
			if cmd.Flags().Changed("objective") {
				request["objective"] = objective
			}
			body, err := json.Marshal(request)
			if err != nil {
				return err
			}
			var out resetOutput
			if err := api.send(cmd.Context(), http.MethodPost, "/api/v1/slos/"+url.PathEscape(args[0])+"/reset", body, &out); err != nil {
				return err
			}
			if output == "json" {
				return printJSON(cmd.OutOrStdout(), out)
			}
			for _, r := range out.Resets {
				fmt.Fprintf(cmd.OutOrStdout(), "%s objective %d: reset at %s, its budget begins with the next whole minute\n", printable(out.SLO), r.Objective, printable(r.At))
			}
			return nil
		},
	}
	api.bindServer(cmd, getenv)
	outputFlag(cmd, &output, "text", "json")
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` why the budget is reset; required")
	cmd.Flags().IntVar(&objective, "objective", 0, "`INDEX` of the one objective to reset; all if not given")
	return cmd
}
