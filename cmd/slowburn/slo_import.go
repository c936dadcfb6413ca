package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/convert"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

func newSLOImport() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Write files of Sloth or Pyrra as OpenSLO documents",
		Long: "Write files of Sloth (prometheus/v1, PrometheusServiceLevel) or Pyrra (ServiceLevelObjective) as OpenSLO v1 documents.\n\n" +
			"They go to standard output, alert policies included; what cannot be carried over is noted on standard error, a line each.\n" +
			"The queries stay those of Prometheus: put conditions on spans in their place to have Slowburn count them.",
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if from != "auto" && from != "sloth" && from != "pyrra" {
				return usageError{fmt.Errorf("--from %s: expected auto, sloth or pyrra", from)}
			}
			files, faults := readFiles(args, cmd.InOrStdin())
			var out bytes.Buffer
			for _, file := range files {
				text, notes, err := importFile(file, from)
				if err != nil {
					faults = append(faults, faultsIn(err, file.Path)...)
					continue
				}
				for _, note := range notes {
					fmt.Fprintln(cmd.ErrOrStderr(), "note:", printable(note))
				}
				if out.Len() > 0 {
					out.WriteString("---\n")
				}
				out.Write(text)
			}
			if len(faults) == 0 {
				if _, _, err := openslo.Parse(importedName, out.Bytes(), openslo.Lenient); err != nil {
					faults = append(faults, faultsIn(err, importedName)...)
				}
			}
			if len(faults) > 0 {
				return refuseBroken(cmd, &documents{errors: faults}, "text")
			}
			_, err := cmd.OutOrStdout().Write(out.Bytes())
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "auto", "`TOOL` that wrote the files: sloth, pyrra, or auto to look at them")
	return cmd
}

// importedName is what faults of all documents together are told of, such as two
// of one name.
const importedName = "what was imported"

// importFile converts one file.
func importFile(file catalog.File, from string) (text []byte, notes []string, err error) {
	if from == "auto" {
		from = writtenBy(file.Data)
	}
	switch from {
	case "sloth":
		return convert.Sloth(file.Path, file.Data)
	case "pyrra":
		return convert.Pyrra(file.Path, file.Data)
	default:
		return nil, nil, slo.DocumentErrors{{File: file.Path, Reason: "is neither of Sloth nor of Pyrra: if it is, say so with --from"}}
	}
}

// writtenBy tells by the version that a file names.
func writtenBy(data []byte) string {
	switch {
	case bytes.Contains(data, []byte("pyrra.dev/")):
		return "pyrra"
	case bytes.Contains(data, []byte("sloth.slok.dev/")), bytes.Contains(data, []byte("prometheus/v1")):
		return "sloth"
	default:
		return ""
	}
}
