package slo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

const day = 24 * time.Hour

func target(t testing.TB, text string) slo.Target {
	t.Helper()
	parsed, err := slo.ParseTarget(text, false)
	require.NoError(t, err)
	return parsed
}

func TestDefaultPolicyHasTheFactorsOfTheDesign(t *testing.T) {
	t.Parallel()
	type tier struct {
		name        string
		severity    slo.Severity
		long, short time.Duration
		factor      float64
		minBad      int64
		used        bool
	}
	tests := map[string]struct {
		target   string
		window   time.Duration
		interval time.Duration
		want     []tier
	}{
		"30 days at 99.9 % have the factors of the SRE Workbook": {
			target: "0.999", window: 30 * day,
			want: []tier{
				{"fast", slo.Page, 2 * time.Minute, 10 * time.Second, 100, 10, true},
				{"1h", slo.Page, time.Hour, 5 * time.Minute, 14.4, 3, true},
				{"6h", slo.Page, 6 * time.Hour, 30 * time.Minute, 6, 3, true},
				{"24h", slo.Ticket, day, 2 * time.Hour, 3, 3, true},
				{"3d", slo.Ticket, 3 * day, 6 * time.Hour, 1, 3, true},
			},
		},
		"28 days scale the factors with the window": {
			target: "0.999", window: 28 * day,
			want: []tier{
				{"fast", slo.Page, 2 * time.Minute, 10 * time.Second, 100, 10, true},
				{"1h", slo.Page, time.Hour, 5 * time.Minute, 13.44, 3, true},
				{"6h", slo.Page, 6 * time.Hour, 30 * time.Minute, 5.6, 3, true},
				{"24h", slo.Ticket, day, 2 * time.Hour, 2.8, 3, true},
				{"3d", slo.Ticket, 3 * day, 6 * time.Hour, 28.0 / 30, 3, true},
			},
		},
		"one day keeps the factors of seven and shrinks the look-backs to a seventh": {
			target: "0.99", window: day,
			want: []tier{
				{"fast", slo.Page, 2 * time.Minute, 10 * time.Second, 80, 10, true},
				{"8m34s", slo.Page, time.Hour / 7, 5 * time.Minute / 7, 3.36, 3, true},
				{"51m26s", slo.Page, 6 * time.Hour / 7, 30 * time.Minute / 7, 1.4, 3, true},
				{"3h25m43s", slo.Ticket, day / 7, 2 * time.Hour / 7, 0.7, 3, true},
				{"10h17m9s", slo.Ticket, 3 * day / 7, 6 * time.Hour / 7, 0.7 / 3, 3, true},
			},
		},
		"90 % over 30 days leaves out the tier that no error ratio can reach": {
			target: "0.9", window: 30 * day,
			want: []tier{
				{"fast", slo.Page, 2 * time.Minute, 10 * time.Second, 8, 10, true},
				{"1h", slo.Page, time.Hour, 5 * time.Minute, 14.4, 3, false},
				{"6h", slo.Page, 6 * time.Hour, 30 * time.Minute, 6, 3, true},
				{"24h", slo.Ticket, day, 2 * time.Hour, 3, 3, true},
				{"3d", slo.Ticket, 3 * day, 6 * time.Hour, 1, 3, true},
			},
		},
		"a factor equal to the highest burn rate can be reached": {
			target: "0.92", window: 25 * day, // 2 % of 25d over 1h is 12; 1/(1-0.92) is 12.5; 5 % over 6h is 5.
			want: []tier{
				{"fast", slo.Page, 2 * time.Minute, 10 * time.Second, 10, 10, true},
				{"1h", slo.Page, time.Hour, 5 * time.Minute, 12, 3, true},
				{"6h", slo.Page, 6 * time.Hour, 30 * time.Minute, 5, 3, true},
				{"24h", slo.Ticket, day, 2 * time.Hour, 2.5, 3, true},
				{"3d", slo.Ticket, 3 * day, 6 * time.Hour, 25.0 / 30, 3, true},
			},
		},
		"a source that reports every minute leaves out the fast tier": {
			target: "0.999", window: 30 * day, interval: time.Minute,
			want: []tier{
				{"fast", slo.Page, 2 * time.Minute, 10 * time.Second, 100, 10, false},
				{"1h", slo.Page, time.Hour, 5 * time.Minute, 14.4, 3, true},
				{"6h", slo.Page, 6 * time.Hour, 30 * time.Minute, 6, 3, true},
				{"24h", slo.Ticket, day, 2 * time.Hour, 3, 3, true},
				{"3d", slo.Ticket, 3 * day, 6 * time.Hour, 1, 3, true},
			},
		},
		"the fast tier stays when no other page tier remains": {
			target: "0.5", window: 30 * day, interval: time.Minute,
			want: []tier{
				{"fast", slo.Page, 2 * time.Minute, 10 * time.Second, 1.6, 10, true},
				{"1h", slo.Page, time.Hour, 5 * time.Minute, 14.4, 3, false},
				{"6h", slo.Page, 6 * time.Hour, 30 * time.Minute, 6, 3, false},
				{"24h", slo.Ticket, day, 2 * time.Hour, 3, 3, false},
				{"3d", slo.Ticket, 3 * day, 6 * time.Hour, 1, 3, true},
			},
		},
		"90 days at 99.99 % clamp the fast factor at 100": {
			target: "0.9999", window: 90 * day,
			want: []tier{
				{"fast", slo.Page, 2 * time.Minute, 10 * time.Second, 100, 10, true},
				{"1h", slo.Page, time.Hour, 5 * time.Minute, 43.2, 3, true},
				{"6h", slo.Page, 6 * time.Hour, 30 * time.Minute, 18, 3, true},
				{"24h", slo.Ticket, day, 2 * time.Hour, 9, 3, true},
				{"3d", slo.Ticket, 3 * day, 6 * time.Hour, 3, 3, true},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := slo.DefaultPolicy(target(t, test.target), slo.Window{Duration: test.window}, test.interval)
			require.Len(t, got, len(test.want)+1, "and the quiet tier")
			require.Equal(t, "quiet", got[len(test.want)].Name)
			for i, want := range test.want {
				require.Equal(t, want.name, got[i].Name)
				require.Equal(t, want.severity, got[i].Severity, want.name)
				require.Equal(t, want.long, got[i].Long, want.name)
				require.Equal(t, want.short, got[i].Short, want.name)
				require.InDelta(t, want.factor, got[i].Factor, 1e-12, want.name)
				require.Equal(t, want.minBad, got[i].MinBad, want.name)
				require.Equal(t, want.used, got[i].LeftOut == "", "%s: %s", want.name, got[i].LeftOut)
			}
		})
	}
}

