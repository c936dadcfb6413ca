package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// FindServer returns the address, for Open, of the server of our own that runs
// on the data folder, for a second process beside the one that started it. It
// reports false, and starts nothing, if none answers.
func FindServer(ctx context.Context, dataDir string) (url string, running bool, err error) {
	dir, err := filepath.Abs(dataDir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", false, fmt.Errorf("find the data folder: %w", err)
	}
	named, err := os.ReadFile(filepath.Join(dir, locationFile))
	if err == nil {
		dir = strings.TrimSpace(string(named))
	} else {
		dir = filepath.Join(dir, clusterName)
	}
	file, found := readPIDFile(dir)
	if !found || file.dir != dir || !isServerOf(file.pid, dir) {
		return "", false, nil
	}
	answered, err := askDir(ctx, file.socketDir)
	if err != nil {
		return "", false, fmt.Errorf("ask the database server that runs on %s (process %d): %w", dir, file.pid, err)
	}
	return socketURL(file.socketDir, database), answered == dir, nil
}
