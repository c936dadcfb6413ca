package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// horizonFile is kept beside the segments of the journal.
const horizonFile = "horizon"

// horizonMark says which records were counted under which deduplication
// horizon: an audit by another one would rightly count otherwise.
type horizonMark struct {
	Horizon string `json:"horizon"`
	// Since is the record after which all were counted under it.
	Since slo.Offset `json:"since"`
}

// markHorizon returns the first record that was surely counted under the
// horizon, and notes it. counted is the newest record that the ledger had
// counted before it began to count under this one, 0 if it had counted nothing.
func markHorizon(dir string, horizon time.Duration, counted slo.Offset) (slo.Offset, error) {
	before, err := readHorizon(dir)
	switch {
	case err != nil:
		return 0, err
	case before.Horizon == horizon.String():
		return before.Since + 1, nil
	}
	mark := horizonMark{Horizon: horizon.String(), Since: counted}
	content, err := json.Marshal(mark)
	if err != nil {
		return 0, fmt.Errorf("write down the deduplication horizon: %w", err)
	}
	path := filepath.Join(dir, horizonFile)
	if err := errors.Join(os.WriteFile(path+".new", content, 0o600), os.Rename(path+".new", path)); err != nil {
		return 0, fmt.Errorf("write down the deduplication horizon: %w", err)
	}
	return mark.Since + 1, nil
}

// readHorizon is the mark of a journal, empty if there is none yet.
func readHorizon(dir string) (horizonMark, error) {
	var mark horizonMark
	content, err := os.ReadFile(filepath.Join(dir, horizonFile))
	if errors.Is(err, fs.ErrNotExist) {
		return mark, nil
	}
	if err != nil {
		return mark, fmt.Errorf("read the deduplication horizon: %w", err)
	}
	if err := json.Unmarshal(content, &mark); err != nil {
		return mark, fmt.Errorf("%s is not what Slowburn wrote; put the file back or delete it, and audits begin anew: %w",
			filepath.Join(dir, horizonFile), err)
	}
	return mark, nil
}