func TestTheQuietTierIsForFewEventsOverDays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		target string
		window time.Duration
		long   time.Duration
		factor float64
	}{
		"a whole budget in three days":                          {"0.999", 30 * day, 3 * day, 10},
		"four fifths of the highest burn rate, if that is less": {"0.9", 90 * day, 3 * day, 8},
		"it shrinks with a window below a week":                 {"0.999", day, 3 * day / 7, 7.0 / 3},
	} {
		tiers := slo.DefaultPolicy(target(t, test.target), slo.Window{Duration: test.window}, 0)
		quiet := tiers[len(tiers)-1]
		require.Equal(t, test.long, quiet.Long, name)
		require.InDelta(t, test.factor, quiet.Factor, 1e-12, name)
		require.Equal(t, slo.Page, quiet.Severity, name)
		require.Empty(t, quiet.LeftOut, name)
	}
}

// A tier of a window of one day looks back 8 minutes and 34.28 seconds. Whoever
// would round that to the slices that it is made of would change verdicts.
func TestALookBackThatIsRoundedSeesOtherEvents(t *testing.T) {
	t.Parallel()
	hour := slo.DefaultPolicy(target(t, "0.99"), slo.Window{Duration: day}, 0)[1]
	require.Equal(t, "8m34s", hour.Name)
	to := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	begins := map[slo.Slice]bool{}
	for _, long := range []time.Duration{hour.Long, hour.Long.Truncate(slo.SliceLength), hour.Long.Round(time.Minute)} {
		begins[slo.LookBackStart(to, long)] = true
	}
	require.Len(t, begins, 3)
	require.InDelta(t, 0.02, hour.Factor*float64(hour.Long)/float64(day), 1e-12, "the share of the budget that the tier stands for")
}

func TestParseTargetIsExact(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text    string
		percent bool
		want    string
		wantErr string
	}{
		"a ratio":                          {text: "0.999", want: "0.999"},
		"a percentage":                     {text: "99.95", percent: true, want: "0.9995"},
		"the scientific form of YAML":      {text: "9.99e-1", want: "0.999"},
		"zero leaves the whole":            {text: "0", want: "0"},
		"nine decimals":                    {text: "0.999999999", want: "0.999999999"},
		"ten decimals are refused":         {text: "0.9999999999", wantErr: "more than nine decimals"},
		"one is refused":                   {text: "1", wantErr: "a budget must remain"},
		"a hundred percent is refused":     {text: "100", percent: true, wantErr: "below 100"},
		"a negative one is refused":        {text: "-0.1", wantErr: "at least 0"},
		"a fraction is refused":            {text: "1/3", wantErr: "not a decimal number"},
		"a word is refused":                {text: "three nines", wantErr: "not a decimal number"},
		"an endless exponent is refused":   {text: "1e-999999999", wantErr: "too long an exponent"},
		"a long one is told to be so":      {text: "0." + strings.Repeat("9", 31), wantErr: "is too long: write a number in at most 32 characters, this one has 33"},
		"long text is no number":           {text: strings.Repeat("nines ", 6), wantErr: "not a decimal number"},
		"long hexadecimal is no number":    {text: "0x0." + strings.Repeat("8", 40) + "p1", wantErr: "not a decimal number"},
		"infinity is refused":              {text: "Inf", wantErr: "not a decimal number"},
		"hexadecimal is refused":           {text: "0x1p-2", wantErr: "not a decimal number"},
		"underscores of YAML 1.1 are, too": {text: "0.9_9", wantErr: "not a decimal number"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := slo.ParseTarget(test.text, test.percent)
			if test.want == "" {
				require.ErrorContains(t, err, test.wantErr)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got.String())
		})
	}
}

func TestDurationsReadAndWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "24h": day, "28d": 28 * day, "4w": 28 * day, "1M": 30 * day, "1Q": 90 * day, "1Y": 365 * day,
	} {
		got, err := slo.ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "0d", "-1d", "1.5h", "28", "d", "1D", " 1d", "1d ", "1s", "99999999999999999d", "+1d", "1d1h"} {
		_, err := slo.ParseDuration(text)
		require.Error(t, err, text)
	}
	for want, d := range map[string]time.Duration{
		"10s": 10 * time.Second, "24h": day, "3d": 3 * day, "34m17s": 2057142857143 * time.Nanosecond, "0s": 0, "2d1h": 49 * time.Hour,
	} {
		require.Equal(t, want, slo.FormatDuration(d))
	}
}
