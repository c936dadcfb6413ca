package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/examples/shop"
)

// orderTimeout is how long the running demo may take to answer.
const orderTimeout = 5 * time.Second

// remote is how the subcommands reach the demo that runs.
type remote struct{ listen, output string }

func (r *remote) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.listen, "listen", consoleAddress, "`ADDRESS` of the running demo's page")
	cmd.Flags().StringVarP(&r.output, "output", "o", "text", "text or json")
}

func newDemoBreak() *cobra.Command {
	var r remote
	var order shop.Order
	var errorShare string
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:     "break SERVICE",
		Short:   "Break a service of the running demo",
		Example: "  slowburn demo break payments --errors 20%\n  slowburn demo break catalog --latency 800ms --for 5m",
		Args:    oneArg,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			order.Service = args[0]
			if order.Errors, err = parseShare(errorShare); err != nil {
				return usageError{err}
			}
			if lasts > 0 {
				order.Until = time.Now().Add(lasts)
			}
			return r.send(cmd.Context(), "/break", order, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&errorShare, "errors", "", "`SHARE` of its requests that fail: 20% or 0.2")
	f.DurationVar(&order.Latency, "latency", 0, "`DURATION` that each of its requests takes longer")
	f.BoolVar(&order.Outage, "outage", false, "let all of its requests fail")
	f.BoolVar(&order.Silence, "silence", false, "keep its telemetry back")
	f.DurationVar(&lasts, "for", 0, "`DURATION` after which it heals by itself")
	r.bind(cmd)
	return cmd
}

func newDemoHeal() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "heal [SERVICE]",
		Short: "Mend a service of the running demo, or all of them",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneArg(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.send(cmd.Context(), "/heal", shop.Order{Service: strings.Join(args, "")}, cmd.OutOrStdout())
		},
	}
	r.bind(cmd)
	return cmd
}

func newDemoStatus() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say what is broken in the running demo",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.ask(cmd.Context(), http.MethodGet, "/status", nil, cmd.OutOrStdout())
		},
	}
	r.bind(cmd)
	return cmd
}

// oneArg wants exactly one argument.
func oneArg(cmd *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	}
	return nil
}

// parseShare reads "20%" or "0.2"; empty is none.
func parseShare(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		value /= 100
	}
	if err != nil || !(value >= 0 && value <= 1) {
		return 0, fmt.Errorf("--errors %q: write a share from 0%% to 100%%, as in 20%% or 0.2", text)
	}
	return value, nil
}

func (r *remote) send(ctx context.Context, path string, order shop.Order, out io.Writer) error {
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return r.ask(ctx, http.MethodPost, path, body, out)
}

// ask sends a request to the running demo and prints its status.
func (r *remote) ask(ctx context.Context, method, path string, body []byte, out io.Writer) error {
	if r.output != "text" && r.output != "json" {
		return usageError{fmt.Errorf("--output %q: write text or json", r.output)}
	}
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+r.listen+path, bytes.NewReader(body))
	if err != nil {
		return usageError{fmt.Errorf("--listen %s: %w", r.listen, err)}
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("no demo answers at %s: start one with `slowburn demo` (%w)", r.listen, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the demo's answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(text)))
	}
	if r.output == "json" {
		_, err := out.Write(text)
		return err
	}
	var status shop.Status
	if err := json.Unmarshal(text, &status); err != nil {
		return fmt.Errorf("read the demo's answer: %w", err)
	}
	if len(status.Services) == 0 {
		fmt.Fprintln(out, "every service is healthy")
	}
	for _, name := range slices.Sorted(maps.Keys(status.Services)) {
		fmt.Fprintf(out, "%s: %s\n", name, status.Services[name])
	}
	return nil
}
