package postgres_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// TestEpisodesAreFoundAsByLookingAtEachOfThem compares the query with a loop
// over all episodes, on many random questions.
func TestEpisodesAreFoundAsByLookingAtEachOfThem(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	random := rand.New(rand.NewPCG(1, 2))
	states := []slo.EpisodeState{slo.Pending, slo.Firing, slo.Resolved, slo.Lapsed}
	var all []slo.Episode
	for i := range 40 {
		moved := transition(t, fmt.Sprintf("e%02d", i), states[random.IntN(4)])
		e := &moved.Episode
		e.SLO = fmt.Sprint("slo", random.IntN(3))
		e.PendingSince = noon.Add(time.Duration(i) * time.Minute)
		if !e.ResolvedAt.IsZero() {
			e.ResolvedAt = e.PendingSince.Add(time.Duration(1+random.IntN(30)) * time.Minute)
		}
		require.NoError(t, store.SaveTransitions(t.Context(), store.RaiseEpoch(t), []slo.Transition{moved}, nil))
		all = append(all, *e)
	}
	for range 200 {
		query := slo.EpisodeQuery{Limit: 1 + random.IntN(50), Offset: random.IntN(10)}
		if random.IntN(2) == 0 {
			query.SLO = fmt.Sprint("slo", random.IntN(4))
		}
		for _, state := range states {
			if random.IntN(3) == 0 {
				query.States = append(query.States, state)
			}
		}
		if random.IntN(2) == 0 {
			query.From = noon.Add(time.Duration(random.IntN(60)) * time.Minute)
		}
		if random.IntN(2) == 0 {
			query.To = noon.Add(time.Duration(random.IntN(60)) * time.Minute)
		}
		want := selected(all, query)
		count, err := store.CountEpisodes(t.Context(), query)
		require.NoError(t, err)
		require.Len(t, want, count, "%+v", query)
		want = want[min(query.Offset, len(want)):]
		want = want[:min(query.Limit, len(want))]
		found, err := store.FindEpisodes(t.Context(), query)
		require.NoError(t, err)
		require.Equal(t, names(want), names(found), "%+v", query)
	}
}

// selected is the answer by the words of slo.EpisodeQuery.
func selected(all []slo.Episode, query slo.EpisodeQuery) []slo.Episode {
	var found []slo.Episode
	for _, e := range all {
		open := e.ResolvedAt.IsZero()
		if (query.SLO == "" || e.SLO == query.SLO) &&
			(len(query.States) == 0 || slices.Contains(query.States, e.State)) &&
			(query.From.IsZero() || open || e.ResolvedAt.After(query.From)) &&
			(query.To.IsZero() || e.PendingSince.Before(query.To)) {
			found = append(found, e)
		}
	}
	rank := map[slo.EpisodeState]int{slo.Firing: 0, slo.Pending: 1, slo.Resolved: 2, slo.Lapsed: 2}
	slices.SortFunc(found, func(a, b slo.Episode) int {
		return cmp.Or(rank[a.State]-rank[b.State], b.PendingSince.Compare(a.PendingSince))
	})
	return found
}

func names(episodes []slo.Episode) []string {
	ids := make([]string, len(episodes))
	for i, e := range episodes {
		ids[i] = e.ID
	}
	return ids
}

func TestTheStateOfEachReceiverIsKnown(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	none, err := store.Receivers(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)

	save(t, store, "e", slo.Firing, "down", "up", "waiting")
	now := noon.Add(time.Minute)
	for _, n := range claim(t, store, now, 10) {
		switch n.Receiver {
		case "up":
			require.NoError(t, store.Delivered(t.Context(), n, now))
		case "down":
			require.NoError(t, store.Retry(t.Context(), n, now.Add(time.Hour), "connection refused"))
		}
	}
	states, err := store.Receivers(t.Context())
	require.NoError(t, err)
	require.Len(t, states, 3)
	down, up, waiting := states[0], states[1], states[2]
	require.Equal(t, "down", down.Name)
	require.Equal(t, 1, down.Undelivered)
	require.Equal(t, "connection refused", down.Cause)
	require.False(t, down.FailedAt.IsZero())
	require.Equal(t, notification("e", slo.Firing, "down").CreatedAt, down.OldestAt)
	require.Zero(t, up.Undelivered)
	require.Equal(t, now, up.DeliveredAt)
	require.Empty(t, up.Cause)
	require.Equal(t, 1, waiting.Undelivered)
	require.True(t, waiting.FailedAt.IsZero())

	again := claim(t, store, now.Add(2*time.Hour), 10)
	for _, n := range again {
		if n.Receiver == "down" {
			require.NoError(t, store.Delivered(t.Context(), n, now.Add(2*time.Hour)))
		}
	}
	states, err = store.Receivers(t.Context())
	require.NoError(t, err)
	require.Empty(t, states[0].Cause, "a success ends the trouble")

	size, err := store.Size(t.Context())
	require.NoError(t, err)
	require.Greater(t, size, int64(1<<20))
}
