package request_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/slo"
)

func TestPayloadsAreOnlyForTheVeryDataThatWasDecodedFromThem(t *testing.T) {
	t.Parallel()
	td, md := ptrace.NewTraces(), pmetric.NewMetrics()
	traces, metrics := request.New(nil), request.New(nil)
	traces.SetTraces(td, []byte("spans"))
	metrics.SetMetrics(md, []byte("points"))

	require.Equal(t, []byte("spans"), traces.PayloadOfTraces(td))
	require.Equal(t, []byte("points"), metrics.PayloadOfMetrics(md))
	require.Panics(t, func() { td.ResourceSpans().AppendEmpty() }, "who changes them without a copy")
	changed := ptrace.NewTraces()
	td.CopyTo(changed)
	require.Nil(t, traces.PayloadOfTraces(changed))
	changedPoints := pmetric.NewMetrics()
	md.CopyTo(changedPoints)
	require.Nil(t, metrics.PayloadOfMetrics(changedPoints))
	require.Nil(t, request.New(nil).PayloadOfTraces(td))
	require.Nil(t, request.Of(context.Background()).PayloadOfTraces(td))
	require.Nil(t, request.Of(context.Background()).PayloadOfMetrics(md))
}

func TestRefusalsAreHandedOutOnce(t *testing.T) {
	t.Parallel()
	h := request.New([]slo.Refusal{{Items: 1}})
	require.Same(t, h, request.Of(request.With(t.Context(), h)))
	require.Len(t, h.TakeRefused(), 1)
	require.Empty(t, h.TakeRefused())
	require.Empty(t, request.Of(t.Context()).TakeRefused())
}

func TestATallyKeepsAllItemsInAtMost100Entries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var tally request.Tally
		want, total := map[string]int64{}, int64(0)
		for range rapid.IntRange(0, 300).Draw(t, "services") {
			reason := rapid.SampledFrom([]string{slo.RefusedLate, slo.RefusedFuture, slo.RefusedLimits}).Draw(t, "reason")
			service := fmt.Sprintf("service-%d", rapid.IntRange(0, 400).Draw(t, "service"))
			items := rapid.Int64Range(0, 1000).Draw(t, "items")
			tally.Add(reason, service, items)
			want[reason] += items
			total += items
		}
		list := tally.Refusals("traces")
		require.LessOrEqual(t, len(list), 100)
		got, last := map[string]int64{}, int64(1<<62)
		for _, r := range list {
			require.Equal(t, "traces", r.Signal)
			require.Positive(t, r.Items)
			require.LessOrEqual(t, r.Items, last)
			got[r.Reason] += r.Items
			last = r.Items
		}
		for reason, items := range want {
			require.Equal(t, items, got[reason])
		}
		require.Equal(t, total, tally.Total())
	})
}

func TestAnEndlessNameOfAServiceIsNotStored(t *testing.T) {
	t.Parallel()
	var tally request.Tally
	tally.Add(slo.RefusedLate, string(make([]byte, 257)), 3)
	require.Equal(t, []slo.Refusal{{Signal: "traces", Reason: slo.RefusedLate, Service: slo.OtherNames, Items: 3}}, tally.Refusals("traces"))
}

func TestABudgetIsNeitherExceededNorLost(t *testing.T) {
	t.Parallel()
	b := request.NewBudget(10)
	one, two := b.Hold(), b.Hold()
	require.True(t, one.Reserve(6))
	require.False(t, two.Reserve(5))
	require.True(t, two.Reserve(4))
	require.Equal(t, int64(10), b.Taken())
	one.Release()
	one.Release()
	require.Equal(t, int64(4), b.Taken())
	_, err := io.ReadAll(two.Reader(bytes.NewReader(make([]byte, 7))))
	require.ErrorIs(t, err, request.ErrBusy)
	two.Release()
	require.Zero(t, b.Taken())

	var none *request.Hold
	content, err := io.ReadAll(none.Reader(bytes.NewReader([]byte("abc"))))
	require.NoError(t, err)
	require.Len(t, content, 3)
	require.Same(t, one, request.HoldOf(request.WithHold(t.Context(), one)))
	require.Nil(t, request.HoldOf(t.Context()))
}
