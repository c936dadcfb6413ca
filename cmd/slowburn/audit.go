package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/audit"
	"github.com/slowburn-slo/slowburn/slo/indicator"
	"github.com/slowburn-slo/slowburn/storage/journal"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

func newAudit(getenv func(string) string) *cobra.Command {
	var c config
	var output string
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Count again from the journal, and compare with the ledger",
		Long: "Count again from the journal, by a second implementation, and compare every bucket with the ledger.\n\n" +
			"It reads the folder of the journal and the database beside a running Slowburn, and changes nothing;\n" +
			"give it the flags, environment or --config that serve has. If nothing runs, it starts the local database for as long as it needs it.\n" +
			"The exit status is 0 if all is equal and 1 if anything differs or the audit could not be done.",
		Args: noArgs,
	}
	all := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	c.bind(all)
	for _, name := range []string{"config", "data-dir", "database-url", "dedup-horizon", "lateness", "log-level"} {
		cmd.Flags().AddFlag(all.Lookup(name))
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORMAT` of what is printed: text or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if output != "text" && output != "json" {
			return usageError{fmt.Errorf("-o %s: expected text or json", output)}
		}
		if err := c.complete(all, getenv); err != nil {
			return usageError{err}
		}
		logger, err := newLogger(cmd.ErrOrStderr(), c.logLevel)
		if err != nil {
			return usageError{err}
		}
		begin := time.Now()
		report, err := auditOnce(cmd.Context(), c, slog.New(quiet{logger.Handler()}))
		if err != nil {
			return err
		}
		return errors.Join(printAudit(cmd.OutOrStdout(), report, time.Since(begin), output), differs(report))
	}
	return cmd
}

// differs is the error of an audit that counts otherwise than the ledger.
func differs(r audit.Report) error {
	if r.Differing == 0 {
		return nil
	}
	return fmt.Errorf("the ledger differs from the journal in %d of %d buckets", r.Differing, r.Buckets)
}

// unsaved is a ledger to read: a look by hand leaves no verdicts behind.
type unsaved struct{ *postgres.Store }

// SaveAudit implements audit.Ledger.
func (unsaved) SaveAudit(context.Context, slo.Audit, []slo.Notification) error { return nil }

// walkJournal is how audits read the journal of a folder.
func walkJournal(dir string) audit.Walk {
	return func(ctx context.Context, after slo.Offset, visit func(slo.Record) error) error {
		return journal.Walk(dir, after, func(r slo.Record) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return visit(r)
		})
	}
}

// auditOnce audits all that can be.
func auditOnce(ctx context.Context, c config, logger *slog.Logger) (r audit.Report, err error) {
	dir := filepath.Join(c.dataDir, "journal")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("there is no journal in %s: name the data folder with --data-dir", c.dataDir)
	}
	url, stop, err := databaseToRead(ctx, c, logger)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	store, err := postgres.Open(ctx, url, postgres.Options{Logger: logger, MaxConns: 2})
	if err != nil {
		return r, err
	}
	defer store.Close()
	id, err := journalID(dir)
	if err != nil {
		return r, err
	}
	if err := store.Own(ctx, id); err != nil {
		return r, err
	}
	compiler, err := indicator.NewCompiler()
	if err != nil {
		return r, err
	}
	mark, err := readHorizon(dir)
	if err != nil {
		return r, err
	}
	if mark.Horizon != "" && mark.Horizon != c.dedupHorizon.String() {
		return r, fmt.Errorf("the journal is counted with a deduplication horizon of %s, not of %s: give --dedup-horizon %s", mark.Horizon, c.dedupHorizon, mark.Horizon)
	}
	scratch, err := os.MkdirTemp("", "slowburn-audit-*")
	if err != nil {
		return r, fmt.Errorf("make a folder to sort in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	auditor, err := audit.New(audit.Settings{
		Shard: shard, Walk: walkJournal(dir), Ledger: unsaved{store}, Conditions: indicator.NewConditions(compiler),
		Logger: logger, Scratch: scratch, Horizon: c.dedupHorizon, Late: limits().Late, Future: limits().Future,
		Since: mark.Since + 1, Ahead: futureBound,
	})
	if err != nil {
		return r, err
	}
	return auditor.Whole(ctx)
}

// databaseToRead is the address of the database: that of --database-url, that
// of the server that a running Slowburn has started, or one started now, which
// stop ends.
func databaseToRead(ctx context.Context, c config, logger *slog.Logger) (url string, stop func() error, err error) {
	nothing := func() error { return nil }
	if c.databaseURL != "" {
		return c.databaseURL, nothing, nil
	}
	url, running, err := postgres.FindServer(ctx, c.dataDir)
	if err != nil || running {
		return url, nothing, err
	}
	server, err := postgres.StartServer(ctx, postgres.ServerOptions{DataDir: c.dataDir, Logger: logger})
	if err != nil {
		return "", nothing, err
	}
	return server.URL(), func() error {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return server.Stop(ending)
	}, nil
}

// auditOutput is a report as it is printed.
type auditOutput struct {
	Equal       bool               `json:"equal"`
	From        time.Time          `json:"from"`
	To          time.Time          `json:"to"`
	Slices      int64              `json:"slices"`
	Series      []slo.SeriesID     `json:"series"`
	NotAudited  []slo.SeriesID     `json:"not_audited"`
	Buckets     int64              `json:"buckets"`
	Spans       int64              `json:"spans"`
	Repeats     int64              `json:"repeats"`
	Through     slo.Offset         `json:"through"`
	Differing   int64              `json:"differing"`
	Differences []differenceOutput `json:"differences"`
	Seconds     float64            `json:"seconds"`
}

type differenceOutput struct {
	Series  slo.SeriesID `json:"series"`
	Start   time.Time    `json:"start"`
	Ledger  countsOutput `json:"ledger"`
	Recount countsOutput `json:"recount"`
}

type countsOutput struct {
	Good    int64 `json:"good"`
	Bad     int64 `json:"bad"`
	Unknown int64 `json:"unknown"`
}

func newAuditOutput(r audit.Report, took time.Duration) auditOutput {
	o := auditOutput{
		Equal: r.Differing == 0, From: r.From.Start(), To: r.To.Start(), Slices: int64(r.To - r.From),
		Series: append([]slo.SeriesID{}, r.Series...), NotAudited: append([]slo.SeriesID{}, r.Unknown...),
		Buckets: r.Buckets, Spans: r.Spans, Repeats: r.Repeats, Through: r.Through, Differing: r.Differing,
		Differences: []differenceOutput{}, Seconds: took.Seconds(),
	}
	for _, d := range r.Differences {
		o.Differences = append(o.Differences, differenceOutput{
			Series: d.Series, Start: d.Slice.Start(), Ledger: countsOutput(d.Ledger), Recount: countsOutput(d.Recount),
		})
	}
	return o
}

func printAudit(w io.Writer, r audit.Report, took time.Duration, output string) error {
	o := newAuditOutput(r, took)
	if output == "json" {
		return json.NewEncoder(w).Encode(o)
	}
	if o.Slices == 0 {
		_, err := fmt.Fprintln(w, "There is nothing to audit yet"+waitingFor(o.From, r.At))
		return err
	}
	verdict := "all are equal"
	if !o.Equal {
		verdict = fmt.Sprintf("%d differ", o.Differing)
	}
	var errs []error
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(w, format, args...)
		errs = append(errs, err)
	}
	say("Recounted %d spans up to record %d in %.1f s, %d of them repeats of counted ones.\n", o.Spans, o.Through, o.Seconds, o.Repeats)
	say("Compared %d buckets of %d series in %d slices, %s to %s: %s.\n",
		o.Buckets, len(o.Series), o.Slices, o.From.Format(time.RFC3339), o.To.Format(time.RFC3339), verdict)
	for _, d := range o.Differences {
		say("  %s at %s: ledger %s, recount %s\n", d.Series, d.Start.Format(time.RFC3339), d.Ledger, d.Recount)
	}
	if more := o.Differing - int64(len(o.Differences)); more > 0 {
		say("  and %d more\n", more)
	}
	for _, id := range o.NotAudited {
		say("Not audited: series %s, what it means or for which records it was counted is not known any more.\n", id)
	}
	return errors.Join(errs...)
}

// waitingFor ends the sentence that there is nothing to audit: it says until
// when, if all that is in the journal may repeat what is not in it any more.
func waitingFor(first, now time.Time) string {
	if !first.After(now) {
		return "."
	}
	return fmt.Sprintf(": the oldest records are not in the journal any more, and what arrived since may repeat them."+
		" The first events that can be compared are those from %s on.", first.Format(time.RFC3339))
}

// String is how counts are read.
func (c countsOutput) String() string {
	return fmt.Sprintf("%d good, %d bad, %d unknown", c.Good, c.Bad, c.Unknown)
}
