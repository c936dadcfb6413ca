package view_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// plain writes narrow spaces as ordinary ones, to be read in tables.
func plain(s string) string { return strings.ReplaceAll(s, "\u202f", " ") }

func TestShareRoundsDown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		part, total int64
		decimals    int
		want        string
	}{
		"all is 100":                       {1000, 1000, 3, "100.000 %"},
		"one less is not":                  {999_996, 1_000_000, 3, "99.999 %"},
		"one of a billion less is not":     {999_999_999, 1_000_000_000, 3, "99.999 %"},
		"the largest counts are exact":     {math.MaxInt64 - 1, math.MaxInt64, 3, "99.999 %"},
		"a target that is met exactly":     {999, 1000, 3, "99.900 %"},
		"more decimals":                    {9_999_999_990, 10_000_000_000, 7, "99.9999999 %"},
		"none is zero":                     {0, 1000, 3, "0.000 %"},
		"a little is not zero":             {1, 10_000_000, 3, "0.00001 %"},
		"less than can be shown is a unit": {1, math.MaxInt64, 3, "0.0000001 %"},
		"two thirds":                       {2, 3, 3, "66.666 %"},
		"no events have no share":          {0, 0, 3, "–"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, plain(view.Share(c.part, c.total, c.decimals)))
		})
	}
}

// TestShareNeverLies compares with exact arithmetic: what is shown is at most
// what there is, by less than one unit of its last digit; 100 and 0 are exact.
func TestShareNeverLies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, math.MaxInt64).Draw(t, "total")
		part := rapid.Int64Range(0, total).Draw(t, "part")
		shown := strings.TrimSuffix(plain(view.Share(part, total, 3)), " %")
		value, ok := new(big.Rat).SetString(shown)
		require.True(t, ok, shown)
		exact := new(big.Rat).Mul(big.NewRat(100, 1), new(big.Rat).SetFrac(big.NewInt(part), big.NewInt(total)))
		require.Equal(t, part == total, value.Cmp(big.NewRat(100, 1)) == 0)
		require.Equal(t, part == 0, value.Sign() == 0)
		if exact.Cmp(big.NewRat(1, 1_000_000)) > 0 {
			require.LessOrEqual(t, value.Cmp(exact), 0, shown)
			require.Negative(t, new(big.Rat).Sub(exact, value).Cmp(big.NewRat(1, 1000)), shown)
		}
	})
}

func TestSignedPercentNeverClaimsMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ratio float64
		want  string
	}{
		"a whole budget":               {1, "100.0 %"},
		"nearly whole is not":          {0.999996, "99.9 %"},
		"a float's dust is swept away": {1 - 0.9, "10.0 %"},
		"nothing left":                 {0, "0.0 %"},
		"minus nothing":                {math.Copysign(0, -1), "0.0 %"},
		"a trace left":                 {0.0004, "0.04 %"},
		"a trace too much":             {-0.0004, "−0.04 %"},
		"the smallest trace":           {-1e-12, "−0.0000001 %"},
		"overspent":                    {-0.1239, "−12.4 %"},
		"overspent by far":             {-3.4634, "−346.4 %"},
		"overspent without measure":    {-141.857, "−14 186 %"},
		"not a number":                 {math.NaN(), "–"},
		"without end":                  {math.Inf(-1), "–"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, plain(view.SignedPercent(c.ratio)))
		})
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	for want, rate := range map[string]float64{
		"0×": 0, "1×": 1, "100×": 100, "13.44×": 13.44, "14.39×": 14.399, "0.99×": 0.9996, "0.003×": 0.0034, "141.8×": 141.857, "12 345×": 12345.6,
		"–": math.Inf(1),
	} {
		require.Equal(t, want, plain(view.Rate(rate)))
	}
}

func TestCountAndEvents(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]int64{
		"0": 0, "999": 999, "1000": 1000, "12 345": 12345, "1 234 567": 1234567, "−12 345": -12345, "9 223 372 036 854 775 807": math.MaxInt64,
	} {
		require.Equal(t, want, plain(view.Count(n)))
	}
	for want, n := range map[string]float64{"12.3": 12.345, "10": 10, "0.009": 0.009, "24 197": 24197.7, "0": 0, "–": math.NaN()} {
		require.Equal(t, want, plain(view.Events(n)))
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 0, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		at        time.Time
		text, ago string
	}{
		"this second":   {now, "00:30:00 UTC", "just now"},
		"seconds":       {now.Add(-59 * time.Second), "00:29:01 UTC", "59s ago"},
		"minutes":       {now.Add(-119 * time.Second), "00:28:01 UTC", "1m ago"},
		"yesterday":     {now.Add(-time.Hour), "2026-03-13 23:30:00 UTC", "1h ago"},
		"hours":         {now.Add(-3*time.Hour - 5*time.Minute), "2026-03-13 21:25:00 UTC", "3h 5m ago"},
		"days":          {now.Add(-50 * time.Hour), "2026-03-11 22:30:00 UTC", "2d 2h ago"},
		"weeks":         {now.Add(-33 * 24 * time.Hour), "2026-02-09 00:30:00 UTC", "33d ago"},
		"ahead":         {now.Add(time.Minute), "00:31:00 UTC", "in 1m"},
		"another zone":  {now.In(time.FixedZone("CET", 3600)), "00:30:00 UTC", "just now"},
		"it never was":  {time.Time{}, "never", "never"},
		"half a second": {now.Add(500 * time.Millisecond), "00:30:00 UTC", "just now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := view.NewMoment(c.at, now)
			require.Equal(t, c.text, m.Text)
			require.Equal(t, c.ago, m.Ago)
			require.Equal(t, c.at.IsZero(), m.Machine == "")
		})
	}
}

func TestEndpointsCanBeSentTo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ listener, self, want string }{
		"an address stays":            {"127.0.0.1:4317", "http://localhost:8080", "http://127.0.0.1:4317"},
		"a URL stays":                 {"https://otlp.example", "http://localhost:8080", "https://otlp.example"},
		"everywhere is here":          {"0.0.0.0:4317", "http://slowburn.example:8080", "http://slowburn.example:4317"},
		"everywhere in IPv6 is here":  {"[::]:4317", "http://[2001:db8::1]:8080", "http://[2001:db8::1]:4317"},
		"no host is here":             {":4317", "https://slowburn.example", "http://slowburn.example:4317"},
		"no receiver has no endpoint": {"", "http://localhost", ""},
		"a name without a port":       {"collector", "http://localhost", "http://collector"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, view.NewStart(view.Receivers{Self: c.self, GRPC: c.listener}, nil).GRPC)
			require.Equal(t, c.want, view.NewStart(view.Receivers{Self: c.self, HTTP: c.listener}, nil).HTTP)
		})
	}
}

func TestEveryStateHasAWord(t *testing.T) {
	t.Parallel()
	words := map[string]bool{}
	for _, state := range []slo.State{slo.Exhausted, slo.Burning, slo.Unmeasured, slo.OK, "new"} {
		words[view.NewState(state).Word] = true
	}
	require.Len(t, words, 5)
}
