package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
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

// apiClient calls a running Slowburn.
type apiClient struct{ url, tokenFile string }

func (a *apiClient) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.url, "api", "http://127.0.0.1:8080", "`URL` of the page and API of a running Slowburn")
	cmd.Flags().StringVar(&a.tokenFile, "api-token-file", "", "`FILE` with a token for it in its first line")
}

// do calls an address of the API and reads its answer.
func (a *apiClient) do(ctx context.Context, method, path string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.url, "/")+path, nil)
	if err != nil {
		return usageError{fmt.Errorf("--api: %w", err)}
	}
	if a.tokenFile != "" {
		content, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return fmt.Errorf("--api-token-file: %w", err)
		}
		first, _, _ := strings.Cut(string(content), "\n")
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(first))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("reach Slowburn at %s (is it running? --api names another address): %w", a.url, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", a.url, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		var problem struct{ Title, Detail string }
		if json.Unmarshal(body, &problem) == nil && problem.Detail != "" {
			return errors.New(problem.Detail)
		}
		return fmt.Errorf("%s answered %s", a.url, response.Status)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", a.url, err)
	}
	return nil
}
