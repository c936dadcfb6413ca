package catalog_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

func TestNewWantsEveryDependency(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*catalog.Settings){
		"no store":    func(s *catalog.Settings) { s.Store = nil },
		"no language": func(s *catalog.Settings) { s.Language = nil },
		"no compiler": func(s *catalog.Settings) { s.Compiler = nil },
		"no journal":  func(s *catalog.Settings) { s.Journal = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := newWorld().settings()
			remove(&settings)
			_, err := catalog.New(settings)
			require.ErrorContains(t, err, "are required")
		})
	}
	t.Run("the rest has defaults", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		c, err := catalog.New(catalog.Settings{Store: w, Language: w, Compiler: w, Journal: w})
		require.NoError(t, err)
		applied, err := apply(t, c, "a x")
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), applied.Changes[0].AppliedAt, time.Minute)
	})
}

func TestLoadTakesTheStoreIntoForceAndTellsTheJournal(t *testing.T) {
	t.Parallel()
	w := newWorld()
	_, err := apply(t, open(t, w), "b x\na y\nc x")
	require.NoError(t, err)
	w.events()

	c, err := catalog.New(w.settings())
	require.NoError(t, err)
	require.Empty(t, c.Definitions())
	require.NoError(t, c.Load(t.Context()))
	require.Equal(t, []string{"read", "append", "tell 3"}, w.events())
	require.Equal(t, []string{"a@1", "b@1", "c@1"}, inForce(c))
	require.Len(t, w.recorded(t), 2, "b and c count the same series")

	w.readFails = true
	require.ErrorIs(t, c.Load(t.Context()), errDown)
	require.Equal(t, []string{"a@1", "b@1", "c@1"}, inForce(c))
}

func TestApply(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)

	applied, err := apply(t, c, "b x\na y")
	require.NoError(t, err)
	require.Equal(t, []string{"save 2, archive 0", "append", "tell 2"}, w.events())
	require.Equal(t, []string{"a@1", "b@1"}, inForce(c))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []slo.ObjectChange{
		{ObjectRef: ref(slo.KindSLO, "b"), Effect: slo.Created, Recounts: true, Revision: 1, AppliedAt: at},
		{ObjectRef: ref(slo.KindSLO, "a"), Effect: slo.Created, Recounts: true, Revision: 1, AppliedAt: at},
	}, applied.Changes)
	b, _ := c.Definition("b")
	require.Equal(t, slo.Definition{
		SLO:      slo.SLO{Name: "b", Indicator: slo.Indicator{Good: &slo.SpanSource{Condition: "x"}}, Objectives: []slo.Objective{{}}},
		Document: []byte("b x"), Revision: 1, AppliedAt: at, CreatedAt: at,
	}, b)

	applied, err = apply(t, c, "b x")
	require.NoError(t, err)
	require.Equal(t, slo.Unchanged, applied.Changes[0].Effect)
	require.Equal(t, 1, applied.Changes[0].Revision)
	require.Empty(t, w.events(), "what is in force already changes nothing")

	_, err = apply(t, c, "b x with another target\na y")
	require.NoError(t, err)
	require.Equal(t, []string{"save 1, archive 0", "tell 2"}, w.events(), "the same series need no new record")
	require.Equal(t, []string{"a@1", "b@2"}, inForce(c))

	_, err = apply(t, c, "b z")
	require.NoError(t, err)
	require.Equal(t, []string{"save 1, archive 0", "append", "tell 2"}, w.events())
	require.Len(t, w.recorded(t), 3, "what was measured before is counted on for a while")

	found, ok := c.Definition("b")
	require.True(t, ok)
	require.Equal(t, 3, found.Revision)
	_, ok = c.Definition("aa")
	require.False(t, ok)
}

func TestApplyRefusesAsAWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want slo.DocumentErrors
	}{
		"nothing":                        {"\n", slo.DocumentErrors{{File: "request", Reason: "holds no document: write at least one in OpenSLO v1"}}},
		"a document that does not parse": {"new x\n!", slo.DocumentErrors{{File: "request", Line: 2, Reason: "is wrong"}}},
		"conditions that do not compile": {"new x\nb bad\nc odd", slo.DocumentErrors{
			{File: "request", Document: 2, Line: 101, Object: "SLO b", Field: conditionField, Reason: "does not compile"},
			{File: "request", Document: 3, Line: 3, Object: "SLO c", Field: "spec.indicator", Reason: "is odd"},
		}},
		"a name twice": {"new x\n\nnew y", slo.DocumentErrors{{
			File: "request", Document: 2, Line: 3, Object: "SLO new", Field: "metadata.name",
			Reason: "the name is taken by request:1: give each SLO a name of its own",
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set := open(t, w)
			_, err := apply(t, set, c.data)
			var faults slo.DocumentErrors
			require.ErrorAs(t, err, &faults)
			require.Equal(t, c.want, faults)
			require.Empty(t, w.events())
			require.Empty(t, set.Definitions())
		})
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	_, err := apply(t, c, "a x\nb y")
	require.NoError(t, err)
	w.events()

	require.ErrorIs(t, c.Delete(t.Context(), ref(slo.KindSLO, "nobody")), slo.ErrNotFound)
	require.Empty(t, w.events())
	require.NoError(t, c.Delete(t.Context(), ref(slo.KindSLO, "a")))
	require.Equal(t, []string{"save 0, archive 1", "append", "tell 1"}, w.events())
	require.Equal(t, []string{"b@1"}, inForce(c))
	require.ErrorIs(t, c.Delete(t.Context(), ref(slo.KindSLO, "a")), slo.ErrNotFound)

	_, err = apply(t, c, "a x")
	require.NoError(t, err)
	require.Equal(t, []string{"a@2", "b@1"}, inForce(c), "revisions go on")
}

func TestManyEndInOneChange(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	_, err := apply(t, c, "a x\nb y\nc z\nd x")
	require.NoError(t, err)
	w.events()

	a, b, d, nobody := ref(slo.KindSLO, "a"), ref(slo.KindSLO, "b"), ref(slo.KindSLO, "d"), ref(slo.KindSLO, "nobody")
	require.NoError(t, c.Delete(t.Context(), b, a, b))
	require.Equal(t, []string{"save 0, archive 2", "append", "tell 2"}, w.events(), "one transaction, one record, one word to everybody")

	err = c.Delete(t.Context(), nobody, d, a)
	require.Equal(t, []string{"save 0, archive 1", "append", "tell 1"}, w.events(), "what is refused keeps nothing else")
	require.Equal(t, []string{"c@1"}, inForce(c))
	refused := slo.DeleteError{}
	require.ErrorAs(t, err, &refused)
	require.Len(t, refused, 2)
	require.ErrorIs(t, refused[nobody], slo.ErrNotFound)
	require.EqualError(t, err, "delete \"a\": no such SLO\ndelete \"nobody\": no such SLO")
}

func TestAFailingSaveChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	_, err := apply(t, c, "a x")
	require.NoError(t, err)
	w.events()

	w.saveFails = true
	_, err = apply(t, c, "a y\nb y")
	require.ErrorIs(t, err, errDown)
	require.ErrorIs(t, c.Delete(t.Context(), ref(slo.KindSLO, "a")), errDown)
	require.Equal(t, []string{"a@1"}, inForce(c))
	require.Equal(t, []string{"read", "tell 1"}, w.events(), "nothing was recorded")

	w.saveFails = false
	_, err = apply(t, c, "b y")
	require.NoError(t, err)
	require.Equal(t, []string{"a@1", "b@1"}, inForce(c))
}

