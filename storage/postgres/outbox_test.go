package postgres_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

const lease = time.Minute

// transition makes an episode enter a state, a minute for each state.
func transition(t *testing.T, episode string, state slo.EpisodeState) slo.Transition {
	t.Helper()
	moved, err := newTransition(episode, state)
	require.NoError(t, err)
	return moved
}

// newTransition is a transition for goroutines that must not end a test.
func newTransition(episode string, state slo.EpisodeState) (slo.Transition, error) {
	target, err := slo.ParseTarget("0.999", false)
	if err != nil {
		return slo.Transition{}, err
	}
	definition := slo.SLO{Name: "checkout-fast", Window: slo.Window{Duration: 30 * 24 * time.Hour}, Objectives: []slo.Objective{{Target: target}}}
	tier := slo.TierStatus{
		Tier: &slo.DefaultPolicy(target, definition.Window, 0)[1],
		Long: slo.LookBackCounts{Counts: slo.Counts{Good: 970, Bad: 30}, Rate: 30},
	}
	e := slo.Episode{
		ID: episode, SLO: definition.Name, Tier: tier.Name, Severity: slo.Page, State: state,
		PendingSince: noon, LastOver: noon.Add(7),
	}
	at := noon
	switch state {
	case slo.Firing:
		at = noon.Add(time.Minute)
		e.FiredAt = at
	case slo.Resolved:
		at = noon.Add(2 * time.Minute)
		e.FiredAt, e.ResolvedAt = noon.Add(time.Minute), at
	case slo.Lapsed:
		at = noon.Add(time.Minute)
		e.ResolvedAt = at
	case slo.Pending:
	}
	return slo.Transition{
		Episode: e, At: at, SLO: definition, Tier: tier,
		Status: slo.ObjectiveStatus{Target: target, Window: definition.Window, To: at, Counts: slo.Counts{Good: 970, Bad: 30}},
	}, nil
}

func notification(episode string, state slo.EpisodeState, receiver string) slo.Notification {
	return slo.Notification{
		ID: fmt.Sprintf("%s %s %s", episode, state, receiver), Receiver: receiver, Episode: episode, State: state,
		Payload: []byte(`{"payload": "` + string(state) + `"}`), CreatedAt: noon.Add(123456789),
	}
}

// save stores a transition and a notification of it to each receiver.
func save(t *testing.T, store *postgres.Store, episode string, state slo.EpisodeState, receivers ...string) {
	t.Helper()
	var notifications []slo.Notification
	for _, receiver := range receivers {
		notifications = append(notifications, notification(episode, state, receiver))
	}
	require.NoError(t, store.SaveTransitions(t.Context(), store.RaiseEpoch(t), []slo.Transition{transition(t, episode, state)}, notifications))
}

func claim(t *testing.T, store *postgres.Store, now time.Time, limit int) []slo.Notification {
	t.Helper()
	claimed, err := store.Claim(t.Context(), now, lease, limit)
	require.NoError(t, err)
	return claimed
}

// ids names what was claimed.
func ids(notifications []slo.Notification) []string {
	names := []string{}
	for _, n := range notifications {
		names = append(names, n.ID)
	}
	return names
}

func TestEpisodesNeverGoBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		states []slo.EpisodeState
		want   slo.EpisodeState
		open   bool
	}{
		"a pending one is open":              {[]slo.EpisodeState{slo.Pending}, slo.Pending, true},
		"one may fire at once":               {[]slo.EpisodeState{slo.Firing}, slo.Firing, true},
		"a pending one may fire":             {[]slo.EpisodeState{slo.Pending, slo.Firing}, slo.Firing, true},
		"a pending one may lapse":            {[]slo.EpisodeState{slo.Pending, slo.Lapsed}, slo.Lapsed, false},
		"a firing one resolves":              {[]slo.EpisodeState{slo.Pending, slo.Firing, slo.Resolved}, slo.Resolved, false},
		"a repeated firing changes nothing":  {[]slo.EpisodeState{slo.Firing, slo.Resolved, slo.Firing}, slo.Resolved, false},
		"a repeated pending changes nothing": {[]slo.EpisodeState{slo.Pending, slo.Firing, slo.Pending}, slo.Firing, true},
		"all of it may come at once, twice": {
			[]slo.EpisodeState{slo.Pending, slo.Firing, slo.Resolved, slo.Pending, slo.Firing, slo.Resolved}, slo.Resolved, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := postgrestest.Store(t)
			for _, state := range c.states {
				save(t, store, "e", state)
			}
			episodes, err := store.FindEpisodes(t.Context(), slo.EpisodeQuery{Limit: 10})
			require.NoError(t, err)
			require.Equal(t, []slo.Episode{transition(t, "e", c.want).Episode}, episodes)
			open, err := store.OpenEpisodes(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.open, len(open) == 1)
		})
	}
}

