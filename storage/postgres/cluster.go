package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// sharedHome is where clusters live that cannot live in the data folder,
	// because the user that the server runs as cannot enter it.
	sharedHome = "/var/lib/slowburn"
	// locationFile, in the data folder, names the cluster that lives elsewhere.
	locationFile = "postgres.location"
	clusterName  = "postgres"
	logName      = "postgres.log"
	// superuser and database are the names that Slowburn uses in its own server.
	superuser = "slowburn"
	database  = "slowburn"
)

// settings are appended to postgresql.conf when the cluster is made; ALTER
// SYSTEM may change them later. The first three are the promise; Open refuses
// a server without them.
const settings = `
# Slowburn
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = 128MB
max_connections = 50
wal_compression = on
jit = off
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_checkpoints = off
`

// cluster is where the files of a server are, and what runs it.
type cluster struct {
	installation
	account account
	// home holds the log; dir, in it, is what PostgreSQL calls the data directory.
	home, dir string
}

// prepareCluster finds the cluster of a data folder, or makes it.
func prepareCluster(ctx context.Context, dataDir string, logger *slog.Logger) (cluster, error) {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // The server's user must pass through.
	}
	if err := os.MkdirAll(dataDir, mode); err != nil {
		return cluster{}, fmt.Errorf("make the data folder: %w", err)
	}
	dataDir, err := filepath.Abs(dataDir)
	if err == nil {
		dataDir, err = filepath.EvalSymlinks(dataDir)
	}
	if err != nil {
		return cluster{}, fmt.Errorf("find the data folder: %w", err)
	}
	c, err := locateCluster(ctx, dataDir)
	if err != nil {
		return cluster{}, err
	}
	if c.home != dataDir {
		logger.InfoContext(ctx, "database lives outside the data folder, which its user cannot enter",
			"user", c.account.name, "database_dir", c.dir)
	}
	if version(c.dir) == 0 {
		logger.InfoContext(ctx, "creating the database", "database_dir", c.dir, "user", c.account.name)
		if err := c.initialize(ctx); err != nil {
			return cluster{}, fmt.Errorf("create the database in %s: %w", c.dir, err)
		}
	}
	if c.home != dataDir {
		if err := os.WriteFile(filepath.Join(dataDir, locationFile), []byte(c.dir+"\n"), 0o644); err != nil { //nolint:gosec // It is no secret.
			return cluster{}, fmt.Errorf("note where the database is: %w", err)
		}
	}
	return c, nil
}

// locateCluster decides where the cluster is: where the location file says,
// else in the data folder, else, for a new one whose user cannot enter that,
// in sharedHome.
func locateCluster(ctx context.Context, dataDir string) (cluster, error) {
	c := cluster{home: dataDir, dir: filepath.Join(dataDir, clusterName)}
	location := filepath.Join(dataDir, locationFile)
	named, err := os.ReadFile(location)
	switch {
	case err == nil:
		c.dir = strings.TrimSpace(string(named))
		c.home = filepath.Dir(c.dir)
	case !errors.Is(err, fs.ErrNotExist):
		return cluster{}, fmt.Errorf("find the database: %w", err)
	}
	switch _, err := os.Stat(c.dir); { //nolint:gosec // The file is ours; it may name any folder.
	case err == nil:
		return c, c.recognise(ctx)
	case !errors.Is(err, fs.ErrNotExist):
		return cluster{}, fmt.Errorf("find the database: %w", err)
	case named != nil:
		return cluster{}, fmt.Errorf("the database of %s should be in %s (see %s), but is not there: "+
			"bring it back, or remove that file to begin with an empty one", dataDir, c.dir, location)
	}
	return locateNew(ctx, c)
}

// recognise fills in what runs the existing cluster.
func (c *cluster) recognise(ctx context.Context) (err error) {
	if c.account, err = accountOfOwner(c.dir); err != nil {
		return fmt.Errorf("use the database: %w", err)
	}
	wrote := version(c.dir)
	if wrote == 0 {
		return fmt.Errorf("use the database: %s holds something else: move it away", c.dir)
	}
	if c.installation, err = findInstallation(ctx, wrote); err != nil {
		return fmt.Errorf("use the database in %s: %w", c.dir, err)
	}
	if !c.account.canEnter(ctx, c.dir, c.installation) {
		return fmt.Errorf("use the database: user %s, who owns %s, cannot enter it or cannot run %s: "+
			"let others pass through each folder above it, with chmod o+x", c.account.name, c.dir, c.program("postgres"))
	}
	return nil
}

// locateNew chooses the place of a new cluster, c.dir if possible.
func locateNew(ctx context.Context, c cluster) (cluster, error) {
	var err error
	if c.account, err = accountForNew(); err != nil {
		return cluster{}, err
	}
	if c.installation, err = findInstallation(ctx, 0); err != nil {
		return cluster{}, err
	}
	if !c.account.canEnter(ctx, "/", c.installation) {
		return cluster{}, fmt.Errorf("user %s cannot run %s: let others read and execute it", c.account.name, c.program("postgres"))
	}
	if !c.account.other || c.account.canEnter(ctx, c.home, c.installation) {
		return c, nil
	}
	c.home = filepath.Join(sharedHome, shortHash(c.home))
	c.dir = filepath.Join(c.home, clusterName)
	for _, dir := range []string{sharedHome, c.home} {
		if err := makePassage(dir); err != nil {
			return cluster{}, fmt.Errorf("make a place for the database: %w", err)
		}
	}
	if !c.account.canEnter(ctx, c.home, c.installation) {
		return cluster{}, fmt.Errorf("user %s can enter neither the data folder nor %s: "+
			"let others pass through each folder above one of them, with chmod o+x", c.account.name, c.home)
	}
	if version(c.dir) != 0 { // Its location file was never written.
		return c, c.recognise(ctx)
	}
	return c, nil
}

// makePassage makes a folder of ours that everybody may pass through, whatever
// the umask.
func makePassage(dir string) error {
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return os.Chmod(dir, 0o711) //nolint:gosec // To pass through is all that it allows.
}

// version is the version that wrote the cluster, 0 if there is none.
func version(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err != nil {
		return 0
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return major
}

// initialize makes the cluster under another name and renames it when it is
// complete, so that whoever is killed on the way leaves no half cluster.
func (c cluster) initialize(ctx context.Context) error {
	// Each try has a name of its own: the initdb of a process that was killed
	// may still be writing. Its leftovers go as far as they can.
	if leftovers, err := filepath.Glob(c.dir + ".incomplete-*"); err == nil {
		for _, leftover := range leftovers {
			_ = os.RemoveAll(leftover)
		}
	}
	incomplete := c.dir + ".incomplete-" + rand.Text()
	if err := c.account.own(incomplete); err != nil {
		return err
	}
	output, err := c.account.command(ctx, incomplete, c.program("initdb"), "--pgdata="+incomplete, "--username="+superuser,
		"--encoding=UTF8", "--locale=C", "--auth-local=trust", "--auth-host=reject", "--data-checksums", "--no-instructions").
		CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(string(output)))
	}
	if err := appendSynced(filepath.Join(incomplete, "postgresql.conf"), settings); err != nil {
		return err
	}
	if err := os.Rename(incomplete, c.dir); err != nil {
		return err
	}
	return syncDir(c.home)
}

func appendSynced(file, text string) (err error) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(dir string) (err error) {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

// shortHash makes a short name of a path.
func shortHash(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:6])
}