func TestASaveThatFailedAfterItsCommitIsFoundAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	w.saveFails, w.commitsAnyway = true, true
	_, err := apply(t, c, "a x")
	require.ErrorIs(t, err, errDown)
	require.Empty(t, c.Definitions())

	w.saveFails = false
	w.events()
	_, err = apply(t, c, "a x")
	require.NoError(t, err)
	require.Equal(t, []string{"read", "append", "tell 1"}, w.events(), "it is not saved twice")
	require.Equal(t, []string{"a@1"}, inForce(c))
}

func TestWhatTheJournalDoesNotKnowIsNotInForce(t *testing.T) {
	t.Parallel()
	for name, retry := range map[string]func(context.Context, *catalog.Catalog) error{
		"the same again": func(ctx context.Context, c *catalog.Catalog) error {
			_, err := c.Apply(ctx, request("b y"))
			return err
		},
		"a load": func(ctx context.Context, c *catalog.Catalog) error { return c.Load(ctx) },
		"a sync": func(ctx context.Context, c *catalog.Catalog) error {
			_, err := c.Sync(ctx, nil)
			return err
		},
		"a deletion of what nobody has": func(ctx context.Context, c *catalog.Catalog) error {
			if err := c.Delete(ctx, ref(slo.KindSLO, "nobody")); err == nil || err.Error() != `delete "nobody": no such SLO` {
				return fmt.Errorf("unexpected: %w", err)
			}
			return nil
		},
	} {
		t.Run("it comes into force with "+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c := open(t, w)
			_, err := apply(t, c, "a x")
			require.NoError(t, err)
			w.events()

			w.appendFails = true
			_, err = apply(t, c, "b y")
			require.ErrorIs(t, err, errDown)
			require.Equal(t, []string{"a@1"}, inForce(c))
			require.Equal(t, []string{"save 1, archive 0"}, w.events())
			_, err = apply(t, c, "c z")
			require.ErrorIs(t, err, errDown)
			require.Equal(t, []string{"read"}, w.events(), "nothing is saved before the journal knows the last change")

			w.appendFails = false
			require.NoError(t, retry(t.Context(), c))
			require.Equal(t, []string{"read", "append", "tell 2"}, w.events())
			require.Equal(t, []string{"a@1", "b@1"}, inForce(c))
			require.Len(t, w.recorded(t), 2)
		})
	}
}

func TestARecordThatMayBeInTheJournalIsNotTrusted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	w.appendFails, w.writesAnyway = true, true
	_, err := apply(t, c, "a x")
	require.ErrorIs(t, err, errDown)
	require.Len(t, w.recorded(t), 1)

	w.appendFails, w.archived[ref(slo.KindSLO, "a")] = false, true // By another process.
	require.NoError(t, c.Load(t.Context()))
	require.Empty(t, w.recorded(t), "the journal has the last word of the store again")
}

func TestACallerWhoGoesAwayDoesNotPartJournalAndStore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	w.onSave = cancel
	_, err := c.Apply(ctx, request("a x"))
	require.NoError(t, err)
	require.Equal(t, []string{"save 1, archive 0", "append", "tell 1"}, w.events())
}

