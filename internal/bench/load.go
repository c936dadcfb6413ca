package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// load sends requests of new spans from several connections.
type load struct {
	address   string
	repeats   int // percent
	spanBytes int
	senders   []*sender
	// sent are spans, repeated those that were sent a second time.
	sent, repeated atomic.Int64
}

// sender owns its requests, since it gives them new identities before each use.
type sender struct {
	requests []request
	random   *rand.Rand
}

// request is an encoded export request and where its trace ids stand.
type request struct {
	body   []byte
	traces []int
}

// newLoad encodes the requests, and finds the identities in them.
func newLoad(address string, repeats int) (*load, error) {
	l := &load{address: address, repeats: repeats}
	size := 0
	for i := range ingestSenders {
		s := &sender{random: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(i)))} //nolint:gosec // Identities of a load.
		for k := i; k < ingestBatches; k += ingestSenders {
			r, err := newRequest(traces(fmt.Sprintf("service-%d", k%ingestServices), time.Now(), batchSize, false))
			if err != nil {
				return nil, err
			}
			s.requests = append(s.requests, r)
			size += len(r.body)
		}
		l.senders = append(l.senders, s)
	}
	l.spanBytes = size / ingestBatches / batchSize
	return l, nil
}

func newRequest(td ptrace.Traces) (r request, err error) {
	if r.body, err = encode(td); err != nil {
		return r, err
	}
	at := 0
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for i := range spans.Len() {
		id := spans.At(i).TraceID()
		found := bytes.Index(r.body[at:], id[:])
		if found < 0 {
			return r, errors.New("an encoded request lacks one of its trace ids")
		}
		at += found
		r.traces = append(r.traces, at)
	}
	return r, nil
}

// renew makes the spans other spans, of now: the bytes of the end stay, so that
// they may be some seconds old.
func (s *sender) renew(r request) {
	for _, at := range r.traces {
		binary.LittleEndian.PutUint64(r.body[at:], s.random.Uint64())
		binary.LittleEndian.PutUint64(r.body[at+8:], s.random.Uint64()|1)
	}
}

// run sends as fast as is answered.
func (l *load) run(ctx context.Context, duration time.Duration) (time.Duration, error) {
	begin := time.Now()
	err := l.each(ctx, func(ctx context.Context, s *sender, send func(request) error) error {
		for i := 0; time.Since(begin) < duration; i++ {
			r := s.requests[i%len(s.requests)]
			s.renew(r)
			if err := send(r); err != nil {
				return err
			}
			l.sent.Add(batchSize)
			if s.random.IntN(100) < l.repeats {
				if err := send(r); err != nil {
					return err
				}
				l.repeated.Add(batchSize)
			}
		}
		return ctx.Err()
	})
	return time.Since(begin), err
}

// pace sends so many spans a second, whether or not they are answered in time,
// and returns how long each request took from when it was due, sorted.
func (l *load) pace(ctx context.Context, perSecond float64, duration time.Duration) ([]time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	every := time.Duration(float64(ingestSenders*batchSize) / perSecond * float64(time.Second))
	begin := time.Now()
	err := l.each(ctx, func(ctx context.Context, s *sender, send func(request) error) error {
		var own []time.Duration
		for i := 0; ; i++ {
			due := begin.Add(time.Duration(i) * every)
			if due.Sub(begin) >= duration {
				break
			}
			timer := time.NewTimer(time.Until(due))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			}
			r := s.requests[i%len(s.requests)]
			s.renew(r)
			if err := send(r); err != nil {
				return err
			}
			l.sent.Add(batchSize)
			own = append(own, time.Since(due))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, own...)
		return nil
	})
	slices.Sort(all)
	return all, err
}

// each runs all senders at once, each on a connection of its own.
func (l *load) each(ctx context.Context, work func(context.Context, *sender, func(request) error) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range l.senders {
		group.Go(func() error {
			conn, err := grpc.NewClient(l.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			return work(ctx, s, func(r request) error {
				call, cancel := context.WithTimeout(ctx, ingestCallLimit)
				defer cancel()
				return export(call, conn, r.body)
			})
		})
	}
	return group.Wait()
}

// loadAverage is that of the last minute, since the machine may be shared.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}
