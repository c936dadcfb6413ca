// Command slowburn is the whole platform in one binary: it takes in OTLP,
// counts objectives exactly, and pages before a budget is gone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/internal/buildinfo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // A second signal ends the process at once.
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// usageError is a call that was written wrongly: exit status 2.
type usageError struct{ error }

// statusError ends a command with an exit status of its own. Without an err,
// what there is to say was printed already.
type statusError struct {
	status int
	err    error
}

// Error implements error.
func (e statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

// Unwrap returns what is wrong.
func (e statusError) Unwrap() error { return e.err }

// execute runs one command and returns the exit status: 0, 1 for a failure,
// 2 for wrong usage.
func execute(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(getenv)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	own, hasOwn := errors.AsType[statusError](err)
	if !hasOwn || own.err != nil {
		fmt.Fprintln(stderr, "slowburn:", err)
	}
	if hasOwn {
		return own.status
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}

func newRoot(getenv func(string) string) *cobra.Command {
	root := &cobra.Command{
		Use:           "slowburn",
		Version:       buildinfo.Version(),
		Short:         "SLOs from OpenTelemetry, counted exactly",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newServe(getenv), newRecount(), newAudit(getenv), newDemo(), newSLO(getenv), newVersion())
	return root
}

// noArgs refuses arguments as wrong usage.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	}
	return nil
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "slowburn", buildinfo.Version())
			return err
		},
	}
}
