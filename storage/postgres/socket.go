package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	socketPort = 5432
	// maxSocketPath is the longest path of a Unix socket, in bytes.
	maxSocketPath = 107
)

// socketFits reports whether the path of a socket in the folder can be used.
func socketFits(dir string) bool {
	return len(filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(socketPort))) <= maxSocketPath
}

// socketDir is the folder of the server's socket: the cluster's own, which
// nobody else may enter, or if its path is too long a private one among the
// temporary files.
func (c cluster) socketDir(ctx context.Context) (string, error) {
	if socketFits(c.dir) {
		return c.dir, nil
	}
	var faults []error
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		dir := filepath.Join(parent, "slowburn-"+shortHash(c.dir))
		if !socketFits(dir) {
			faults = append(faults, fmt.Errorf("%s is too long as well", dir))
			continue
		}
		err := c.ownPrivate(dir)
		if err == nil && !c.account.canEnter(ctx, dir, c.installation) {
			err = fmt.Errorf("user %s cannot enter %s", c.account.name, dir)
		}
		if err == nil {
			return dir, nil
		}
		faults = append(faults, err)
	}
	return "", fmt.Errorf("find a folder for the database's socket, since the path of %s is too long for one: %w",
		c.dir, errors.Join(faults...))
}

// ownPrivate makes the folder, or takes one that an earlier start has made.
// Anybody can make folders among the temporary files, so one that is not the
// account's alone is refused.
func (c cluster) ownPrivate(dir string) error {
	err := c.account.own(dir)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	refusal := fmt.Errorf("%s is not a private folder of user %s: remove it", dir, c.account.name)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return refusal
	}
	switch uid, _ := owner(info); {
	case uid == c.account.uid:
		return nil
	case uid == 0 && c.account.other: // An earlier start, as root, got no further.
		return os.Lchown(dir, int(c.account.uid), int(c.account.gid))
	default:
		return refusal
	}
}

// socketURL is the address of a database behind a socket. Everything that an
// environment variable could change is said.
func socketURL(dir, name string) string {
	query := url.Values{
		"host": {dir}, "port": {strconv.Itoa(socketPort)}, "user": {superuser}, "sslmode": {"disable"},
		"target_session_attrs": {"any"},
	}
	// A plus is a plus there, not a space.
	encoded := strings.ReplaceAll(query.Encode(), "+", "%20")
	return (&url.URL{Scheme: "postgres", Path: "/" + name, RawQuery: encoded}).String()
}
