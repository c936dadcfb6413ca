package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

func newSLOFmt() *cobra.Command {
	var check, write bool
	var output string
	cmd := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Write OpenSLO documents in their canonical form",
		Long: "Write OpenSLO documents in their canonical form: fields in the order of the specification, blocks instead of braces,\n" +
			"comments kept, JSON as JSON. It goes to standard output, or with --write back into the files. If any file is broken,\n" +
			"none is written.\n\n" +
			"With --check the files that differ are listed, and the exit status is 1 if there are any.",
		Args: someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "text", "json"); err != nil {
				return err
			}
			if check && write {
				return usageError{errors.New("--check only looks and --write writes: give one of them")}
			}
			files, faults := formatFiles(args, cmd.InOrStdin())
			for _, f := range files {
				if write && f.File == stdinName {
					return usageError{errors.New("--write needs files: standard input cannot be written to")}
				}
			}
			if len(faults) > 0 {
				return refuseUnformatted(cmd, faults, output)
			}
			if write {
				if err := writeFormatted(files); err != nil {
					return err
				}
			}
			if err := printFormatted(cmd.OutOrStdout(), files, check || write, output); err != nil {
				return err
			}
			if check && anyDiffers(files) {
				return statusError{status: 1}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing, list the files that are not in canonical form")
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write the files in place, and list those that changed")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// formatted is a file in canonical form.
type formatted struct {
	File    string `json:"file"`
	Differs bool   `json:"differs"`
	Text    string `json:"text,omitempty"`
}

// formattedOutput are all files as they are printed. With errors there are none.
type formattedOutput struct {
	Files  []formatted     `json:"files"`
	Errors []documentFault `json:"errors"`
}

// refuseUnformatted prints what is wrong with the files.
func refuseUnformatted(cmd *cobra.Command, faults []slo.DocumentError, output string) error {
	if output == "json" {
		out := formattedOutput{Files: []formatted{}, Errors: faultsOf(faults)}
		return errors.Join(printJSON(cmd.OutOrStdout(), out), statusError{status: 1})
	}
	printFindings(cmd.ErrOrStderr(), "", faults)
	return fmt.Errorf("nothing was written: the documents have %s", counted(len(faults), "error"))
}

func formatFiles(args []string, stdin io.Reader) (all []formatted, faults []slo.DocumentError) {
	files, faults := readFiles(args, stdin)
	for _, file := range files {
		text, err := openslo.Canonical(file.Path, file.Data, openslo.Lenient)
		if err != nil {
			faults = append(faults, faultsIn(err, file.Path)...)
		}
		all = append(all, formatted{File: file.Path, Differs: !bytes.Equal(text, file.Data), Text: string(text)})
	}
	return all, faults
}

func anyDiffers(files []formatted) bool {
	for _, f := range files {
		if f.Differs {
			return true
		}
	}
	return false
}

// printFormatted lists the files that differ, or writes the documents of all as
// one stream. Text goes out as it is: the reader has refused what no terminal
// should see.
func printFormatted(w io.Writer, files []formatted, listed bool, output string) error {
	if output == "json" {
		out := formattedOutput{Files: files, Errors: []documentFault{}}
		for i := range out.Files {
			if listed {
				out.Files[i].Text = ""
			}
		}
		return printJSON(w, out)
	}
	for i, f := range files {
		switch {
		case listed && f.Differs:
			fmt.Fprintln(w, printable(f.File))
		case listed:
		default:
			if i > 0 {
				fmt.Fprintln(w, "---")
			}
			if _, err := io.WriteString(w, f.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFormatted replaces the files that differ, each at once.
func writeFormatted(files []formatted) error {
	for _, f := range files {
		if !f.Differs {
			continue
		}
		if err := replaceFile(f.File, []byte(f.Text)); err != nil {
			return fmt.Errorf("write %s: %w", printable(f.File), err)
		}
	}
	return nil
}

// replaceFile writes a file beside the old one and renames it, so that nobody
// sees half of it. The mode stays, and a link goes on pointing at the file.
func replaceFile(path string, data []byte) (err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("is not a regular file")
	}
	fresh, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(fresh.Name()))
		}
	}()
	_, err = fresh.Write(data)
	err = errors.Join(err, fresh.Chmod(info.Mode().Perm()), fresh.Sync(), fresh.Close())
	if err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}
