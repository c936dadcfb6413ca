package web

import (
	"encoding/json"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// sloJSON is an SLO in the API. Its fields are stable: they are added to, not
// changed. Counts are integers; what cannot be said without events is null.
type sloJSON struct {
	Name          string    `json:"name"`
	DisplayName   string    `json:"display_name"`
	Service       string    `json:"service"`
	Revision      int       `json:"revision"`
	Origin        string    `json:"origin"`
	State         slo.State `json:"state"`
	MeasuredUntil instant   `json:"measured_until"`
	// StaleSince is the earliest of its objectives, null if none is stale.
	// CountedSince is the latest, null if that of one is not known.
	StaleSince   instant         `json:"stale_since"`
	CountedSince instant         `json:"counted_since"`
	Objectives   []objectiveJSON `json:"objectives"`
	// Resets are those of its budgets in the last 400 days, the newest first.
	Resets []resetJSON `json:"resets"`
}

type objectiveJSON struct {
	Index       int         `json:"index"`
	DisplayName string      `json:"display_name"`
	Target      json.Number `json:"target"`
	TargetText  string      `json:"target_text"`
	Window      string      `json:"window"`
	// Calendar is null for a rolling window. PeriodEnd is where its period ends.
	Calendar  *calendarJSON `json:"calendar"`
	PeriodEnd instant       `json:"period_end"`
	// Method is the budgeting method, Unit what the counts are counts of: event,
	// slice, or 1e-9 of one.
	Method slo.BudgetingMethod `json:"method"`
	Unit   slo.Unit            `json:"unit"`
	// Composite: this is that of all other objectives, Member: it is part of one.
	Composite bool    `json:"composite"`
	Member    bool    `json:"member"`
	From      instant `json:"from"`
	To        instant `json:"to"`
	countsJSON
	// SLI is the least share of good events, SLIHigh the greatest that unknown
	// ones leave open.
	SLI       *float64       `json:"sli"`
	SLIHigh   *float64       `json:"sli_high"`
	Budget    budgetJSON     `json:"budget"`
	BurnRates []lookBackJSON `json:"burn_rates"`
	Tiers     []tierJSON     `json:"tiers"`
	Firing    []episodeJSON  `json:"firing"`
	Pending   []episodeJSON  `json:"pending"`
	State     slo.State      `json:"state"`
	// LastEvent is null before the first event. Silent is true while there has
	// been none for two minutes.
	LastEvent instant `json:"last_event"`
	Silent    bool    `json:"silent"`
	// MeasuredRatio is the measured share of the window.
	MeasuredUntil instant `json:"measured_until"`
	MeasuredRatio float64 `json:"measured_ratio"`
	// StaleSince is set while verdicts are of then and not of now. CountedSince
	// is from when on every accepted event was counted, null if that is not known.
	StaleSince   instant `json:"stale_since"`
	CountedSince instant `json:"counted_since"`
	// Splices are the parts of the window that earlier revisions counted, the
	// newest first.
	Splices []spliceJSON `json:"splices"`
	// Excluded is what happened in the window within exclusions; the counts and
	// the budget above are without it. WithoutExclusions is what they would be had
	// nothing been excluded, null if nothing was. Exclusions are the newest
	// stretches that reach into the window, in their order.
	Excluded          countsJSON     `json:"excluded"`
	WithoutExclusions *withoutJSON   `json:"without_exclusions"`
	Exclusions        []excludedJSON `json:"exclusions"`
	// ResetAt is when the budget was begun anew, null unless the window begins there.
	ResetAt instant `json:"reset_at"`
	// ExhaustedInSeconds is how long the budget lasts at the burn rate of the
	// last hour (or of the window, if that is shorter); null if it is gone, or
	// will not go within ten years.
	ExhaustedInSeconds *int64 `json:"exhausted_in_seconds"`
}

type countsJSON struct {
	Good    int64 `json:"good"`
	Bad     int64 `json:"bad"`
	Unknown int64 `json:"unknown"`
	Total   int64 `json:"total"`
}

// spliceJSON is a part of the window that an earlier revision counted. Both is
// where that and the one of now were counted; null if nowhere.
type spliceJSON struct {
	Revision int        `json:"revision"`
	Until    instant    `json:"until"`
	Counts   countsJSON `json:"counts"`
	Both     *bothJSON  `json:"both"`
}

type bothJSON struct {
	From   instant    `json:"from"`
	To     instant    `json:"to"`
	Before countsJSON `json:"before"`
	After  countsJSON `json:"after"`
}

func newSplices(splices []slo.Splice) []spliceJSON {
	out := make([]spliceJSON, len(splices))
	for i, s := range splices {
		out[i] = spliceJSON{Revision: s.Revision, Until: instant(s.Until), Counts: newCounts(s.Counts)}
		if s.Both.From.Before(s.Both.To) {
			out[i].Both = &bothJSON{
				From: instant(s.Both.From), To: instant(s.Both.To), Before: newCounts(s.Before), After: newCounts(s.After),
			}
		}
	}
	return out
}

type calendarJSON struct {
	Start    string `json:"start"`
	TimeZone string `json:"time_zone"`
}

// budgetJSON is a budget in the unit of the counts, as a signed ratio, and as
// time.
type budgetJSON struct {
	Total            float64  `json:"total"`
	Spent            int64    `json:"spent"`
	SpentRatio       *float64 `json:"spent_ratio"`
	RemainingRatio   *float64 `json:"remaining_ratio"`
	Seconds          float64  `json:"seconds"`
	SpentSeconds     *float64 `json:"spent_seconds"`
	RemainingSeconds *float64 `json:"remaining_seconds"`
	// Unit is that of total and spent.
	Unit slo.Unit `json:"unit"`
}

type lookBackJSON struct {
	Window string   `json:"window"`
	Rate   *float64 `json:"rate"`
	countsJSON
}

type tierJSON struct {
	Name          string       `json:"name"`
	Severity      slo.Severity `json:"severity"`
	Long          string       `json:"long"`
	Short         string       `json:"short"`
	Factor        float64      `json:"factor"`
	MinBad        int64        `json:"min_bad"`
	LeftOut       string       `json:"left_out"`
	LongOver      bool         `json:"long_over"`
	ShortOver     bool         `json:"short_over"`
	Frozen        bool         `json:"frozen"`
	LongBurnRate  *float64     `json:"long_burn_rate"`
	ShortBurnRate *float64     `json:"short_burn_rate"`
	// Kind is what the tier measures, Op how it compares that with Factor.
	Kind slo.ConditionKind `json:"kind"`
	Op   slo.Operator      `json:"op"`
	// LongCounts and ShortCounts are what the look-backs hold; null where the
	// tier has none.
	LongCounts  *countsJSON `json:"long_counts"`
	ShortCounts *countsJSON `json:"short_counts"`
	// AlertAfterSeconds is how long it must be over, Policy the alert policy
	// that it comes from.
	AlertAfterSeconds int64  `json:"alert_after_seconds"`
	Policy            string `json:"policy"`
	// Gate says why what is over does not count, Inhibited which tier tells it
	// already. Chance is how likely so many bad events are if the objective is
	// met; null if nobody asked.
	Gate        string   `json:"gate"`
	Inhibited   string   `json:"inhibited"`
	Chance      *float64 `json:"chance"`
	Explanation string   `json:"explanation"`
	// Revision is the earlier revision that the tier is judged by until the one
	// of now covers its look-back; 0 for that of now.
	Revision int `json:"revision"`
	// State is firing, pending, left_out or quiet.
	State string `json:"state"`
}

// episodeJSON is one firing of one tier.
type episodeJSON struct {
	ID           string           `json:"id"`
	SLO          string           `json:"slo"`
	Objective    int              `json:"objective"`
	Tier         string           `json:"tier"`
	Severity     slo.Severity     `json:"severity"`
	State        slo.EpisodeState `json:"state"`
	PendingSince instant          `json:"pending_since"`
	FiredAt      instant          `json:"fired_at"`
	ResolvedAt   instant          `json:"resolved_at"`
}

func newSLO(s slo.Status) sloJSON {
	definition := s.Definition
	out := sloJSON{
		Name: definition.SLO.Name, DisplayName: definition.SLO.DisplayName, Service: definition.SLO.Service,
		Revision: definition.Revision, Origin: definition.Origin, State: s.State,
		Objectives: make([]objectiveJSON, len(s.Objectives)), Resets: newResets(s.Resets),
	}
	var until time.Time
	for i, o := range s.Objectives {
		out.Objectives[i] = newObjective(o)
		if i == 0 || o.MeasuredUntil.Before(until) {
			until = o.MeasuredUntil
		}
	}
	out.MeasuredUntil = instant(until)
	out.StaleSince, out.CountedSince = instant(staleSince(s.Objectives)), instant(countedSince(s.Objectives))
	return out
}

// staleSince is the earliest instant since which one of them is stale, zero if
// none is.
func staleSince(objectives []slo.ObjectiveStatus) time.Time {
	var since time.Time
	for _, o := range objectives {
		if !o.StaleSince.IsZero() && (since.IsZero() || o.StaleSince.Before(since)) {
			since = o.StaleSince
		}
	}
	return since
}

// countedSince is from when on all of them were counted, zero if that of one
// is not known.
func countedSince(objectives []slo.ObjectiveStatus) time.Time {
	var since time.Time
	for _, o := range objectives {
		if o.CountedSince.IsZero() {
			return time.Time{}
		}
		if o.CountedSince.After(since) {
			since = o.CountedSince
		}
	}
	return since
}

func newObjective(o slo.ObjectiveStatus) objectiveJSON {
	out := objectiveJSON{
		Index: o.Index, DisplayName: o.DisplayName,
		Target: json.Number(o.Target.String()), TargetText: targetText(o), Window: o.Window.String(),
		Method: o.Method, Unit: o.Unit, Composite: o.Composite, Member: o.Member, PeriodEnd: instant(o.PeriodEnd),
		From: instant(o.From), To: instant(o.To), countsJSON: newCounts(o.Counts),
		Budget:    newBudget(o.Budget, o.Counts.Total()),
		BurnRates: make([]lookBackJSON, len(o.BurnRates)), Tiers: make([]tierJSON, len(o.Tiers)),
		Firing: newEpisodes(o.Firing), Pending: newEpisodes(o.Pending), State: o.State,
		LastEvent: instant(o.LastEvent), Silent: o.Silent, StaleSince: instant(o.StaleSince), CountedSince: instant(o.CountedSince),
		MeasuredUntil: instant(o.MeasuredUntil), MeasuredRatio: o.MeasuredRatio, Splices: newSplices(o.Splices),
		Excluded: newCounts(o.ExcludedCounts), WithoutExclusions: newWithout(o), Exclusions: newExcluded(o.Excluded), ResetAt: instant(o.ResetAt),
	}
	if low, high, counted := o.SLIBounds(); counted {
		out.SLI, out.SLIHigh = &low, &high
	}
	if !o.Window.Rolling() {
		out.Calendar = &calendarJSON{Start: o.Window.Calendar.Start, TimeZone: o.Window.Calendar.Zone}
	}
	hour := 0.0
	for i, b := range o.BurnRates {
		out.BurnRates[i] = lookBackJSON{
			Window: slo.FormatDuration(b.Length), Rate: unlessEmpty(b.Rate, b.Counts.Total()), countsJSON: newCounts(b.Counts),
		}
		if b.Length <= time.Hour {
			hour = b.Rate
		}
	}
	if left, ends := o.TimeToExhaustion(hour); ends {
		seconds := int64(left / time.Second)
		out.ExhaustedInSeconds = &seconds
	}
	for i, t := range o.Tiers {
		out.Tiers[i] = newTier(t, o)
	}
	return out
}

// targetText is the target in percent; a composite by Occurrences has those of
// its members.
func targetText(o slo.ObjectiveStatus) string {
	if o.Composite && o.Method == slo.Occurrences {
		return "all members"
	}
	return o.Target.Percent() + "%"
}

func newCounts(c slo.Counts) countsJSON {
	return countsJSON{Good: c.Good, Bad: c.Bad, Unknown: c.Unknown, Total: c.Total()}
}

func newTier(t slo.TierStatus, o slo.ObjectiveStatus) tierJSON {
	out := tierJSON{
		Name: t.Name, Severity: t.Severity, Long: slo.FormatDuration(t.Tier.Long), Short: slo.FormatDuration(t.Tier.Short),
		Factor: t.Factor, MinBad: t.MinBad, LeftOut: t.LeftOut,
		LongOver: t.LongOver, ShortOver: t.ShortOver, Frozen: t.Frozen,
		LongBurnRate:  unlessEmpty(t.Long.Rate, t.Long.Total()),
		ShortBurnRate: unlessEmpty(t.Short.Rate, t.Short.Total()),
		Kind:          t.Kind, Op: t.Op, AlertAfterSeconds: int64(t.After / time.Second), Policy: t.Policy,
		Gate: t.Gate, Inhibited: t.Inhibited, Explanation: t.Explain(), Revision: t.Revision, State: tierState(t, o),
	}
	if t.Unit != "" { // It judges look-backs.
		long, short := newCounts(t.Long.Counts), newCounts(t.Short.Counts)
		out.LongCounts, out.ShortCounts = &long, &short
	}
	if t.Chance > 0 {
		out.Chance = &t.Chance
	}
	return out
}

// tierState is where the tier stands, in one word.
func tierState(t slo.TierStatus, o slo.ObjectiveStatus) string {
	if t.LeftOut != "" {
		return "left_out"
	}
	for _, open := range [][]slo.Episode{o.Firing, o.Pending} {
		for _, e := range open {
			if e.Tier == t.Name {
				return string(e.State)
			}
		}
	}
	return "quiet"
}

func newEpisodes(episodes []slo.Episode) []episodeJSON {
	out := make([]episodeJSON, len(episodes))
	for i, e := range episodes {
		out[i] = episodeJSON{
			ID: e.ID, SLO: e.SLO, Objective: e.Objective, Tier: e.Tier, Severity: e.Severity, State: e.State,
			PendingSince: instant(e.PendingSince), FiredAt: instant(e.FiredAt), ResolvedAt: instant(e.ResolvedAt),
		}
	}
	return out
}
