package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

// moment is one verdict of a tier, so many seconds after the begin.
type moment struct {
	after       time.Duration
	long, short bool
	empty       bool
	frozen      bool
	want        slo.EpisodeState // Empty: no transition.
}

func TestEpisodesFollowTheirTier(t *testing.T) {
	t.Parallel()
	const second, minute = time.Second, time.Minute
	tests := map[string]struct {
		holdFor time.Duration
		moments []moment
	}{
		"both windows over fire at once": {
			moments: []moment{{after: 0, long: true, short: true, want: slo.Firing}},
		},
		"the long window alone is pending, the short one makes it fire, its end resolves": {
			moments: []moment{
				{after: 0, long: true, want: slo.Pending},
				{after: second, long: true},
				{after: 2 * second, long: true, short: true, want: slo.Firing},
				{after: 3 * second, long: true, short: true},
				{after: 4 * second, long: true, want: slo.Resolved},
			},
		},
		"a pending episode whose long window falls lapses": {
			moments: []moment{{after: 0, long: true, want: slo.Pending}, {after: second, want: slo.Lapsed}},
		},
		"the short window alone does nothing": {
			moments: []moment{{after: 0, short: true}, {after: second, short: true}},
		},
		"silence is no recovery: an empty short window holds what fires": {
			moments: []moment{
				{after: 0, long: true, short: true, want: slo.Firing},
				{after: minute, long: true, empty: true},
				{after: 60 * minute, empty: true},
				{after: 61 * minute, want: slo.Resolved},
			},
		},
		"what is not measured neither fires nor resolves": {
			moments: []moment{
				{after: 0, long: true, short: true, frozen: true},
				{after: second, long: true, short: true, want: slo.Firing},
				{after: 2 * second, frozen: true},
				{after: 3 * second, want: slo.Resolved},
			},
		},
		"the fast tier is one episode until five minutes were quiet": {
			holdFor: 5 * minute,
			moments: []moment{
				{after: 0, long: true, short: true, want: slo.Firing},
				{after: minute, long: true},
				{after: 4 * minute, long: true, short: true},
				{after: 5 * minute, long: true},
				{after: 9*minute - second},
				{after: 9 * minute, want: slo.Resolved},
			},
		},
		"a resolved episode is followed by a new one": {
			moments: []moment{
				{after: 0, long: true, short: true, want: slo.Firing},
				{after: second, want: slo.Resolved},
				{after: 2 * second, long: true, short: true, want: slo.Firing},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Unix(1_780_000_000, 0).UTC()
			definition := slo.SLO{Name: "checkout"}
			open := map[string]slo.Episode{}
			seen := map[string]bool{}
			for _, m := range test.moments {
				at := begin.Add(m.after)
				short := slo.Counts{Good: 1}
				if m.empty {
					short = slo.Counts{}
				}
				status := slo.ObjectiveStatus{To: at, Tiers: []slo.TierStatus{{
					Tier:     &slo.Tier{Name: "1h", Severity: slo.Page, HoldFor: test.holdFor},
					LongOver: m.long, ShortOver: m.short, Frozen: m.frozen, Short: slo.LookBackCounts{Counts: short},
				}}}
				moved := slo.Advance(&definition, &status, open, nil, at)
				if m.want == "" {
					require.Empty(t, moved, "after %s", m.after)
					continue
				}
				require.Len(t, moved, 1, "after %s", m.after)
				episode := moved[0].Episode
				require.Equal(t, m.want, episode.State, "after %s", m.after)
				require.Equal(t, "checkout", episode.SLO)
				require.Equal(t, slo.Page, episode.Severity)
				require.NotEmpty(t, episode.ID)
				if m.want == slo.Resolved || m.want == slo.Lapsed {
					require.Equal(t, at, episode.ResolvedAt)
					delete(open, "1h")
					seen[episode.ID] = true
					continue
				}
				require.NotContains(t, seen, episode.ID, "an identity is used once")
				open["1h"] = episode
			}
		})
	}
}

func TestAnEpisodeWhoseTierIsGoneEnds(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_780_000_000, 0).UTC()
	open := map[string]slo.Episode{
		"1h": {ID: "a", SLO: "x", Tier: "1h", State: slo.Firing, FiredAt: at.Add(-time.Minute)},
		"6h": {ID: "b", SLO: "x", Tier: "6h", State: slo.Pending},
	}
	moved := slo.Advance(&slo.SLO{Name: "x"}, &slo.ObjectiveStatus{To: at, Tiers: []slo.TierStatus{
		{Tier: &slo.Tier{Name: "6h", LeftOut: "it can never fire"}},
	}}, open, nil, at)
	states := map[string]slo.EpisodeState{}
	for _, m := range moved {
		states[m.Episode.ID] = m.Episode.State
	}
	require.Equal(t, map[string]slo.EpisodeState{"a": slo.Resolved, "b": slo.Lapsed}, states)
}
