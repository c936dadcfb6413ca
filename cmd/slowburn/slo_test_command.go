package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/internal/slotest"
)

func newSLOTest() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Test objectives against recorded telemetry or a scenario",
		Long: "Test objectives against recorded telemetry or a scenario: what is left of the budget, how they stand, who is paged, and when.\n\n" +
			"A FILE (YAML) names an OpenSLO document, what happens, and what is expected; docs/testing-objectives.md has all of it.\n" +
			"No server is needed. The exit status is 0 if all expectations are met, 1 if one is not, and 2 if a file is wrong.",
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			formats := map[string]func(io.Writer, []slotest.Report) error{"text": slotest.Write, "json": slotest.WriteJSON, "junit": slotest.WriteJUnit}
			if err := checkOutput(output, "text", "json", "junit"); err != nil {
				return err
			}
			var reports []slotest.Report
			failed := 0
			for _, file := range args {
				some, err := slotest.Run(file)
				if err != nil {
					return trouble(err)
				}
				for _, r := range some {
					failed += r.Failed()
				}
				reports = append(reports, some...)
			}
			if err := formats[output](cmd.OutOrStdout(), reports); err != nil {
				return trouble(err)
			}
			if failed > 0 {
				return statusError{status: 1}
			}
			return nil
		},
	}
	outputFlag(cmd, &output, "text", "json", "junit")
	return cmd
}
