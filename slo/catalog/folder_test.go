package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func TestAFolderIsReadWhole(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for path, content := range map[string]string{
		"b.yaml": "b x", "a.yml": "a x", "c.json": "c x", "D.YAML": "d x", "sub/deeper/e.yaml": "e x",
		"README.md": "!", "x.yaml.bak": "!", ".hidden.yaml": "!", ".git/f.yaml": "!",
	} {
		write(t, filepath.Join(folder, path), content)
	}
	require.NoError(t, os.Symlink("nowhere", filepath.Join(folder, "dangling")))
	c := open(t, newWorld())
	require.NoError(t, catalog.NewFolder(folder, c).Load(t.Context()))
	var origins []string
	for _, d := range c.Definitions() {
		path, err := filepath.Rel(folder, d.Origin)
		require.NoError(t, err)
		origins = append(origins, d.SLO.Name+" "+path)
	}
	require.Equal(t, []string{"a a.yml", "b b.yaml", "c c.json", "d D.YAML", "e sub/deeper/e.yaml"}, origins)
}

func TestASingleFileMayHaveAnyName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "objectives")
	write(t, path, "a x")
	c := open(t, newWorld())
	require.NoError(t, catalog.NewFolder(path, c).Load(t.Context()))
	require.Equal(t, []string{"a@1 " + path}, inForce(c))
}

func TestABadFolderStopsTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(t *testing.T, folder string)
		want string
	}{
		"it is not there":        {func(t *testing.T, folder string) { require.NoError(t, os.Remove(folder)) }, "does not exist: name a file or folder of SLOs"},
		"a file with a fault":    {func(t *testing.T, folder string) { write(t, folder+"/a.yaml", "\n!") }, "a.yaml:2: is wrong"},
		"a file above 1 MiB":     {func(t *testing.T, folder string) { write(t, folder+"/a.yaml", strings.Repeat("#", 1<<20+1)) }, "a.yaml is larger than 1 MiB"},
		"a link to nowhere":      {func(t *testing.T, folder string) { require.NoError(t, os.Symlink("nowhere", folder+"/a.yaml")) }, "a.yaml: no such file"},
		"a link that leads back": {func(t *testing.T, folder string) { require.NoError(t, os.Symlink(".", folder+"/sub")) }, "sub links back to a folder that it is in"},
		"a pipe":                 {func(t *testing.T, folder string) { require.NoError(t, syscall.Mkfifo(folder+"/a.yaml", 0o600)) }, "a.yaml is not a regular file"},
		"folders without an end": {func(t *testing.T, folder string) { write(t, folder+strings.Repeat("/d", 17)+"/a.yaml", "") }, "is nested deeper than 16 folders"},
		"more than it may hold": {func(t *testing.T, folder string) {
			write(t, folder+"/first.yaml", strings.Repeat("\n", 1<<20))
			for i := range 256 {
				require.NoError(t, os.Link(folder+"/first.yaml", fmt.Sprintf("%s/%d.yaml", folder, i)))
			}
		}, "hold more than 256 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "slos")
			require.NoError(t, os.Mkdir(folder, 0o755))
			c.make(t, folder)
			set := open(t, newWorld())
			err := catalog.NewFolder(folder, set).Load(t.Context())
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, folder)
			require.Equal(t, err, set.Problems())
			require.Empty(t, set.Definitions())
		})
	}
}

func TestAnEmptyFolderIsNoProblem(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	require.NoError(t, catalog.NewFolder(t.TempDir(), c).Load(t.Context()))
	require.NoError(t, c.Problems())
	require.Empty(t, w.events())
}

// followed is a folder whose loop runs on the clock of a test.
type followed struct {
	folder string
	world  *world
	set    *catalog.Catalog
	log    *bytes.Buffer
	events chan fsnotify.Event
	faults chan error

	mu    sync.Mutex
	watch []string
}

