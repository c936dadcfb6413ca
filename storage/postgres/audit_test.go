package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

// auditing is a ledger of two series in ten slices, the newest of which are open.
type auditing struct {
	*testing.T
	store   *postgres.Store
	address string
	first   slo.Slice
}

func newAuditing(t *testing.T) auditing {
	t.Helper()
	store, address := open(t)
	store.RaiseEpoch(t)
	a := auditing{t, store, address, slo.SliceOf(noon)}
	var deltas []slo.Delta
	for i := range 20 {
		deltas = append(deltas, slo.Delta{Series: seriesID(i % 2), Slice: a.first + slo.Slice(i/2), Counts: slo.Counts{Good: 1}})
	}
	a.commit(deltas...)
	return a
}

// commit adds deltas when the slices up to the sixth are closed.
func (a auditing) commit(deltas ...slo.Delta) {
	a.Helper()
	require.NoError(a, next(a.T, a.store, func(c *slo.Commit) {
		c.Deltas, c.MeasuredUntil = deltas, (a.first + 5).End().Add(slo.LateAfter+1)
	}))
}

func (a auditing) audit(change func(*slo.Audit)) error {
	a.Helper()
	cursor, err := a.store.Cursor(a.Context(), "a")
	require.NoError(a, err)
	audit := slo.Audit{
		Shard: "a", At: noon.Add(time.Duration(cursor.Sequence) * time.Hour), From: a.first, To: a.first + 10, Cursor: cursor, Through: cursor.Offset,
		Buckets: 10, Spans: 11, Series: []slo.SeriesID{seriesID(0)},
	}
	change(&audit)
	return a.store.SaveAudit(a.Context(), audit, nil)
}

// verdicts are the verdicts on the ten slices of a series, a letter each.
func (a auditing) verdicts(series int) string {
	a.Helper()
	verdicts, err := a.store.AuditVerdicts(a.Context(), seriesID(series), a.first, a.first+10)
	require.NoError(a, err)
	letters := []byte("          ")
	for _, v := range verdicts {
		for slice := v.From; slice < v.To; slice++ {
			if slice >= a.first+10 {
				continue // The rest of a minute.
			}
			letters[slice-a.first] = map[slo.AuditVerdict]byte{slo.NotAudited: '.', slo.AuditEqual: '=', slo.AuditDiffers: '!'}[v.Verdict]
		}
	}
	return string(letters)
}

func (a auditing) differ(slices ...int) []slo.Difference {
	var differences []slo.Difference
	for _, s := range slices {
		differences = append(differences, slo.Difference{
			Series: seriesID(0), Slice: a.first + slo.Slice(s), Ledger: slo.Counts{Good: 1}, Recount: slo.Counts{Bad: 2, Unknown: 3},
		})
	}
	return differences
}

func TestVerdictsOfAudits(t *testing.T) {
	t.Parallel()
	equal := func(*slo.Audit) {}
	for name, c := range map[string]struct {
		do   func(a auditing)
		want string
	}{
		"none yet":                   {func(auditing) {}, ".........."},
		"equal, where it was closed": {func(a auditing) { require.NoError(a, a.audit(equal)) }, "======...."},
		"of some slices only": {func(a auditing) {
			require.NoError(a, a.audit(func(x *slo.Audit) { x.From, x.To = a.first+1, a.first+3 }))
		}, ".==......."},
		"of other series": {func(a auditing) {
			require.NoError(a, a.audit(func(x *slo.Audit) { x.Series = []slo.SeriesID{seriesID(1)} }))
		}, ".........."},
		"one differs": {func(a auditing) {
			require.NoError(a, a.audit(func(x *slo.Audit) { x.Differing, x.Differences = 1, a.differ(2) }))
		}, "==!===...."},
		"more differ than are told": {func(a auditing) {
			require.NoError(a, a.audit(func(x *slo.Audit) { x.Differing, x.Differences = 9, a.differ(2) }))
		}, "..!......."},
		"a slice that the ledger has lost": {func(a auditing) {
			require.NoError(a, a.audit(func(x *slo.Audit) { x.From, x.Differing, x.Differences = a.first-1, 1, a.differ(-1) }))
		}, "======...."},
		"a newer one counts": {func(a auditing) {
			require.NoError(a, a.audit(func(x *slo.Audit) { x.From, x.Differing, x.Differences = a.first-1, 1, a.differ(2) }))
			require.NoError(a, a.audit(equal))
		}, "======...."},
		"a bucket that was revised is not audited": {func(a auditing) {
			require.NoError(a, a.audit(equal))
			a.commit(slo.Delta{Series: seriesID(0), Slice: a.first + 1, Counts: slo.Counts{Bad: 1}, Corrections: slo.Corrections{Late: 1}})
		}, "=.====...."},
		"until it is audited again": {func(a auditing) {
			a.commit(slo.Delta{Series: seriesID(0), Slice: a.first + 1, Counts: slo.Counts{Bad: 1}, Corrections: slo.Corrections{Late: 1}})
			require.NoError(a, a.audit(equal))
		}, "======...."},
		"a repeat revises nothing": {func(a auditing) {
			require.NoError(a, a.audit(equal))
			a.commit(slo.Delta{Series: seriesID(0), Slice: a.first + 1, Corrections: slo.Corrections{Repeats: 1}})
		}, "======...."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuditing(t)
			c.do(a)
			require.Equal(t, c.want, a.verdicts(0))
			pack(t, a.store, everything)
			require.Equal(t, c.want, a.verdicts(0), "packed")
		})
	}
}

