package view

import (
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Facts are how the program is set and how its parts are. What could not be
// read is in Unknown, with the reason.
type Facts struct {
	Started time.Time
	// Journal: where it is, its size and its limits in bytes and time, how
	// many records it was given.
	JournalDir                    string
	JournalBytes, JournalMaxBytes int64
	JournalMaxAge                 time.Duration
	JournalRecords                int64
	// JournalOldest is the arrival of the oldest record that it holds; zero if it
	// holds none, or if that is not known.
	JournalOldest time.Time
	// JournalRefusing is why it takes nothing at the moment, a sentence without
	// its full stop, and JournalRefusingSince since when; empty while it takes all.
	JournalRefusing      string
	JournalRefusingSince time.Time
	// DedupHorizon is how far back repeats are recognised; zero leaves all of
	// this out. DedupItems are remembered, in so many bytes of memory and disk.
	DedupHorizon                     time.Duration
	DedupItems                       int64
	DedupMemoryBytes, DedupDiskBytes int64
	// Repeats and Conflicts are the items that were not counted because they had
	// been seen before, with the same or with other content.
	Repeats, Conflicts int64
	// LeaderTerm is the term in which objectives are judged and receivers told, a
	// number that grows whenever another process takes over; 0 leaves this out.
	// Leading: this process does it, since LeaderSince; else another does.
	LeaderTerm  int64
	Leading     bool
	LeaderSince time.Time
	// Database: where it is, without secrets, and its size in bytes.
	Database      string
	DatabaseBytes int64
	// LedgerLag is the age of the newest record counted.
	LedgerLag   time.Duration
	Evaluations uint64
	// Late and Future are how far the end of a span may lie from its arrival.
	Late, Future time.Duration
	// Listeners are the addresses, by what they speak.
	Listeners []Setting
	// Flags are those that were set, secrets left out.
	Flags []Setting
	// Receivers are those that pages go to.
	Receivers []slo.ReceiverState
	Unknown   []string
}

// Setting is a name and its value.
type Setting struct{ Name, Value string }

// Settings is the page that says how the program is set.
type Settings struct {
	Base
	// NotReady is what is missing, empty if nothing is.
	NotReady  string
	Groups    []SettingGroup
	Receivers []Receiver
	Unknown   []string
	Refused   Refused
	// Refusing is why the journal takes nothing, empty while it does.
	Refusing      string
	RefusingSince Moment
	// Refusals and Audits are nil if nothing keeps them.
	Refusals *Refusals
	Audits   *AuditReport
	Themes   []ThemeChoice
}

func (Settings) template() string { return "settings" }

// SettingGroup is a heading with the settings below it.
type SettingGroup struct {
	Title    string
	Settings []Setting
}

// Receiver is one that pages go to.
type Receiver struct {
	Name string
	// Waiting is how many notifications wait, empty for none.
	Waiting, WaitingSince string
	Delivered             Moment
	// Failed is when the last attempt failed since then; Cause says why.
	Failed Moment
	Cause  string
}

// ThemeChoice is light, dark, or as the system says.
type ThemeChoice struct {
	Value, Text string
	Current     bool
}

// Platform is what the page shows.
type Platform struct {
	Facts Facts
	// NotReady is why it is not ready, nil if it is.
	NotReady error
	Refused  Refused
	// Refusals and Audits are nil if nothing keeps them.
	Refusals *Refusals
	Audits   *AuditReport
	// Guarded reports that page and API want a token.
	Guarded bool
}

// NewSettings fills the page.
func NewSettings(base Base, in Platform) Settings {
	base.Title = "Settings"
	f := in.Facts
	page := Settings{
		Base: base, Unknown: f.Unknown, Refused: in.Refused, Refusals: in.Refusals, Audits: in.Audits,
		Refusing: f.JournalRefusing, RefusingSince: NewMoment(f.JournalRefusingSince, base.Now),
	}
	if in.NotReady != nil {
		page.NotReady = in.NotReady.Error()
	}
	page.Groups = []SettingGroup{
		{"This program", []Setting{
			{"version", base.Version},
			{"running for", coarse(max(base.Now.Sub(f.Started), 0))},
			{"verdicts since the start", Count(int64(f.Evaluations))},
			{"age of the newest record counted", Lag(f.LedgerLag)},
		}},
		{"Storage", []Setting{
			{"journal", f.JournalDir},
			{"journal takes telemetry", f.accepting(base.Now)},
			{"journal holds", Bytes(f.JournalBytes) + ", " + plural(f.JournalRecords, "record") + " ever"},
			{"journal keeps", "at most " + slo.FormatDuration(f.JournalMaxAge) + " or " + Bytes(f.JournalMaxBytes) + ", and all that is not counted yet"},
			{"database", f.Database},
			{"database holds", Bytes(f.DatabaseBytes)},
		}},
		{"What is counted", []Setting{
			{"spans late by up to", slo.FormatDuration(f.Late)},
			{"clocks ahead by up to", slo.FormatDuration(f.Future)},
			{"page and API", map[bool]string{true: "want a token", false: "open to whoever reaches them"}[in.Guarded]},
		}},
		{"Listening on", f.Listeners},
	}
	page.Groups[0].Settings = append(page.Groups[0].Settings, f.leader(base.Now)...)
	if !f.JournalOldest.IsZero() {
		oldest := NewMoment(f.JournalOldest, base.Now)
		page.Groups[1].Settings = slices.Insert(page.Groups[1].Settings, 2, Setting{"journal reaches back to", oldest.Text + ", " + oldest.Ago})
	}
	if f.DedupHorizon > 0 {
		page.Groups = append(page.Groups, SettingGroup{"What arrives again", f.repeats()})
	}
	if len(f.Flags) > 0 {
		page.Groups = append(page.Groups, SettingGroup{"Set by flags, environment or file", f.Flags})
	}
	for _, r := range f.Receivers {
		page.Receivers = append(page.Receivers, newReceiver(r, base.Now))
	}
	for _, theme := range []ThemeChoice{{Value: "system", Text: "As the system"}, {Value: "light", Text: "Light"}, {Value: "dark", Text: "Dark"}} {
		theme.Current = theme.Value == base.Theme || (base.Theme == "" && theme.Value == "system")
		page.Themes = append(page.Themes, theme)
	}
	return page
}

// accepting says whether the journal takes telemetry.
func (f Facts) accepting(now time.Time) string {
	if f.JournalRefusing == "" {
		return "yes"
	}
	return "no, since " + NewMoment(f.JournalRefusingSince, now).Text
}

// leader says who judges and tells.
func (f Facts) leader(now time.Time) []Setting {
	switch {
	case f.LeaderTerm == 0:
		return nil
	case f.Leading:
		return []Setting{{"judges and tells", "yes, since " + NewMoment(f.LeaderSince, now).Text + " (term " + Count(f.LeaderTerm) + ")"}}
	default:
		return []Setting{{"judges and tells", "no, another process does (term " + Count(f.LeaderTerm) + "); this one takes over if it ends"}}
	}
}

// repeats says how items that arrive again are recognised.
func (f Facts) repeats() []Setting {
	return []Setting{
		{"recognised for", slo.FormatDuration(f.DedupHorizon)},
		{"remembered", plural(f.DedupItems, "item")},
		{"in memory", Bytes(f.DedupMemoryBytes)},
		{"on disk", Bytes(f.DedupDiskBytes)},
		{"the same again, not counted", plural(f.Repeats, "item")},
		{"with other content, not counted", plural(f.Conflicts, "item")},
	}
}

func newReceiver(r slo.ReceiverState, now time.Time) Receiver {
	out := Receiver{Name: r.Name, Delivered: NewMoment(r.DeliveredAt, now), Failed: NewMoment(r.FailedAt, now), Cause: strings.TrimSpace(r.Cause)}
	if r.Undelivered > 0 {
		out.Waiting, out.WaitingSince = Count(int64(r.Undelivered)), NewMoment(r.OldestAt, now).Ago
	}
	return out
}

// Bytes writes a size with a unit of 1024: "512 B", "20 GiB", "1.5 MiB".
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return Count(n) + narrow + "B"
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	return Events(value) + narrow + units[unit:unit+1] + "iB"
}

// Lag writes how far something is behind: "0.4 s", "12s".
func Lag(d time.Duration) string {
	if d < time.Minute {
		return Latency(max(d, time.Millisecond))
	}
	return coarse(d)
}