func TestReadersNeedNoLock(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := open(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				for _, d := range c.Definitions() {
					if found, ok := c.Definition(d.SLO.Name); ok && found.SLO.Name != d.SLO.Name {
						t.Errorf("asked for %s, got %s", d.SLO.Name, found.SLO.Name)
					}
				}
			}
		})
	}
	var writers sync.WaitGroup
	for i := range 20 {
		writers.Go(func() {
			_, err := c.Apply(t.Context(), request(fmt.Sprintf("s%02d x", i)))
			if err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
	require.Len(t, c.Definitions(), 20)
	for i, set := range w.changes[1:] {
		require.Len(t, set, i+1, "changes are told in their order")
	}
}

func TestTheNumberOfSLOsIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range catalog.MaxSLOs {
		name := fmt.Sprintf("s%d", i)
		w.latest[name] = slo.Definition{SLO: slo.SLO{Name: name}, Document: []byte(name), Revision: 1}
	}
	c := open(t, w)
	_, err := apply(t, c, "new x")
	require.ErrorContains(t, err, "100001 SLOs would be in force, more than the limit of 100000")
	require.Empty(t, w.events())
	_, err = apply(t, c, "s7 x")
	require.NoError(t, err, "a new revision is no new SLO")
}

// clocked is an empty catalog whose clock is at now, and which counts what was
// measured before an edit for as long after it.
func clocked(t *testing.T, now *time.Time, lateness time.Duration) (*world, *catalog.Catalog) {
	t.Helper()
	w := newWorld()
	settings := w.settings()
	settings.Now, settings.Lateness = func() time.Time { return *now }, lateness
	c, err := catalog.New(settings)
	require.NoError(t, err)
	require.NoError(t, c.Load(t.Context()))
	return w, c
}

func TestAnSLOIsCreatedAnewOnceItWasDeleted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, c := clocked(t, &now, 0)
	created := func(text string) time.Time {
		t.Helper()
		now = now.Add(time.Hour)
		_, err := apply(t, c, text)
		require.NoError(t, err)
		d, _ := c.Definition("a")
		return d.CreatedAt
	}
	first := created("a x")
	require.Equal(t, now, first)
	require.Equal(t, first, created("a y"), "an edit does not create it")
	require.NoError(t, c.Delete(t.Context(), ref(slo.KindSLO, "a")))
	require.Equal(t, first.Add(2*time.Hour), created("a y"))
}

func TestWhatWasMeasuredBeforeAnEditIsCountedUntilItIsRetired(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w, c := clocked(t, &now, 0)
	apply := func(text string, retireNow bool) {
		t.Helper()
		_, err := c.Apply(t.Context(), slo.Documents{File: "request", Data: []byte(text), RetireNow: retireNow})
		require.NoError(t, err)
	}
	apply("a x", false)
	now = now.Add(time.Hour)
	apply("a y", false)
	require.Len(t, w.recorded(t), 2, "both are counted")
	require.NoError(t, c.Retire(t.Context()))
	require.Len(t, w.recorded(t), 2)
	now = now.Add(72*time.Hour + time.Second)
	require.NoError(t, c.Retire(t.Context()))
	require.Len(t, w.recorded(t), 1, "every look-back is covered")
	d, _ := c.Definition("a")
	require.True(t, d.Earlier[0].Retired)
	require.Equal(t, 1, d.Earlier[0].Revision, "its history stays")

	apply("a z", true)
	require.Len(t, w.recorded(t), 1, "retired at once")
	apply("a x", false)
	require.Len(t, w.recorded(t), 2)
	apply("a x", true)
	require.Len(t, w.recorded(t), 1, "afterwards, by a document that is in force already")
	apply("a x", true)
	d, _ = c.Definition("a")
	require.Equal(t, 5, d.Revision, "and that is no change a second time")
}

// TestWhatComesLateIsCountedByWhatWasMeasuredThen retires at once: the budget
// takes what belongs before the edit from the series of then, so that is counted
// for as long as something of before can come.
func TestWhatComesLateIsCountedByWhatWasMeasuredThen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w, c := clocked(t, &now, 24*time.Hour)
	for _, text := range []string{"a x", "a y"} {
		_, err := c.Apply(t.Context(), slo.Documents{File: "request", Data: []byte(text), RetireNow: true})
		require.NoError(t, err)
	}
	for _, step := range []struct {
		pass    time.Duration
		counted int
	}{{0, 2}, {23 * time.Hour, 2}, {time.Hour, 1}, {time.Hour, 1}} {
		now = now.Add(step.pass)
		require.NoError(t, c.Retire(t.Context()))
		require.Len(t, w.recorded(t), step.counted)
		d, _ := c.Definition("a")
		require.True(t, d.Earlier[0].Retired, "no tier is judged by it from the beginning")
	}
}
