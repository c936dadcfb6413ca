package view

import (
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Chart is the data of the charts of one objective, and the answer of the
// API's timeline: columns of equal length, one row a step. Instants are whole
// seconds since 1970. Its fields are stable.
type Chart struct {
	SLO       string  `json:"slo"`
	Objective int     `json:"objective"`
	Target    float64 `json:"target"`
	From      int64   `json:"from"`
	To        int64   `json:"to"`
	// Step is the length of a step in seconds; Start is when each begins.
	Step  int64   `json:"step_seconds"`
	Start []int64 `json:"start"`
	// Unit is what the counts are counts of: event, slice, or 1e-9 of one.
	Unit    slo.Unit `json:"unit"`
	Good    []int64  `json:"good"`
	Bad     []int64  `json:"bad"`
	Unknown []int64  `json:"unknown"`
	// Budget is the share of the window's budget left at the end of each step;
	// null where the step lies before the window, or the window has no events.
	Budget []*float64  `json:"budget"`
	Tiers  []ChartTier `json:"tiers"`
	// Unmeasured are stretches, each from and to.
	Unmeasured [][2]int64 `json:"unmeasured"`
	// Excluded are stretches that budgets and burn rates leave out; counts are
	// what happened. ResetAt is when the budget was begun anew last; null if never.
	Excluded [][2]int64     `json:"excluded"`
	ResetAt  *int64         `json:"reset_at"`
	Episodes []ChartEpisode `json:"episodes"`
}

// ChartTier is the burn rates of one tier at the end of each step; null where
// they are not known.
type ChartTier struct {
	Name       string       `json:"name"`
	Severity   slo.Severity `json:"severity"`
	Factor     float64      `json:"factor"`
	Long       string       `json:"long"`
	Short      string       `json:"short"`
	LongRates  []*float64   `json:"long_rates"`
	ShortRates []*float64   `json:"short_rates"`
}

// ChartEpisode is one firing of a tier; To is null while it goes on.
type ChartEpisode struct {
	ID       string           `json:"id"`
	Tier     string           `json:"tier"`
	Severity slo.Severity     `json:"severity"`
	State    slo.EpisodeState `json:"state"`
	From     int64            `json:"from"`
	To       *int64           `json:"to"`
}

// NewChart turns a timeline and the episodes in it into columns.
func NewChart(name string, o slo.ObjectiveStatus, line slo.Timeline, episodes []slo.Episode) Chart {
	n := len(line.Points)
	c := Chart{
		SLO: name, Objective: o.Index, Unit: o.Unit, Target: o.Target.Float(), From: line.From.Unix(), To: line.To.Unix(),
		Step: int64(line.Step / time.Second), Start: make([]int64, n), Good: make([]int64, n), Bad: make([]int64, n),
		Unknown: make([]int64, n), Budget: make([]*float64, n), Tiers: make([]ChartTier, len(line.Tiers)),
		Unmeasured: make([][2]int64, 0, len(line.Unmeasured)),
		Excluded:   make([][2]int64, 0, len(line.Excluded)), Episodes: []ChartEpisode{},
	}
	for i, tier := range line.Tiers {
		c.Tiers[i] = ChartTier{
			Name: tier.Name, Severity: tier.Severity, Factor: tier.Factor,
			Long: slo.FormatDuration(tier.Long), Short: slo.FormatDuration(tier.Short),
			LongRates: make([]*float64, n), ShortRates: make([]*float64, n),
		}
	}
	for i, p := range line.Points {
		c.Start[i] = p.Start.Unix()
		c.Good[i], c.Bad[i], c.Unknown[i] = p.Counts.Good, p.Counts.Bad, p.Counts.Unknown
		c.Budget[i] = known(p.BudgetLeft, p.HasBudget)
		for k, burn := range p.Burns {
			c.Tiers[k].LongRates[i] = known(burn.Long, burn.LongKnown)
			c.Tiers[k].ShortRates[i] = known(burn.Short, burn.ShortKnown)
		}
	}
	for _, gap := range line.Unmeasured {
		c.Unmeasured = append(c.Unmeasured, [2]int64{gap.From.Unix(), gap.To.Unix()})
	}
	for _, e := range line.Excluded {
		c.Excluded = append(c.Excluded, [2]int64{e.From.Unix(), e.To.Unix()})
	}
	if !line.ResetAt.IsZero() {
		at := line.ResetAt.Unix()
		c.ResetAt = &at
	}
	for _, e := range episodes {
		if e.Objective == o.Index && !e.FiredAt.IsZero() {
			c.Episodes = append(c.Episodes, newChartEpisode(e))
		}
	}
	return c
}

// ResetDrawn reports that the budget was begun anew within the stretch.
func (c Chart) ResetDrawn() bool {
	return c.ResetAt != nil && *c.ResetAt >= c.From && *c.ResetAt <= c.To
}

func newChartEpisode(e slo.Episode) ChartEpisode {
	out := ChartEpisode{ID: e.ID, Tier: e.Tier, Severity: e.Severity, State: e.State, From: e.FiredAt.Unix()}
	if !e.ResolvedAt.IsZero() {
		to := e.ResolvedAt.Unix()
		out.To = &to
	}
	return out
}

func known(value float64, is bool) *float64 {
	if !is {
		return nil
	}
	return &value
}

// ChartRow is one step of a timeline in words, for the table beneath the charts.
type ChartRow struct {
	At                              Moment
	Good, Bad, Achieved, BudgetLeft string
	Unmeasured                      bool
	// Rates are the burn rates of the long look-backs, in the order of the tiers.
	Rates []string
}

// NewChartRows writes a timeline as a table, the newest step first.
func NewChartRows(line slo.Timeline, o slo.ObjectiveStatus, now time.Time) []ChartRow {
	rows := make([]ChartRow, 0, len(line.Points))
	for _, p := range slices.Backward(line.Points) {
		row := ChartRow{
			At: NewMoment(p.Start, now), Good: inUnits(o, p.Counts.Good), Bad: inUnits(o, p.Counts.Bad),
			Achieved: achieved(p.Counts, o.Target), BudgetLeft: "–",
			Unmeasured: inside(line.Unmeasured, p.Start, earlier(p.Start.Add(line.Step), now)),
		}
		if p.HasBudget {
			row.BudgetLeft = SignedPercent(p.BudgetLeft)
		}
		for _, burn := range p.Burns {
			rate := "–"
			if burn.LongKnown {
				rate = Rate(burn.Long)
			}
			row.Rates = append(row.Rates, rate)
		}
		rows = append(rows, row)
	}
	return rows
}