// follow starts the loop within a synctest bubble.
func follow(t *testing.T) *followed {
	t.Helper()
	f := &followed{
		folder: t.TempDir(), world: newWorld(), log: new(bytes.Buffer),
		events: make(chan fsnotify.Event), faults: make(chan error),
	}
	settings := f.world.settings()
	settings.Logger = slog.New(slog.NewTextHandler(f.log, nil))
	set, err := catalog.New(settings)
	require.NoError(t, err)
	f.set = set
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		catalog.NewFolder(f.folder, set).Follow(ctx, f.events, f.faults, func(folder string) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.watch = append(f.watch, folder)
			return errors.New("cannot be watched")
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	time.Sleep(time.Second) // On the bubble's clock: the first looks are over.
	synctest.Wait()
	return f
}

func (f *followed) write(t *testing.T, name, content string) {
	t.Helper()
	write(t, filepath.Join(f.folder, name), content)
}

// pass lets time pass on the bubble's clock.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestABurstOfEventsIsOneChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := follow(t)
		for _, content := range []string{"a x", "a y", "a z"} {
			f.write(t, "a.yaml", content)
			f.events <- fsnotify.Event{Op: fsnotify.Write}
			pass(200 * time.Millisecond)
		}
		require.Empty(t, f.set.Definitions(), "it is not read while it moves")
		pass(100 * time.Millisecond)
		require.Len(t, f.set.Definitions(), 1)
		require.Equal(t, 1, f.set.Definitions()[0].Revision)
		require.Equal(t, "a z", string(f.set.Definitions()[0].Document))
	})
}

func TestAChangeOfModeAloneIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := follow(t)
		f.write(t, "a.yaml", "a x")
		f.events <- fsnotify.Event{Op: fsnotify.Chmod}
		pass(time.Second)
		require.Empty(t, f.set.Definitions())
	})
}

func TestLostEventsAreLookedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := follow(t)
		f.write(t, "a.yaml", "a x")
		f.faults <- fsnotify.ErrEventOverflow
		pass(time.Second)
		require.Len(t, f.set.Definitions(), 1)
	})
}

func TestWithoutEventsTheFolderIsPolled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := follow(t)
		f.write(t, "sub/a.yaml", "a x")
		pass(8 * time.Second)
		require.Empty(t, f.set.Definitions())
		pass(2 * time.Second)
		require.Len(t, f.set.Definitions(), 1)
		f.mu.Lock()
		require.Contains(t, f.watch, f.folder)
		require.Contains(t, f.watch, filepath.Join(f.folder, "sub"), "a new folder is watched")
		f.mu.Unlock()
		pass(time.Minute)
		f.world.with(func(w *world) { require.Equal(t, 1, w.parsed, "what did not change is not read again") })
	})
}

func TestWhatRanBeforeRunsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := follow(t)
		f.write(t, "a.yaml", "a x")
		pass(10 * time.Second)
		require.Equal(t, 1, f.set.Definitions()[0].Revision)

		f.write(t, "a.yaml", "!")
		pass(time.Minute)
		require.Len(t, f.set.Definitions(), 1)
		var faults slo.DocumentErrors
		require.ErrorAs(t, f.set.Problems(), &faults)
		require.Equal(t, filepath.Join(f.folder, "a.yaml"), faults[0].File)
		require.Equal(t, 1, strings.Count(f.log.String(), "objectives refused"), "a problem is logged once")

		f.write(t, "a.yaml", "a x")
		pass(10 * time.Second)
		require.NoError(t, f.set.Problems())
		require.Contains(t, f.log.String(), "objectives accepted again")
		require.Equal(t, 1, f.set.Definitions()[0].Revision)
	})
}

func TestAFolderThatVanishesArchivesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := follow(t)
		f.write(t, "a.yaml", "a x")
		pass(10 * time.Second)
		require.NoError(t, os.RemoveAll(f.folder))
		pass(10 * time.Second)
		require.Len(t, f.set.Definitions(), 1)
		require.ErrorContains(t, f.set.Problems(), "does not exist")

		f.write(t, "b.yaml", "b x")
		pass(10 * time.Second)
		require.NoError(t, f.set.Problems())
		require.Equal(t, "b", f.set.Definitions()[0].SLO.Name)
		require.Len(t, f.set.Definitions(), 1, "a file that is gone is archived")
	})
}

func TestASyncThatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := follow(t)
		f.world.with(func(w *world) { w.saveFails = true })
		f.write(t, "a.yaml", "a x")
		pass(10 * time.Second)
		require.ErrorIs(t, f.set.Problems(), errDown)
		f.world.with(func(w *world) { w.saveFails = false })
		pass(10 * time.Second)
		require.NoError(t, f.set.Problems())
		require.Len(t, f.set.Definitions(), 1)
	})
}

// watched is a folder watched for real; every change is sent to told.
type watched struct {
	set  *catalog.Catalog
	told chan []slo.Definition
}

// watch watches a path, without polling, and returns once it does.
func watch(t *testing.T, path string) *watched {
	t.Helper()
	w := &watched{told: make(chan []slo.Definition, 100)}
	settings := newWorld().settings()
	settings.Changed = func(definitions []slo.Definition) { w.told <- definitions }
	set, err := catalog.New(settings)
	require.NoError(t, err)
	w.set = set
	folder := catalog.NewFolder(path, set)
	folder.Pace(20*time.Millisecond, time.Hour)
	require.NoError(t, folder.Load(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- folder.Watch(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return w
}

// until waits for a set of names to be in force.
func (w *watched) until(t *testing.T, names ...string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		var got []string
		for _, d := range w.set.Definitions() {
			got = append(got, d.SLO.Name+" "+string(d.Document[len(d.SLO.Name)+1:]))
		}
		if strings.Join(got, ",") == strings.Join(names, ",") {
			return
		}
		select {
		case <-w.told:
		case <-deadline:
			require.Equal(t, names, got)
		}
	}
}

func TestARealFolderIsWatched(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder+"/a.yaml", "a x")
	w := watch(t, folder)
	w.until(t, "a x")
	write(t, folder+"/a.yaml", "a y")
	w.until(t, "a y")
	write(t, folder+"/new/b.yaml", "b x")
	w.until(t, "a y", "b x")
	write(t, folder+"/new/b.yaml", "b y")
	w.until(t, "a y", "b y")
	require.NoError(t, os.Remove(folder+"/a.yaml"))
	w.until(t, "b y")
}

func TestAFileThatAnEditorReplacesIsWatched(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/slos.yaml"
	write(t, path, "a x")
	w := watch(t, path)
	w.until(t, "a x")
	for _, content := range []string{"a y", "a z"} {
		write(t, path+".tmp", content)
		require.NoError(t, os.Rename(path+".tmp", path))
		w.until(t, content)
	}
}

func TestAConfigMapOfKubernetesIsWatched(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	publish := func(version string, files map[string]string) {
		for name, content := range files {
			write(t, filepath.Join(folder, ".."+version, name), content)
		}
		require.NoError(t, os.Symlink(".."+version, folder+"/..data_tmp"))
		require.NoError(t, os.Rename(folder+"/..data_tmp", folder+"/..data"))
	}
	publish("v1", map[string]string{"a.yaml": "a x", "team/b.yaml": "b x"})
	require.NoError(t, os.Symlink("..data/a.yaml", folder+"/a.yaml"))
	require.NoError(t, os.Symlink("..data/team", folder+"/team"))
	w := watch(t, folder)
	w.until(t, "a x", "b x")
	origin, _ := w.set.Definition("b")
	require.Equal(t, folder+"/team/b.yaml", origin.Origin)

	publish("v2", map[string]string{"a.yaml": "a y", "team/b.yaml": "b y"})
	w.until(t, "a y", "b y")
	require.NoError(t, os.RemoveAll(folder+"/..v1"))
	publish("v3", map[string]string{"a.yaml": "a z", "team/b.yaml": "b z"})
	w.until(t, "a z", "b z")
}

func TestWarningsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := follow(t)
		f.write(t, "a.yaml", "a x odd-but-fine")
		pass(10 * time.Second)
		f.write(t, "b.yaml", "b x")
		pass(time.Minute)
		require.Len(t, f.set.Definitions(), 2)
		require.Equal(t, 1, strings.Count(f.log.String(), "objective read with a warning"))
		require.Contains(t, f.log.String(), "a.yaml:1: SLO a: is odd")

		f.write(t, "b.yaml", "b x odd-but-fine")
		pass(10 * time.Second)
		require.Equal(t, 3, strings.Count(f.log.String(), "objective read with a warning"), "other warnings are logged again")
	})
}
