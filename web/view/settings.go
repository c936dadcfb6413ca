package view

import (
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
	Themes    []ThemeChoice
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

// NewSettings fills the page. Guarded reports that page and API want a token.
func NewSettings(base Base, f Facts, notReady error, refused Refused, guarded bool) Settings {
	base.Title = "Settings"
	page := Settings{Base: base, Unknown: f.Unknown, Refused: refused}
	if notReady != nil {
		page.NotReady = notReady.Error()
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
			{"journal holds", Bytes(f.JournalBytes) + ", " + plural(f.JournalRecords, "record") + " ever"},
			{"journal keeps", "at most " + slo.FormatDuration(f.JournalMaxAge) + " or " + Bytes(f.JournalMaxBytes) + ", and all that is not counted yet"},
			{"database", f.Database},
			{"database holds", Bytes(f.DatabaseBytes)},
		}},
		{"What is counted", []Setting{
			{"spans late by up to", slo.FormatDuration(f.Late)},
			{"clocks ahead by up to", slo.FormatDuration(f.Future)},
			{"page and API", map[bool]string{true: "want a token", false: "open to whoever reaches them"}[guarded]},
		}},
		{"Listening on", f.Listeners},
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
