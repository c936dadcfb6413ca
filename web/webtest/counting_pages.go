package webtest

import (
	"errors"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// Stale makes objectives stale since some minutes before.
func Stale(status slo.Status, minutes int) slo.Status {
	for i := range status.Objectives {
		status.Objectives[i].StaleSince = Now().Add(-time.Duration(minutes) * time.Minute)
		status.Objectives[i].MeasuredUntil = status.Objectives[i].StaleSince
	}
	return status
}

// Agreeing are audits without a difference.
func Agreeing() []slo.Audit {
	return []slo.Audit{{At: Now().Add(-3 * time.Minute), Buckets: 8640, Spans: 1_234_567}}
}

// Differing has differences before, in the series of Burning and in one that
// nothing rests on.
func Differing() []slo.Audit {
	slice := slo.SliceOf(Now().Add(-2 * time.Hour))
	return append(Agreeing(), slo.Audit{
		At: Now().Add(-9 * time.Minute), From: slice - 10, To: slice + 10, Buckets: 720, Differing: 3,
		Differences: []slo.Difference{
			{Series: Burning().Definition.SLO.SeriesOf(0).ID, Slice: slice, Ledger: slo.Counts{Good: 97, Bad: 2}, Recount: slo.Counts{Good: 97, Bad: 3}},
			{Series: "<gone>", Slice: slice + 1, Ledger: slo.Counts{Good: 12_345, Unknown: 1}, Recount: slo.Counts{Good: 12_344, Unknown: 1}},
		},
	})
}

// RefusedItems are some of each reason, one of them not known, from a service
// whose name is hostile.
func RefusedItems() []slo.Refusal {
	return []slo.Refusal{
		{Signal: "logs", Reason: slo.RefusedSignal, Service: "checkout", Items: 12_345},
		{Signal: "traces", Reason: slo.RefusedLate, Service: "mail", Items: 70},
		{Signal: "traces", Reason: slo.RefusedFuture, Service: "mail", Items: 7},
		{Signal: "traces", Reason: slo.RefusedNoEndTime, Service: `"><script>alert(1)</script>`, Items: 6},
		{Signal: "traces", Reason: slo.RefusedInvalidID, Items: 5},
		{Signal: "metrics", Reason: slo.RefusedLimits, Service: "search", Items: 4},
		{Reason: slo.RefusedUndecodable, Items: 1},
		{Signal: "traces", Reason: "some_new", Service: "search", Items: 1},
	}
}

// countingPages show how far the counts can be relied on.
func countingPages(base view.Base) map[string]view.Page {
	pages := map[string]view.Page{}
	alarmed := func(nav string, statuses []slo.Status, audits []slo.Audit) view.Base {
		b := base
		b.Nav, b.Alarms = nav, view.Alarms(statuses, audits, Now())
		return b
	}
	some := []slo.Status{Stale(Burning(), 4), Healthy(), Stale(Healthy(), 6)}
	all := []slo.Status{Stale(Healthy(), 6)}
	pages["overview-stale"] = view.NewOverview(alarmed("/", all, nil), view.Situation{Statuses: all})
	pages["slos-stale"] = view.NewSLOs(alarmed("/slos", some, Differing()), view.Listing{Statuses: some, Defined: true})
	pages["failure-stale"] = view.NewFailure(alarmed("", some, nil), 503, "Service Unavailable", "the answer took too long: try again, or ask for less")
	pages["slo-stale"] = view.NewSLO(alarmed("/slos", some, Differing()), differing(scene(some[0], nil)))

	recounting := scene(Healthy(), nil)
	recounting.Status.Objectives[0].CountedSince = Now().Add(-5 * time.Hour)
	recounting.Recount = &slo.RecountState{Since: Now().Add(-5 * time.Hour), Oldest: Now().Add(-23 * time.Hour), Running: true}
	recounting.Corrections, recounting.Compared = &slo.Corrections{}, &view.Compared{}
	pages["slo-recounting"] = view.NewSLO(alarmed("/slos", nil, nil), recounting)
	ended := recounting
	ended.Recount = &slo.RecountState{Since: Now().Add(-5 * time.Hour), Err: "the segment 00000007 is damaged"}
	pages["slo-recount-ended"] = view.NewSLO(alarmed("/slos", nil, nil), ended)
	return pages
}

// audited is a scene whose counts were compared, differing one that differs.
func audited(in view.Scene) view.Scene {
	in.Corrections = &slo.Corrections{Late: 12_345, Repeats: 42, Conflicts: 1}
	in.Compared = &view.Compared{Equal: 8640, At: Now().Add(-3 * time.Minute)}
	return in
}

func differing(in view.Scene) view.Scene {
	in = audited(in)
	in.Compared.Differing = 2
	return in
}

// settingsPages are the settings in peace, in trouble, and before anything of
// the kind runs.
func settingsPages(base view.Base) map[string]view.Page {
	base.Nav = "/settings"
	facts := facts()
	trouble := facts
	trouble.Receivers, trouble.Unknown = nil, []string{"The size of the database is not known: it does not answer."}
	trouble.JournalRefusing, trouble.JournalRefusingSince = "the disk is full: 0 B left below data/journal", Now().Add(-90*time.Second)
	trouble.Leading = false
	troubled := base
	troubled.Alarms = view.Alarms([]slo.Status{Stale(Burning(), 4)}, Differing(), Now())
	refusals, quiet := view.NewRefusals(RefusedItems()), view.NewRefusals(nil)
	report, calm := view.NewAuditReport(troubled, Differing(), All()), view.NewAuditReport(base, Agreeing(), All())
	plain := facts
	plain.DedupHorizon, plain.LeaderTerm, plain.JournalOldest = 0, 0, time.Time{}
	none := view.NewAuditReport(base, nil, nil)
	none.Unknown = true
	return map[string]view.Page{
		"settings": view.NewSettings(base, view.Platform{Facts: facts, Refusals: &quiet, Audits: &calm}),
		"settings-trouble": view.NewSettings(troubled, view.Platform{
			Facts: trouble, NotReady: errors.New("the database does not answer"), Refusals: &refusals, Audits: &report, Guarded: true,
		}),
		"settings-unknown": view.NewSettings(base, view.Platform{Facts: plain, Refusals: &view.Refusals{Unknown: true}, Audits: &none}),
		"settings-plain":   view.NewSettings(base, view.Platform{Facts: plain, Refused: view.NewRefused(map[string]int64{"late": 7})}),
	}
}

func facts() view.Facts {
	return view.Facts{
		Started: Now().Add(-51 * time.Hour), JournalDir: "data/journal", JournalBytes: 5 << 30, JournalMaxBytes: 20 << 30,
		JournalMaxAge: 24 * time.Hour, JournalRecords: 1_234_567, JournalOldest: Now().Add(-23 * time.Hour),
		Database: "its own, below data/postgres", DatabaseBytes: 300 << 20,
		LedgerLag: 420 * time.Millisecond, Evaluations: 9_876_543, Late: 24 * time.Hour, Future: 10 * time.Minute,
		DedupHorizon: time.Hour, DedupItems: 3_600_000, DedupMemoryBytes: 20 << 20, DedupDiskBytes: 115 << 20, Repeats: 1234, Conflicts: 1,
		LeaderTerm: 7, Leading: true, LeaderSince: Now().Add(-50 * time.Hour),
		Listeners: []view.Setting{{Name: "OTLP over grpc", Value: "127.0.0.1:4317"}, {Name: "OTLP over http", Value: "127.0.0.1:4318"}},
		Flags:     []view.Setting{{Name: "slos", Value: "/etc/slowburn/slos"}},
		Receivers: []slo.ReceiverState{
			{Name: "duty", DeliveredAt: Now().Add(-3 * time.Hour)},
			{Name: "chat", Undelivered: 3, OldestAt: Now().Add(-4 * time.Minute), FailedAt: Now().Add(-time.Minute), Cause: "dial tcp: connection refused"},
		},
	}
}
