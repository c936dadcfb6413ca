package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// recountState is what the API says of a recount.
type recountState struct {
	SLO     string  `json:"slo"`
	Through *string `json:"through"`
	Oldest  *string `json:"oldest"`
	Running bool    `json:"running"`
	Done    bool    `json:"done"`
	Spans   int64   `json:"spans"`
	Error   *string `json:"error"`
}

func newRecount() *cobra.Command {
	var api apiClient
	var wait bool
	var output string
	cmd := &cobra.Command{
		Use:   "recount NAME",
		Short: "Count what the journal holds from before an objective existed",
		Long: "Count what the journal holds from before an objective existed, as far back as it reaches.\n\n" +
			"Slowburn does this by itself for every new or changed objective; this command says how far it has got,\n" +
			"starts it again after trouble, and waits for it with --wait.",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "text" && output != "json" {
				return usageError{fmt.Errorf("-o %s: expected text or json", output)}
			}
			return runRecount(cmd.Context(), api, args[0], wait, func(s recountState) error {
				return printRecount(cmd.OutOrStdout(), s, output)
			})
		},
	}
	api.bind(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until all is recounted that the journal holds")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT` of what is printed: text or json")
	return cmd
}

// runRecount starts a recount, and follows it if it is to wait.
func runRecount(ctx context.Context, api apiClient, name string, wait bool, show func(recountState) error) error {
	path := "/api/v1/slos/" + url.PathEscape(name) + "/recount"
	var state recountState
	if err := api.do(ctx, http.MethodPost, path, &state); err != nil {
		return err
	}
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for wait && !state.Done {
		if state.Error != nil && !state.Running {
			return fmt.Errorf("the recount of %s was held up: %s", name, *state.Error)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		if err := api.do(ctx, http.MethodGet, path, &state); err != nil {
			return err
		}
	}
	return show(state)
}

func printRecount(w io.Writer, s recountState, output string) error {
	if output == "json" {
		return json.NewEncoder(w).Encode(s)
	}
	through, oldest := "now", "unknown"
	if s.Through != nil {
		through = *s.Through
	}
	if s.Oldest != nil {
		oldest = *s.Oldest
	}
	word := "waits"
	switch {
	case s.Done:
		word = "is complete"
	case s.Running:
		word = "is running"
	}
	_, err := fmt.Fprintf(w, "The recount of %s %s: all is counted from %s on; the journal reaches back to %s. %d spans were judged again.\n",
		s.SLO, word, through, oldest, s.Spans)
	if s.Error != nil && err == nil {
		_, err = fmt.Fprintf(w, "It is held up: %s\n", *s.Error)
	}
	return err
}
