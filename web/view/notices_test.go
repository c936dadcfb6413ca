package view_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

func TestProblemsNameEachFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want view.Problems
	}{
		"nothing is wrong": {},
		"a line is known": {
			slo.DocumentErrors{{File: "a.yaml", Document: 2, Line: 12, Object: "SLO a", Field: "spec.service", Reason: "is required"}},
			view.Problems{Faults: []view.Fault{{Place: "a.yaml, line 12", Object: "SLO a", Field: "spec.service", Reason: "is required"}}},
		},
		"only the document is known": {
			slo.DocumentErrors{{File: "a.yaml", Document: 2, Reason: "is empty"}},
			view.Problems{Faults: []view.Fault{{Place: "a.yaml, document 2", Reason: "is empty"}}},
		},
		"only the file is known": {
			slo.DocumentErrors{{File: "a.yaml", Reason: "is no YAML"}},
			view.Problems{Faults: []view.Fault{{Place: "a.yaml", Reason: "is no YAML"}}},
		},
		"faults are found within another error": {
			fmt.Errorf("sync: %w", slo.DocumentErrors{{File: "a.yaml", Reason: "is no YAML"}}),
			view.Problems{Faults: []view.Fault{{Place: "a.yaml", Reason: "is no YAML"}}},
		},
		"another error is the one fault": {
			errors.New("slos does not exist"),
			view.Problems{Faults: []view.Fault{{Reason: "slos does not exist"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, view.NewProblems(c.err))
		})
	}
}

func TestProblemsAreAtMostTen(t *testing.T) {
	t.Parallel()
	for n, more := range map[int]string{9: "", 10: "", 11: "1", 12_355: "12 345"} {
		p := view.NewProblems(make(slo.DocumentErrors, n))
		require.Len(t, p.Faults, min(n, 10))
		require.Equal(t, more, plain(p.More), "%d faults", n)
	}
}

func TestRefusedItemsHaveReasonsInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		byReason map[string]int64
		want     view.Refused
	}{
		"none":            {nil, view.Refused{}},
		"none of a kind":  {map[string]int64{"late": 0}, view.Refused{}},
		"one without end": {map[string]int64{"no_end_time": 1}, view.Refused{Items: "1 item", Reasons: []string{"1 without an end time"}}},
		"every reason, in a fixed order": {
			map[string]int64{"undecodable": 4, "no_end_time": 3, "future": 2, "late": 1},
			view.Refused{Items: "10 items", Clocks: true, Reasons: []string{
				"1 late (ended before the lateness bound)", "2 from the future (end later than a clock may run ahead)",
				"3 without an end time", "4 undecodable (each record that cannot be read counts as one)",
			}},
		},
		"only the clock ahead": {
			map[string]int64{"future": 2},
			view.Refused{Items: "2 items", Clocks: true, Reasons: []string{"2 from the future (end later than a clock may run ahead)"}},
		},
		"reasons without words are shown, sorted": {
			map[string]int64{"z_new": 5, "a_new": 6},
			view.Refused{Items: "11 items", Reasons: []string{"5 z new", "6 a new"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, view.NewRefused(c.byReason))
		})
	}
}
