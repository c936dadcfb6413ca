package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/convert"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

func newSLOExport() *cobra.Command {
	var scrape time.Duration
	var strict bool
	cmd := &cobra.Command{
		Use:   "export FILE...",
		Short: "Write objectives as alerting rules for a Prometheus of your own",
		Long: "Write objectives as recording and alerting rules for a Prometheus of your own, to standard output: one alert a tier, so\n" +
			"that an alert says which one fired. The rules read slowburn_events_total, which a running Slowburn serves at /metrics.\n\n" +
			"Prometheus extrapolates between scrapes and sees no event twice or late: its figures come near those of Slowburn, and\n" +
			"are not equal to them. The fast tier looks back two scrapes instead of 10s where that is more; what is not in the file, or\n" +
			"otherwise, is said in comments on top. Time slices, composites and conditions other than burn rates are refused.",
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if scrape < time.Second || scrape > maxScrape {
				return usageError{fmt.Errorf("--scrape %s: expected 1s to %s, since no page could come in time otherwise", scrape, maxScrape)}
			}
			d := readDocuments(args, cmd.InOrStdin(), strict)
			if err := refuseBroken(cmd, d, "text"); err != nil {
				return err
			}
			sources, err := d.ruleSources(scrape)
			if len(d.errors) > 0 {
				d.sort()
				return refuseFaults(cmd, faultsOf(d.errors), nil, "text")
			}
			if err != nil {
				return err
			}
			rules, err := convert.PrometheusRules(sources)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(rules)
			return err
		},
	}
	cmd.Flags().DurationVar(&scrape, "scrape", 30*time.Second, "how often that Prometheus reads /metrics; tiers that need it more often look back longer, or are left out")
	cmd.Flags().BoolVar(&strict, "strict", false, "read the documents without dialects")
	return cmd
}

// maxScrape is half of the short look-back of the slowest page.
const maxScrape = 15 * time.Minute

// ruleSources are all objectives of the documents; what is wrong with a document
// is kept with them.
func (d *documents) ruleSources(scrape time.Duration) ([]convert.RuleSource, error) {
	given := map[slo.ObjectRef]openslo.Object{}
	for _, o := range d.objects {
		given[o.ObjectRef] = o
	}
	find := func(ref slo.ObjectRef) (openslo.Object, bool) { o, found := given[ref]; return o, found }
	var sources []convert.RuleSource
	var wrong []error
	for _, o := range d.objects {
		if o.Kind != slo.KindSLO {
			continue
		}
		definition, warnings, err := openslo.Resolve(o, find)
		d.warnings = append(d.warnings, warnings...)
		if err != nil {
			d.errors = append(d.errors, faultsIn(err, o.File)...)
			continue
		}
		for i := range definition.Objectives {
			source, err := convert.SourceOf(definition, i, scrape)
			if err != nil {
				wrong = append(wrong, err)
				break
			}
			sources = append(sources, source)
		}
	}
	if len(sources) == 0 && len(wrong) == 0 {
		return nil, errors.New("the files hold no SLO: nothing is to be exported")
	}
	return sources, errors.Join(wrong...)
}
