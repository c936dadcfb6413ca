package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestParseMajor(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]int{
		"postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n": 15,
		"postgres (PostgreSQL) 9.6.24\n":                         9,
		"postgres (PostgreSQL) 19beta1\n":                        19,
		"postgres (PostgreSQL) 18":                               18,
		"postgres (PostgreSQL) ":                                 0,
		"15.14":                                                  0,
		"":                                                       0,
	} {
		got, err := parseMajor(output)
		require.Equal(t, want, got, output)
		require.Equal(t, want == 0, err != nil, output)
	}
}

func FuzzParseMajor(f *testing.F) {
	f.Add("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n")
	f.Fuzz(func(t *testing.T, output string) {
		major, err := parseMajor(output)
		require.True(t, (err == nil && major >= 0) || major == 0)
	})
}

// fakeServer makes a folder whose "postgres" tells a version.
func fakeServer(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
	for _, name := range []string{"postgres", "initdb"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	return dir
}

func TestNewestInstallationIsChosen(t *testing.T) {
	t.Parallel()
	nothing, old, fifteen, eighteen := t.TempDir(), fakeServer(t, "14.9"), fakeServer(t, "15.2"), fakeServer(t, "18.1")
	for name, c := range map[string]struct {
		dirs  []string
		major int
		want  string
		fault string
	}{
		"the newest of several":             {[]string{nothing, fifteen, eighteen, old}, 0, eighteen, ""},
		"the one that wrote the files":      {[]string{eighteen, fifteen}, 15, fifteen, ""},
		"none at all":                       {[]string{nothing, "", "/nowhere"}, 0, "", ErrNoServer.Error()},
		"only one that is too old":          {[]string{old}, 0, "", ErrNoServer.Error()},
		"none of those that read the files": {[]string{eighteen}, 16, "", "apt-get install postgresql-16"},
	} {
		found, err := newestOf(t.Context(), c.dirs, c.major)
		require.Equal(t, c.want, found.dir, name)
		if c.fault == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.fault, name)
	}
}

func TestParsePIDFile(t *testing.T) {
	t.Parallel()
	const whole = "4711\n/data/postgres\n1772366400\n5432\n/data/postgres\n\n  1234 5\nready   \n"
	file, ok := parsePIDFile(whole)
	require.True(t, ok)
	require.Equal(t, pidFile{pid: 4711, dir: "/data/postgres", socketDir: "/data/postgres"}, file)
	for name, text := range map[string]string{
		"one just being written": "4711\n/data/postgres\n",
		"a number that is none":  strings.Replace(whole, "4711", "x", 1),
		"init":                   strings.Replace(whole, "4711", "0", 1),
		"a process group":        strings.Replace(whole, "4711", "-4711", 1),
		"nothing":                "",
	} {
		_, ok := parsePIDFile(text)
		require.False(t, ok, name)
	}
}

func FuzzParsePIDFile(f *testing.F) {
	f.Add("4711\n/data/postgres\n1772366400\n5432\n/data/postgres\n\n  1234 5\nready   \n")
	f.Fuzz(func(t *testing.T, text string) {
		file, ok := parsePIDFile(text)
		require.Equal(t, ok, file.pid > 0, "what is killed must be one process")
	})
}

func TestUnionJoinsWhatTouches(t *testing.T) {
	t.Parallel()
	stretch := func(from, to int64) slo.Interval {
		i := slo.Interval{From: time.Unix(from, 0)}
		if to > 0 {
			i.To = time.Unix(to, 0)
		}
		return i
	}
	for name, c := range map[string]struct{ in, want []slo.Interval }{
		"nothing":                        {nil, nil},
		"apart":                          {[]slo.Interval{stretch(5, 6), stretch(1, 2)}, []slo.Interval{stretch(1, 2), stretch(5, 6)}},
		"overlapping":                    {[]slo.Interval{stretch(1, 3), stretch(2, 5)}, []slo.Interval{stretch(1, 5)}},
		"touching":                       {[]slo.Interval{stretch(1, 3), stretch(3, 5)}, []slo.Interval{stretch(1, 5)}},
		"one within the other":           {[]slo.Interval{stretch(1, 9), stretch(3, 5)}, []slo.Interval{stretch(1, 9)}},
		"still going on":                 {[]slo.Interval{stretch(1, 3), stretch(2, 0)}, []slo.Interval{stretch(1, 0)}},
		"one within what is going on":    {[]slo.Interval{stretch(1, 0), stretch(2, 3)}, []slo.Interval{stretch(1, 0)}},
		"going on after one that is not": {[]slo.Interval{stretch(1, 2), stretch(4, 0)}, []slo.Interval{stretch(1, 2), stretch(4, 0)}},
	} {
		require.Equal(t, c.want, union(c.in), name)
	}
}

func TestLogIsRotatedWhileItIsWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "postgres.log")
	require.NoError(t, rotateLog(file, 10), "there is none yet")
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	write := func(text string) {
		_, err := log.WriteString(text)
		require.NoError(t, err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(text)
	}
	write("0123456789")
	require.NoError(t, rotateLog(file, 10))
	require.Equal(t, "0123456789", read(file), "it is not larger than the limit")
	write("x")
	require.NoError(t, rotateLog(file, 10))
	write("new\n")
	require.Equal(t, "new\n", read(file))
	require.Equal(t, "0123456789x", read(file+".1"))
	require.Equal(t, "new", tail(file, 0))
	require.Empty(t, tail(file, 4), "nothing was written since")
}

func TestPrivateFolderOfTheSocketIsNobodyElses(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	mine := accountOf(uint32(os.Geteuid()), uint32(os.Getegid()))
	other := account{name: "other", uid: mine.uid + 1, gid: mine.gid}
	folder := func(name string, mode os.FileMode) string {
		dir := filepath.Join(parent, name)
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.NoError(t, os.Chmod(dir, mode))
		return dir
	}
	link, file := filepath.Join(parent, "link"), filepath.Join(parent, "file")
	require.NoError(t, os.Symlink(folder("target", 0o700), link))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct {
		dir     string
		account account
		ok      bool
	}{
		"a new one is made":            {filepath.Join(parent, "new"), mine, true},
		"an earlier one is taken":      {folder("earlier", 0o700), mine, true},
		"one that others may enter":    {folder("open", 0o711), mine, false},
		"one of another user":          {folder("foreign", 0o700), other, false},
		"a link to one of our own":     {link, mine, false},
		"a file":                       {file, mine, false},
		"one in a folder that is none": {filepath.Join(file, "new"), mine, false},
	} {
		err := cluster{account: c.account}.ownPrivate(c.dir)
		require.Equal(t, c.ok, err == nil, "%s: %v", name, err)
	}
}

func TestServerIsKnownByMoreThanItsNumber(t *testing.T) {
	t.Parallel()
	dir, err := os.Getwd()
	require.NoError(t, err)
	require.False(t, isServerOf(os.Getpid(), dir), "it works there, but is no server")
	require.False(t, isServerOf(1<<30, dir), "it does not exist")
}