func TestVerdictsOfMinutes(t *testing.T) {
	t.Parallel()
	late := slo.Delta{Series: seriesID(0), Counts: slo.Counts{Bad: 1}, Corrections: slo.Corrections{Late: 1}}
	for name, c := range map[string]struct {
		do   func(a auditing)
		want string
	}{
		"none":                         {func(auditing) {}, ".........."},
		"the second is not closed":     {func(a auditing) { require.NoError(a, a.audit(func(*slo.Audit) {})) }, "======...."},
		"a minute only partly audited": {func(a auditing) { require.NoError(a, a.audit(func(x *slo.Audit) { x.From++ })) }, ".........."},
		"one slice differs": {func(a auditing) {
			require.NoError(a, a.audit(func(x *slo.Audit) { x.Differing, x.Differences = 1, a.differ(2) }))
		}, "!!!!!!...."},
		"one slice was revised": {func(a auditing) {
			require.NoError(a, a.audit(func(*slo.Audit) {}))
			late.Slice = a.first + 4
			a.commit(late)
		}, ".........."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuditing(t)
			c.do(a)
			p := everything
			p.Minutes = p.Closed
			pack(t, a.store, p)
			require.Equal(t, c.want, a.verdicts(0))
		})
	}
}

func TestAuditsComeBackAsTheyWereSaved(t *testing.T) {
	t.Parallel()
	a := newAuditing(t)
	tell := []slo.Notification{notification("audit of a", slo.Firing, "pager")}
	cursor, err := a.store.Cursor(t.Context(), "a")
	require.NoError(t, err)
	audit := slo.Audit{
		Shard: "a", At: noon, From: a.first, To: a.first + 9, Cursor: cursor, Through: 8, Buckets: 7, Spans: 6,
		Series: []slo.SeriesID{seriesID(0), seriesID(1)}, Differences: a.differ(2, 3), Differing: 200, Sealed: true, SealedThrough: 5,
	}
	other, err := postgres.Open(t.Context(), a.address, postgres.Options{MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(other.Close)
	other.RaiseEpoch(t)
	require.ErrorIs(t, a.store.SaveAudit(t.Context(), audit, tell), slo.ErrFenced)
	a.store.RaiseEpoch(t)
	audits, err := a.store.LatestAudits(t.Context(), 9)
	require.NoError(t, err)
	require.Empty(t, audits)
	require.NoError(t, a.store.SaveAudit(t.Context(), audit, tell))
	audits, err = a.store.LatestAudits(t.Context(), 9)
	require.NoError(t, err)
	want := audit
	want.Cursor, want.SealedThrough = slo.Cursor{Sequence: cursor.Sequence}, 0
	require.Equal(t, []slo.Audit{want}, audits)
	sealed, err := a.store.Sealed(t.Context(), "a")
	require.NoError(t, err)
	require.EqualValues(t, 5, sealed)
	waiting, _, err := a.store.Undelivered(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, waiting)
	verdicts, err := a.store.AuditVerdicts(t.Context(), seriesID(0), a.first, a.first+1)
	require.NoError(t, err)
	require.Equal(t, []slo.SliceVerdict{{From: a.first, To: a.first + 1, Verdict: slo.NotAudited, At: noon, Sealed: true}}, verdicts)

	audit.SealedThrough = 3
	require.NoError(t, a.store.SaveAudit(t.Context(), audit, tell))
	sealed, err = a.store.Sealed(t.Context(), "a")
	require.NoError(t, err)
	require.EqualValues(t, 5, sealed, "it never goes back")
	sealed, err = a.store.Sealed(t.Context(), "b")
	require.NoError(t, err)
	require.Zero(t, sealed)

	audit.Cursor = slo.Cursor{}
	require.ErrorContains(t, a.store.SaveAudit(t.Context(), audit, nil), "which commit")
}

func TestAuditsThatNewerOnesCoverAreDropped(t *testing.T) {
	t.Parallel()
	a := newAuditing(t)
	save := func(from, to int, sealed bool, series ...slo.SeriesID) {
		require.NoError(t, a.audit(func(x *slo.Audit) {
			x.From, x.To, x.Sealed, x.Series = a.first+slo.Slice(from), a.first+slo.Slice(to), sealed, series
		}))
	}
	kept := func() int {
		audits, err := a.store.LatestAudits(context.WithoutCancel(t.Context()), 99)
		require.NoError(t, err)
		return len(audits)
	}
	save(2, 4, false, seriesID(0))
	save(2, 4, false, seriesID(0), seriesID(1))
	require.Equal(t, 1, kept(), "the first is covered")
	save(1, 4, false, seriesID(0))
	require.Equal(t, 2, kept(), "not for the second series")
	save(3, 9, false, seriesID(0), seriesID(1))
	require.Equal(t, 3, kept(), "not as far back")
	save(0, 5, true, seriesID(0), seriesID(1))
	require.Equal(t, 2, kept())
	save(0, 9, false, seriesID(0), seriesID(1))
	require.Equal(t, 2, kept(), "the sealed one stays")
	save(0, 9, true, seriesID(0), seriesID(1))
	require.Equal(t, 1, kept())
}
