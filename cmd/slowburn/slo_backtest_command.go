package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/internal/slotest"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/exclusion"
	"github.com/slowburn-slo/slowburn/slo/openslo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// backtest is what slo backtest is asked for.
type backtest struct {
	api                          apiClient
	since, output                string
	policies, incidents, buckets []string
	documents                    []string
	leastLost                    float64
}

func newSLOBacktest(getenv func(string) string) *cobra.Command {
	var b backtest
	cmd := &cobra.Command{
		Use:   "backtest NAME",
		Short: "Try alert policies on what an SLO has counted, and compare them",
		Long: "Try alert policies on what an SLO has counted: what each would have told, of which incidents, how soon, and how often in vain.\n\n" +
			"It reads the counts of a running Slowburn, or --buckets, files with the answers of GET /api/v1/slos/NAME/buckets, beside\n" +
			"--openslo, files with the SLO. The SLO's own policies, the default one, and all AlertPolicies of each --policy are tried.\n" +
			"Without --incident, incidents are found: stretches that burned at twice the budget or more and cost --least-lost of it.",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(1)(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(b.output, "table", "json"); err != nil {
				return err
			}
			tried, err := b.run(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if b.output == "json" {
				return printJSON(cmd.OutOrStdout(), newBacktestOutput(tried))
			}
			return printBacktest(cmd.OutOrStdout(), tried)
		},
	}
	b.api.bindServer(cmd, getenv)
	flags := cmd.Flags()
	flags.StringVar(&b.since, "since", "90d", "how far back to go: `TIME` such as 90d, 12h")
	flags.StringArrayVar(&b.policies, "policy", nil, "`FILE` with AlertPolicies (OpenSLO) that are tried together; may be repeated")
	flags.StringArrayVar(&b.incidents, "incident", nil, "`FROM/TO` of a time in which something was wrong, in RFC 3339; TO may be a length, as 45m; may be repeated")
	flags.Float64Var(&b.leastLost, "least-lost", simulate.LeastLost, "`SHARE` of a window's budget that a stretch cost to be found as an incident")
	flags.StringArrayVar(&b.buckets, "buckets", nil, "`FILE` with counts (JSON as the API gives it) instead of those of the server; may be repeated")
	flags.StringArrayVar(&b.documents, "openslo", nil, "`FILE` with the SLO and what it refers to, instead of those of the server; may be repeated")
	outputFlag(cmd, &b.output, "table", "json")
	return cmd
}

// tried is what a backtest has found, of which SLO, over what.
type tried struct {
	simulate.Report

	slo     string
	before  []spliced
	leftOut time.Time
}

func (b *backtest) run(ctx context.Context, name string) (tried, error) {
	var none tried
	since, err := slo.ParseDuration(b.since)
	if err != nil {
		return none, usageError{fmt.Errorf("--since: %w", err)}
	}
	if since > simulate.MaxRange {
		return none, usageError{fmt.Errorf("--since: at most %s", slo.FormatDuration(simulate.MaxRange))}
	}
	incidents, err := incidentsOf(b.incidents)
	if err != nil {
		return none, usageError{err}
	}
	if len(b.documents) > 0 && len(b.buckets) == 0 {
		return none, usageError{errors.New("--openslo goes with --buckets: what a server has counted belongs to its own SLO")}
	}
	shelf := shelf{ctx: ctx, api: &b.api, local: len(b.documents) > 0}
	if err := shelf.read(b.documents); err != nil {
		return none, err
	}
	object, err := shelf.slo(name)
	if err != nil {
		return none, err
	}
	definition, err := shelf.resolve(object)
	if err != nil {
		return none, err
	}
	if !(b.leastLost > 0 && b.leastLost <= 1000) {
		return none, usageError{fmt.Errorf("--least-lost %g: expected a share of a budget above 0, as in 0.02", b.leastLost)}
	}
	candidates := simulate.Candidates(definition)
	for _, file := range b.policies {
		policy, err := shelf.policy(file, object)
		if err != nil {
			return none, err
		}
		candidates = append(candidates, policy)
	}
	r, err := b.counts(ctx, definition, since)
	if err != nil {
		return none, err
	}
	report, err := simulate.Backtest(definition, candidates, r.series, simulate.BacktestOptions{
		From: r.from, To: r.to, Incidents: incidents, LeastLost: b.leastLost, Expand: exclusion.Expand,
	})
	return tried{Report: report, slo: definition.Name, before: r.before, leftOut: r.leftOut}, err
}

// incidentsOf reads FROM/TO and FROM/LENGTH.
func incidentsOf(texts []string) ([]simulate.Incident, error) {
	var all []simulate.Incident
	for _, text := range texts {
		begin, end, found := strings.Cut(text, "/")
		from, err := time.Parse(time.RFC3339, begin)
		if err != nil || !found {
			return nil, fmt.Errorf("--incident %q: write FROM/TO, as in 2026-01-05T09:00:00Z/2026-01-05T09:30:00Z, or 2026-01-05T09:00:00Z/30m", text)
		}
		to, err := time.Parse(time.RFC3339, end)
		if err != nil {
			length, lengthErr := time.ParseDuration(end)
			if lengthErr != nil {
				return nil, fmt.Errorf("--incident %q: %q is neither an instant nor a length such as 30m", text, end)
			}
			to = from.Add(length)
		}
		if !from.Before(to) {
			return nil, fmt.Errorf("--incident %q: it ends where it begins, or before", text)
		}
		all = append(all, simulate.Incident{From: from.UTC(), To: to.UTC()})
	}
	return all, nil
}

// shelf holds OpenSLO objects: those of files, and those of the server as they
// are asked for.
type shelf struct {
	ctx     context.Context //nolint:containedctx // It lives as long as one call of the command.
	api     *apiClient
	local   bool
	objects []openslo.Object
}

func (s *shelf) read(files []string) error {
	for _, file := range files {
		objects, err := slotest.Read(file)
		if err != nil {
			return err
		}
		s.objects = append(s.objects, objects...)
	}
	return nil
}

// slo is the SLO of a name.
func (s *shelf) slo(name string) (openslo.Object, error) {
	ref := slo.ObjectRef{Kind: slo.KindSLO, Name: name}
	if s.local {
		if o, ok := s.find(ref); ok {
			return o, nil
		}
		return openslo.Object{}, fmt.Errorf("--openslo: no SLO has the name %s", strconv.Quote(name))
	}
	return s.fetch(ref)
}

// find looks an object up among those known, and then on the server.
func (s *shelf) find(ref slo.ObjectRef) (openslo.Object, bool) {
	for _, o := range s.objects {
		if o.ObjectRef == ref {
			return o, true
		}
	}
	if s.local {
		return openslo.Object{}, false
	}
	o, err := s.fetch(ref)
	return o, err == nil
}

// fetch reads an object from the server.
func (s *shelf) fetch(ref slo.ObjectRef) (openslo.Object, error) {
	var answer struct{ Document string }
	if err := s.api.do(s.ctx, "GET", pathOf(ref), &answer); err != nil {
		return openslo.Object{}, err
	}
	objects, _, err := openslo.Parse(ref.String(), []byte(answer.Document), openslo.Lenient)
	if err != nil {
		return openslo.Object{}, err
	}
	for _, o := range objects {
		if o.ObjectRef == ref {
			s.objects = append(s.objects, o)
			return o, nil
		}
	}
	return openslo.Object{}, fmt.Errorf("%s does not hold %s", s.api.url, ref)
}

func (s *shelf) resolve(o openslo.Object) (slo.SLO, error) {
	definition, _, err := openslo.Resolve(o, s.find)
	return definition, err
}
