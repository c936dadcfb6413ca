package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrNoServer says that the programs of a PostgreSQL server are not installed.
var ErrNoServer = errors.New(`no PostgreSQL server of version 15 or newer is installed: ` +
	`run "apt-get install postgresql" (Debian, Ubuntu) or the like, or give the address of a server with --database-url`)

// binVariable names a folder with the server's programs, instead of a search.
const binVariable = "SLOWBURN_POSTGRES_BIN"

// minMajor is the oldest version of the server that is used.
const minMajor = minServerVersion / 10000

// installation is a folder with the server's programs.
type installation struct {
	dir   string
	major int
}

func (i installation) program(name string) string { return filepath.Join(i.dir, name) }

// findInstallation returns the newest installation, or, with a version given,
// one of that version: only it can read the files that it has written.
func findInstallation(ctx context.Context, major int) (installation, error) {
	if dir := os.Getenv(binVariable); dir != "" {
		if _, err := inspect(ctx, dir); err != nil {
			return installation{}, fmt.Errorf("%s names %s, which holds no usable PostgreSQL server: %w", binVariable, dir, err)
		}
		return newestOf(ctx, []string{dir}, major)
	}
	return newestOf(ctx, binDirs(), major)
}

// newestOf chooses among folders, of which some may hold no server.
func newestOf(ctx context.Context, dirs []string, major int) (installation, error) {
	var newest installation
	for _, dir := range dirs {
		found, err := inspect(ctx, dir)
		if err != nil {
			continue
		}
		if found.major > newest.major && (major == 0 || found.major == major) {
			newest = found
		}
	}
	switch {
	case newest.major == 0 && major != 0:
		return installation{}, fmt.Errorf(`its files were written by PostgreSQL %d, whose programs are not installed: `+
			`run "apt-get install postgresql-%d" (Debian, Ubuntu) or the like`, major, major)
	case newest.major < minMajor:
		return installation{}, ErrNoServer
	}
	return newest, nil
}

// binDirs are the folders where packages put the server, and those of PATH.
func binDirs() []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern) // The only error is a bad pattern.
		dirs = append(dirs, found...)
	}
	return append(dirs, filepath.SplitList(os.Getenv("PATH"))...)
}

// inspect asks the server in the folder for its version.
func inspect(ctx context.Context, dir string) (installation, error) {
	found := installation{dir: dir}
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(found.program(name)); err != nil {
			return installation{}, err
		} else if info.IsDir() || info.Mode()&0o111 == 0 {
			return installation{}, fmt.Errorf("%s is not a program", found.program(name))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, found.program("postgres"), "--version").Output() //nolint:gosec // The folders are fixed, or the operator's choice.
	if err != nil {
		return installation{}, fmt.Errorf("ask %s for its version: %w", found.program("postgres"), err)
	}
	found.major, err = parseMajor(string(output))
	return found, err
}

// parseMajor reads the version from "postgres (PostgreSQL) 15.14 (Debian …)";
// that of a version to come looks like "19beta1" or "19devel".
func parseMajor(output string) (int, error) {
	_, version, found := strings.Cut(output, "(PostgreSQL) ")
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	major, err := strconv.Atoi(version[:end])
	if !found || err != nil {
		return 0, fmt.Errorf("%q is not the version of a PostgreSQL server", strings.TrimSpace(output))
	}
	return major, nil
}
