package dedup_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/dedup"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// stream makes records of 500 items on the real disk, settled by batches of 20 records.
type stream struct {
	store *dedup.Store
	r     *rand.Rand
	every time.Duration // between records
	now   time.Time
	next  slo.Offset
	fresh uint64
	left  int
}

func openStream(t testing.TB, path string, o dedup.Options) *stream {
	o.Logger = quiet()
	s, err := dedup.Open(disk.OS{}, path, o)
	require.NoError(t, err)
	_, err = s.Rewind(0)
	require.NoError(t, err)
	return &stream{store: s, r: rand.New(rand.NewPCG(1, 2)), now: time.Unix(1_700_000_000, 0), next: 1}
}

const recordItems = 500

// identity is like a hash, and can be made again from its number.
func identity(n uint64) (id slo.ItemID) {
	a := n*0x9E3779B97F4A7C15 + 1
	for i := 0; i < 16; i += 8 {
		a ^= a >> 31
		a *= 0xBF58476D1CE4E5B9
		a ^= a >> 27
		a *= 0x94D049BB133111EB
		a ^= a >> 31
		for b := range 8 {
			id[i+b] = byte(a >> (8 * b))
		}
		a += 0x9E3779B97F4A7C15
	}
	return id
}

// sight sights one item: a new one, or one of those before.
func (s *stream) sight(t testing.TB, n uint64) slo.Sighted {
	if s.left == 0 {
		if s.next%20 == 0 {
			require.NoError(t, s.store.Settle(s.next-1))
		}
		s.now = s.now.Add(s.every)
		require.NoError(t, s.store.Begin(s.next, s.now))
		s.next++
		s.left = recordItems
	}
	s.left--
	v, err := s.store.Sight(slo.Sighting{ID: identity(n), Content: n})
	if err != nil {
		require.NoError(t, err)
	}
	return v
}

// fill sights so many new items, evenly over one horizon and a quarter.
func (s *stream) fill(t testing.TB, inHorizon int) {
	s.every = time.Duration(int64(time.Hour) * recordItems / int64(inHorizon))
	for range inHorizon / 4 * 5 {
		s.fresh++
		s.sight(t, s.fresh)
	}
}

func benchmarkSight(b *testing.B, inHorizon int, repeats float64) {
	s := openStream(b, b.TempDir(), dedup.Options{})
	s.fill(b, inHorizon)
	before := s.store.Stats()
	b.ResetTimer()
	cpu := cpuTime()
	wrong := 0
	for range b.N {
		if repeats > 0 && s.r.Float64() < repeats {
			// Of the whole horizon, not only of what is still in memory.
			if s.sight(b, s.fresh-uint64(s.r.IntN(inHorizon/10*9))) != slo.Repeat {
				wrong++
			}
			continue
		}
		s.fresh++
		if s.sight(b, s.fresh) != slo.First {
			wrong++
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
	require.Zero(b, wrong, "wrong verdicts")
	st := s.store.Stats()
	b.ReportMetric(float64(st.FalsePositives-before.FalsePositives)/float64(b.N), "false-reads/op")
	b.ReportMetric(float64(st.DiskBytes)/float64(st.Items), "disk-B/item")
	b.ReportMetric(float64(st.FilterBytes)/float64(st.Items), "filter-B/item")
	b.ReportMetric(float64(st.Runs), "runs")
	b.ReportMetric(residentMB(), "rss-MB")
	require.NoError(b, s.store.Close())
}

// cpuTime is what the process has used, maintenance included: on a shared
// machine it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func residentMB() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(kb)[0], 64)
			return n / 1024
		}
	}
	return 0
}

func BenchmarkSightNewOf1M(b *testing.B)  { benchmarkSight(b, 1_000_000, 0) }
func BenchmarkSightNewOf20M(b *testing.B) { benchmarkSight(b, 20_000_000, 0) }

func BenchmarkSightNewOf5M(b *testing.B)            { benchmarkSight(b, 5_000_000, 0) }
func BenchmarkSightTenthRepeatedOf5M(b *testing.B)  { benchmarkSight(b, 5_000_000, 0.1) }
func BenchmarkSightTenthRepeatedOf20M(b *testing.B) { benchmarkSight(b, 20_000_000, 0.1) }

// A kill loses the table: opening, and sighting again what was in it.
func BenchmarkOpenAfterKillWith5M(b *testing.B) {
	path := b.TempDir()
	s := openStream(b, path, dedup.Options{})
	s.fill(b, 5_000_000)
	// Closed mid-batch, so what was not settled is missing as after a kill.
	settled := s.next - 1
	require.NoError(b, s.store.Settle(settled))
	require.NoError(b, s.store.Close())
	b.ResetTimer()
	cpu := cpuTime()
	for range b.N {
		o, err := dedup.Open(disk.OS{}, path, dedup.Options{Logger: quiet()})
		require.NoError(b, err)
		_, err = o.Rewind(settled)
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, o.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/1e6, "cpu-ms/op")
}
