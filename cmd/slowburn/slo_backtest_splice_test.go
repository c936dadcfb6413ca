package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// revised is a server whose checkout-availability measured another service until
// twelve hours ago: its outage of a day ago is not in the series of now, which
// was recounted to before it, but in the one of then.
type revised struct {
	inForceWithObjectives

	until time.Time
}

func (e revised) Status(name string) (slo.Status, error) {
	status, err := e.inForceWithObjectives.Status(name)
	if err == nil {
		before := status.Definition.SLO
		before.Indicator.Total.Service = "checkout-old"
		status.Definition.Revision = 5
		status.Definition.Earlier = []slo.EarlierRevision{{Revision: 3, Until: e.until, SLO: before}}
	}
	return status, err
}

// ledgerOf has one outage, in a series.
type ledgerOf struct {
	*webtest.Source

	series slo.SeriesID
	outage slo.Slice
}

func (l ledgerOf) Buckets(_ context.Context, id slo.SeriesID, from, to slo.Slice) ([]slo.Bucket, error) {
	var all []slo.Bucket
	for s := max(from, l.outage-8640); s < min(to, slo.SliceOf(time.Now())); s++ {
		b := slo.Bucket{Slice: s, Counts: slo.Counts{Good: 100}}
		if id == l.series && s >= l.outage && s < l.outage+60 {
			b.Counts = slo.Counts{Good: 50, Bad: 50}
		}
		all = append(all, b)
	}
	return all, nil
}

func serveEdited(t *testing.T, outageIn string) (url string, until time.Time) {
	t.Helper()
	until = time.Now().UTC().Add(-12 * time.Hour).Truncate(time.Minute)
	set := newCatalog(t)
	text, err := os.ReadFile("../../examples/slos/checkout.yaml")
	require.NoError(t, err)
	fromFile(t, set, "checkout.yaml", string(text))
	definition, _ := set.Definition("checkout-availability")
	indicator := definition.SLO.Indicator
	indicator.Total.Service = outageIn
	source := revised{inForceWithObjectives{inForce{webtest.NewSource(), set}}, until}
	ledger := ledgerOf{webtest.NewSource(), indicator.Series().ID, slo.SliceOf(time.Now().Add(-24 * time.Hour))}
	server := httptest.NewServer(apiOf(t, func(s *web.Settings) {
		s.Statuses, s.Definitions, s.Objects, s.Ledger = source, set, set, ledger
	}))
	t.Cleanup(server.Close)
	return server.URL, until
}

func TestABacktestIsSplicedWhereTheBudgetIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ outageIn, found string }{
		"an outage of what was measured then is one":                {"checkout-old", "1 incident found."},
		"one of what is measured now, but was not then, is not one": {"checkout", "0 incidents found."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, until := serveEdited(t, test.outageIn)
			ran := runSLO(t, "", "backtest", "--server", server, "--since", "3d", "checkout-availability")
			require.Zero(t, ran.status, ran.stderr)
			require.Contains(t, ran.stdout, test.found)
			require.Regexp(t, "Objective 0 measured something else until "+until.Format(time.RFC3339)+
				`: up to then, as its budget, it is made of the \d+ buckets of revision 3\.`, ran.stdout)
		})
	}
}

func TestFilesOfBeforeAnEditAreSpliced(t *testing.T) {
	t.Parallel()
	server, until := serveEdited(t, "checkout-old")
	api := apiClient{url: server}
	dir := t.TempDir()
	save := func(query string) string {
		var answer json.RawMessage
		from := time.Now().Add(-30 * time.Hour).UTC().Format(time.RFC3339)
		require.NoError(t, api.do(t.Context(), "GET", "/api/v1/slos/checkout-availability/buckets?from="+from+"&to="+time.Now().UTC().Format(time.RFC3339)+query, &answer))
		file := filepath.Join(dir, "buckets"+strings.TrimPrefix(query, "&")+".json")
		require.NoError(t, os.WriteFile(file, answer, 0o600))
		return file
	}
	now, then := save(""), save("&revision=3")
	ran := runSLO(t, "", "backtest", "--openslo", "../../examples/slos/checkout.yaml", "--buckets", now, "--buckets", then, "-o", "json", "checkout-availability")
	require.Zero(t, ran.status, ran.stderr)
	var report backtestOutput
	require.NoError(t, json.Unmarshal([]byte(ran.stdout), &report))
	require.Len(t, report.Incidents, 1)
	require.Len(t, report.Before, 1)
	require.Equal(t, 3, report.Before[0].Revision)
	require.True(t, until.Equal(report.Before[0].Until))
	require.NotZero(t, report.Before[0].Buckets)

	ran = runSLO(t, "", "backtest", "--openslo", "../../examples/slos/checkout.yaml", "--buckets", now, "checkout-availability")
	require.Zero(t, ran.status, ran.stderr)
	require.Contains(t, ran.stdout, "0 buckets of revision 3.")
	require.Contains(t, ran.stdout, " from "+until.Format(time.RFC3339)+" to ")
}

func TestObjectivesThatCountTheSameNowMayHaveCountedDifferently(t *testing.T) {
	t.Parallel()
	one := slo.Indicator{Total: slo.SpanSource{Service: "a"}, Bad: &slo.SpanSource{}}
	id := one.Series().ID
	s := newSplicer(slo.SLO{Indicator: one, Objectives: make([]slo.Objective, 2)})
	at := func(hour int) time.Time { return time.Date(2026, 1, 1, hour, 0, 0, 0, time.UTC) }
	s.revisions[0] = []slo.SeriesRevision{{Revision: 9, Series: id}, {Revision: 4, Series: "b", Until: at(4)}, {Revision: 2, Series: "c", Until: at(2)}}
	s.revisions[1] = []slo.SeriesRevision{{Revision: 9, Series: id}, {Revision: 4, Series: "b", Until: at(4)}, {Revision: 3, Series: "d", Until: at(3)}}
	for hour := range 6 {
		for _, series := range []slo.SeriesID{id, "b", "c", "d"} {
			s.buckets[series] = append(s.buckets[series], slo.Bucket{Slice: slo.SliceOf(at(hour)), Counts: slo.Counts{Good: int64(hour), Bad: int64(len(series))}})
		}
	}
	series, before, leftOut := s.splice()
	require.Equal(t, at(3), leftOut.UTC())
	require.Len(t, before, 1)
	require.Len(t, series[id], 3)
	var good []int64
	for _, b := range series[id] {
		good = append(good, b.Counts.Good)
	}
	require.Equal(t, []int64{4, 5, 3}, good)
	require.EqualValues(t, 1, series[id][2].Counts.Bad, "of the series of then")
}
