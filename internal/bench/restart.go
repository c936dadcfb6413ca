package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"syscall"
	"time"
)

// restartJournal is the size of the journal that a restart is measured with.
const restartJournal = 1 << 30

// benchRestart fills a journal of 1 GiB, kills the program, and measures how
// soon the next one accepts, shows the last known state and is ready. It audits
// that journal. Then it stops the database for a while under load, and measures how long the ledger
// takes to catch up.
func benchRestart(ctx context.Context, o options, out io.Writer) (err error) {
	p, err := serveObjectives(ctx, o, 100)
	if p != nil {
		defer func() { err = errors.Join(err, p.stop()) }()
	}
	if err != nil {
		return err
	}
	l, err := newLoad(p.grpc, 0)
	if err != nil {
		return err
	}
	for p.size() < restartJournal {
		if _, err := l.run(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	if err := p.counts(ctx, l.sent.Load(), 2*time.Minute); err != nil {
		return err
	}
	bytes := p.size()
	begin := time.Now()
	if err := p.again(ctx); err != nil {
		return err
	}
	shown := make(chan error, 1)
	var seen time.Duration
	go func() {
		err := p.wait(ctx, "/api/v1/slos?limit=1000", time.Minute, func(_ int, body string) bool { return counted(body) >= l.sent.Load() })
		seen = time.Since(begin)
		shown <- err
	}()
	accepted, err := p.firstAccepted(ctx, l, begin)
	if err != nil {
		return err
	}
	if err := errors.Join(<-shown, p.wait(ctx, "/readyz", time.Minute, func(int, string) bool { return true })); err != nil {
		return err
	}
	fmt.Fprintf(out, "restart journal_mib=%d spans=%d accepted_s=%.1f state_shown_s=%.1f ready_s=%.1f load_average=%s\n",
		bytes>>20, l.sent.Load(), accepted.Seconds(), seen.Seconds(), time.Since(begin).Seconds(), loadAverage())
	if err := p.audit(ctx, out); err != nil {
		return err
	}
	return catchUp(ctx, o, p, l, out)
}

// firstAccepted is how long it takes until a request is answered OK.
func (p *process) firstAccepted(ctx context.Context, l *load, begin time.Time) (time.Duration, error) {
	for time.Since(begin) < time.Minute {
		r := l.senders[0].requests[0]
		l.senders[0].renew(r)
		one := &load{address: p.grpc, senders: l.senders[:1]}
		if err := one.each(ctx, func(_ context.Context, _ *sender, send func(request) error) error { return send(r) }); err == nil {
			l.sent.Add(batchSize)
			return time.Since(begin), nil
		}
	}
	return 0, errors.New("nothing was accepted within a minute")
}

// catchUp stops the database while a quarter of the full load goes on for a
// minute, and measures how much faster than real time the ledger then is.
func catchUp(ctx context.Context, o options, p *process, l *load, out io.Writer) error {
	before := l.sent.Load()
	took, err := l.run(ctx, o.duration/2)
	if err != nil {
		return err
	}
	rate := float64(l.sent.Load()-before) / took.Seconds() / 4
	if err := p.counts(ctx, l.sent.Load(), time.Minute); err != nil {
		return err
	}
	postmaster, err := p.postmaster()
	if err != nil {
		return err
	}
	if err := signalTree(postmaster, syscall.SIGSTOP); err != nil {
		return err
	}
	away := 3 * o.duration
	before = l.sent.Load()
	_, err = l.pace(ctx, rate, away)
	if err := errors.Join(err, signalTree(postmaster, syscall.SIGCONT)); err != nil {
		return err
	}
	begin := time.Now()
	if err := p.counts(ctx, l.sent.Load(), 5*time.Minute); err != nil {
		return err
	}
	caught := time.Since(begin)
	fmt.Fprintf(out, "catch_up spans=%d database_away_s=%.0f spans_per_second_meanwhile=%.0f caught_up_s=%.1f times_real_time=%.1f counts=equal load_average=%s\n",
		l.sent.Load()-before, away.Seconds(), rate, caught.Seconds(), away.Seconds()/caught.Seconds(), loadAverage())
	return nil
}

// size is how large the journal is.
func (p *process) size() (bytes int64) {
	segments, _ := filepath.Glob(filepath.Join(p.dir, "data", "journal", "*.journal"))
	for _, segment := range segments {
		bytes += fileSize(segment)
	}
	return bytes
}
