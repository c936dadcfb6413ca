package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
)

// TestADefectInOneObjectiveLeavesTheOthersJudged lets the expansion of one
// objective's exclusions panic, from the start or later, and stop doing so.
func TestADefectInOneObjectiveLeavesTheOthersJudged(t *testing.T) {
	t.Parallel()
	for name, fromTheStart := range map[string]bool{"from the start": true, "hours later": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				broken := fromTheStart
				store := newFakeStore()
				settings := engine.Settings{
					Ledger: store, Episodes: store,
					Expand: func(exclusions []slo.Exclusion, from, to time.Time) []slo.Excluded {
						if broken {
							panic("this rule never ends")
						}
						return nil
					},
				}
				cursed := maintained(t, slo.Drop)
				cursed.SLO.Name = "cursed"
				b := newBenchWith(t, store, settings, definition(t, "shop", 30*24*time.Hour), cursed)
				defer b.stop()
				b.seconds(300, healthy)
				broken = true
				if !fromTheStart {
					require.Zero(t, b.state("cursed").StaleSince)
					time.Sleep(2 * time.Hour) // Exclusions are found anew.
				}
				b.seconds(30, failing)
				require.Equal(t, slo.Exhausted, b.state("shop").State, "the other is judged")
				require.Contains(t, b.store.states("fast"), slo.Firing)
				require.NotZero(t, b.state("cursed").StaleSince, "it says that it is not of now")
				require.NotEmpty(t, b.state("cursed").BurnRates)
				require.Empty(t, b.state("cursed").Firing)
				require.Contains(t, b.alarmed(slo.AlarmUnjudged)[0], "cursed, objective 0 (this rule never ends)")
				broken = false
				b.seconds(20, failing)
				raised := len(b.alarmed(slo.AlarmUnjudged))
				b.seconds(20, failing)
				require.Len(t, b.alarmed(slo.AlarmUnjudged), raised, "it is judged again")
				require.Zero(t, b.state("cursed").StaleSince)
				require.NotEmpty(t, b.state("cursed").Firing)
			})
		})
	}
}

// TestAnObjectiveThatCannotBeJudgedCanBeDeleted takes the alarm with it.
func TestAnObjectiveThatCannotBeJudgedCanBeDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		settings := engine.Settings{
			Ledger: store, Episodes: store,
			Expand: func([]slo.Exclusion, time.Time, time.Time) []slo.Excluded { panic("this rule never ends") },
		}
		b := newBenchWith(t, store, settings, maintained(t, slo.Drop))
		defer b.stop()
		b.seconds(5, healthy)
		require.NotEmpty(t, b.alarmed(slo.AlarmUnjudged))
		b.engine.SetDefinitions(nil)
		b.second(healthy)
		raised := len(b.alarmed(slo.AlarmUnjudged))
		b.seconds(10, healthy)
		require.Len(t, b.alarmed(slo.AlarmUnjudged), raised)
	})
}
