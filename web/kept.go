package web

import (
	"context"
	"sync"
	"time"
)

const (
	// keepFor is how long an answer of the store serves pages, keepTimeout how
	// long a page waits for a new one.
	keepFor     = 10 * time.Second
	keepTimeout = 2 * time.Second
	// maxKept bounds the answers: above it all are forgotten.
	maxKept = 4096
)

// kept keeps answers for a while, errors too: a store in trouble is not asked
// by every page. It is safe for concurrent use; those who ask for the same at
// the same time wait for one answer.
type kept[K comparable, V any] struct {
	period  time.Duration
	lock    sync.Mutex
	answers map[K]*answered[V]
}

type answered[V any] struct {
	lock  sync.Mutex
	until time.Time
	value V
	err   error
}

func newKept[K comparable, V any](period time.Duration) *kept[K, V] {
	return &kept[K, V]{period: period, answers: map[K]*answered[V]{}}
}

// get returns the answer kept, or asks for a new one. With an error it returns
// the last good answer, too.
func (k *kept[K, V]) get(key K, now time.Time, ask func() (V, error)) (V, error) {
	a := k.entry(key)
	a.lock.Lock()
	defer a.lock.Unlock()
	if now.Before(a.until) {
		return a.value, a.err
	}
	value, err := ask()
	if a.err = err; err == nil {
		a.value = value
	}
	a.until = now.Add(k.period)
	return a.value, a.err
}

func (k *kept[K, V]) entry(key K) *answered[V] {
	k.lock.Lock()
	defer k.lock.Unlock()
	a, found := k.answers[key]
	if !found {
		if len(k.answers) >= maxKept {
			clear(k.answers)
		}
		a = &answered[V]{}
		k.answers[key] = a
	}
	return a
}

// forAll is a context for a question on behalf of many requests: it does not
// end with the one that happens to ask.
func forAll(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
}