func TestEpisodesAreNewestFirst(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	for i := range 3 {
		moved := transition(t, fmt.Sprint("e", i), slo.Pending)
		moved.Episode.PendingSince = noon.Add(time.Duration(i) * time.Hour)
		require.NoError(t, store.SaveTransitions(t.Context(), store.RaiseEpoch(t), []slo.Transition{moved}, nil))
	}
	episodes, err := store.FindEpisodes(t.Context(), slo.EpisodeQuery{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, []string{"e2", "e1"}, []string{episodes[0].ID, episodes[1].ID})
}

func TestTransitionsKeepTheirEvidence(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	save(t, store, "e", slo.Firing)
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	var text []byte
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT evidence FROM transitions WHERE episode = 'e' AND state = 'firing'`).Scan(&text))
	var evidence struct {
		Target string
		Tier   struct {
			Name   string
			Factor float64
			Long   struct {
				Length string
				Counts struct{ Good, Bad int64 }
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &evidence))
	require.Equal(t, "0.999", evidence.Target)
	require.Equal(t, "1h", evidence.Tier.Name)
	require.InDelta(t, 14.4, evidence.Tier.Factor, 1e-9)
	require.Equal(t, "1h", evidence.Tier.Long.Length)
	require.EqualValues(t, 30, evidence.Tier.Long.Counts.Bad)
}

func TestClaimHandsOutEachMessageOnce(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	save(t, store, "e", slo.Firing, "a")
	save(t, store, "e", slo.Firing, "a") // A repeat adds nothing.

	require.Empty(t, claim(t, store, noon, 10), "it is not yet due")
	now := noon.Add(time.Minute)
	claimed := claim(t, store, now, 10)
	want := notification("e", slo.Firing, "a")
	want.Attempt = 1
	require.Equal(t, []slo.Notification{want}, claimed)
	require.Empty(t, claim(t, store, now, 10), "it is leased")
	due, waits, err := store.NextDue(t.Context())
	require.NoError(t, err)
	require.True(t, waits)
	require.Equal(t, now.Add(lease), due)

	again := claim(t, store, now.Add(lease), 10)
	require.Len(t, again, 1, "its lease has run out")
	require.Equal(t, 2, again[0].Attempt)
	require.NoError(t, store.Delivered(t.Context(), claimed[0], now), "the first attempt comes too late")
	count, oldest, err := store.Undelivered(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, count)
	require.Equal(t, want.CreatedAt, oldest)

	require.NoError(t, store.Delivered(t.Context(), again[0], now.Add(lease)))
	require.NoError(t, store.Retry(t.Context(), again[0], now, "after it was delivered"))
	require.Empty(t, claim(t, store, now.AddDate(1, 0, 0), 10), "it was delivered")
	count, oldest, err = store.Undelivered(t.Context())
	require.NoError(t, err)
	require.Zero(t, count)
	require.Zero(t, oldest)
	_, waits, err = store.NextDue(t.Context())
	require.NoError(t, err)
	require.False(t, waits)
}

func TestRetryWaitsAndAbandonLetsTheNextPass(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	save(t, store, "e", slo.Firing, "a")
	save(t, store, "e", slo.Resolved, "a")
	now := noon.Add(time.Hour)
	firing := claim(t, store, now, 10)
	require.Equal(t, []string{"e firing a"}, ids(firing), "the resolve waits")

	hostile := "503 \x00\xff" + strings.Repeat("é", 2000)
	require.NoError(t, store.Retry(t.Context(), firing[0], now.Add(time.Hour), hostile))
	require.Empty(t, claim(t, store, now.Add(59*time.Minute), 10), "even the resolve waits")
	firing = claim(t, store, now.Add(time.Hour), 10)
	require.Equal(t, []string{"e firing a"}, ids(firing))
	require.NoError(t, store.Abandon(t.Context(), firing[0], now, "410"))
	require.Equal(t, []string{"e resolved a"}, ids(claim(t, store, now.Add(time.Hour), 10)))
}

func TestClaimGivesEveryReceiverATurn(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	for i := range 20 {
		save(t, store, fmt.Sprint("e", i), slo.Firing, "slow")
	}
	save(t, store, "last", slo.Firing, "quick")
	require.Contains(t, ids(claim(t, store, noon.Add(time.Hour), 4)), "last firing quick")
}

func TestFiringTellsWhatStillFires(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	save(t, store, "over", slo.Firing, "a")
	save(t, store, "over", slo.Resolved, "a")
	save(t, store, "on", slo.Firing, "a", "b")
	now := noon.Add(time.Hour)
	for _, n := range claim(t, store, now, 10) {
		require.NoError(t, store.Delivered(t.Context(), n, now))
	}
	firing, err := store.Firing(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, []string{"on firing a"}, ids(firing))
	require.Equal(t, notification("on", slo.Firing, "a").Payload, firing[0].Payload)
}

func TestDeliveriesOfAnEpisodeKeepTheirOrder(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	rapid.Check(t, func(r *rapid.T) {
		execute(t, address, `DELETE FROM attempts; DELETE FROM outbox; DELETE FROM transitions; DELETE FROM episodes`)
		next := map[string]int{} // by episode
		states := []slo.EpisodeState{slo.Firing, slo.Resolved}
		now := noon.Add(time.Hour)
		held := map[string]slo.Notification{}
		delivered := map[string][]slo.EpisodeState{} // by receiver and episode
		settle := func(n slo.Notification) {
			if current := held[n.ID]; current.Attempt == n.Attempt {
				delivered[n.Receiver+n.Episode] = append(delivered[n.Receiver+n.Episode], n.State)
			}
			require.NoError(t, store.Delivered(t.Context(), n, now))
			delete(held, n.ID)
		}
		claimMore := func(limit int) {
			for _, n := range claim(t, store, now, limit) {
				before, twice := held[n.ID]
				require.True(t, !twice || n.Attempt > before.Attempt)
				held[n.ID] = n
			}
		}
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"save", "save", "claim", "deliver", "retry", "expire"}).Draw(r, "step") {
			case "save":
				episode := rapid.SampledFrom([]string{"e", "f"}).Draw(r, "episode")
				if next[episode] < len(states) {
					save(t, store, episode, states[next[episode]], "a", "b")
					next[episode]++
				}
			case "claim":
				claimMore(rapid.IntRange(1, 3).Draw(r, "limit"))
			case "deliver":
				for _, id := range slices.Sorted(maps.Keys(held)) {
					if rapid.Bool().Draw(r, "deliver") {
						settle(held[id])
					}
				}
			case "retry":
				for _, id := range slices.Sorted(maps.Keys(held)) {
					require.NoError(t, store.Retry(t.Context(), held[id], now.Add(time.Second), "503"))
					delete(held, id)
				}
			case "expire":
				now = now.Add(lease)
			}
		}
		for range 10 {
			now = now.Add(2 * lease)
			claimMore(10)
			for _, id := range slices.Sorted(maps.Keys(held)) {
				settle(held[id])
			}
		}
		for episode, n := range next {
			for _, receiver := range []string{"a", "b"} {
				require.Equal(t, states[:n], delivered[receiver+episode], "each once, in order")
			}
		}
	})
}
