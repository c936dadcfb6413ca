package journal_test

import (
	"encoding/binary"
	"fmt"
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
