package journal_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/storage/journal"
)

// batch looks to a compressor like an OTLP batch of so many spans: repeated
// names and attributes, random ids, times that climb.
func batch(spans int) []byte {
	random := seeded(1)
	var b []byte
	for n := range spans {
		for range 3 {
			b = binary.LittleEndian.AppendUint64(b, random.Uint64())
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(1_785_000_000_000_000_000+n*1000))
		b = fmt.Appendf(b, "GET /api/v1/orders/{id} http.request.method GET http.response.status_code %d server.address checkout-%d", 200+n%3, n%7)
	}
	return b
}

// BenchmarkDurableAppend appends batches of 500 spans from several senders to a
// journal on a real disk; each waits for its answer.
func BenchmarkDurableAppend(b *testing.B) {
	for _, senders := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			j, err := journal.Open(b.TempDir(), quiet())
			require.NoError(b, err)
			content := batch(500)
			b.SetBytes(int64(len(content)))
			var left atomic.Int64
			left.Store(int64(b.N))
			done := make(chan error, senders)
			waits := make([][]time.Duration, senders)
			start := time.Now()
			b.ResetTimer()
			for i := range senders {
				go func() {
					for left.Add(-1) >= 0 {
						sent := time.Now()
						if _, err := j.Append(b.Context(), traces(content)); err != nil {
							done <- err
							return
						}
						waits[i] = append(waits[i], time.Since(sent))
					}
					done <- nil
				}()
			}
			for range senders {
				require.NoError(b, <-done)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "records/s")
			all := slices.Concat(waits...)
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-us")
			b.ReportMetric(float64(j.Size())/float64(b.N), "disk-bytes/record")
			require.NoError(b, j.Close())
		})
	}
}

// BenchmarkOpen starts on a journal of 1 GiB on a real disk: 16 segments of
// 63 MiB, the last of them nearly full and with a torn tail, which is the worst
// that a start has to read.
func BenchmarkOpen(b *testing.B) {
	folder := b.TempDir()
	j, err := journal.Open(folder, fromFiles())
	require.NoError(b, err)
	content := noise(1 << 20)
	const inSegment = 63 // With their headers, 64 do not fit.
	for n := range 16*inSegment - 1 {
		binary.LittleEndian.PutUint64(content, uint64(n))
		_, err := j.Append(b.Context(), traces(content))
		require.NoError(b, err)
	}
	size := j.Size()
	require.NoError(b, j.Close())
	files, err := filepath.Glob(filepath.Join(folder, "*.journal"))
	require.NoError(b, err)
	last := files[len(files)-1]
	for b.Loop() {
		b.StopTimer()
		info, err := os.Stat(last)
		require.NoError(b, err)
		require.NoError(b, os.Truncate(last, info.Size()-1))
		b.StartTimer()
		j, err := journal.Open(folder, fromFiles())
		require.NoError(b, err)
		_, err = j.Append(b.Context(), traces(content))
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, j.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(size)/(1<<20), "MiB")
	b.ReportMetric(float64(len(files)), "segments")
}
