package main

import (
	"context"
	"errors"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

const (
	trimEvery = 5 * time.Second
	// sealEvery is how often records are looked for that will be too old for
	// the journal within sealBefore, to be audited for the last time.
	sealEvery  = time.Minute
	sealBefore = 30 * time.Minute
	watchEvery = time.Second
	// retireEvery is how often earlier revisions are looked at.
	retireEvery = time.Minute
)

// makeAlarms makes what tells people that Slowburn itself is in trouble.
func (p *platform) makeAlarms(messenger *alerting.Messenger) (err error) {
	p.alarms, err = alerting.NewAlarms(alerting.AlarmSettings{
		Messenger: messenger, Save: p.store.Tell, Saved: p.sender.Wake, Send: p.sender.Send, Open: p.store.OpenAlarms,
		Logger: p.logger.With("part", "alarms"),
	})
	return err
}

// retire ends the counting of what was measured before an edit, once what is
// measured now covers every look-back.
func (p *platform) retire(ctx context.Context) error {
	ticker := time.NewTicker(retireEvery)
	defer ticker.Stop()
	troubled := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			err := p.catalog.Retire(ctx)
			if err != nil && !troubled && ctx.Err() == nil {
				p.logger.Error("series of earlier revisions could not be ended; they are counted on, and it tries again", "error", err)
			}
			troubled = err != nil
		}
	}
}

// watch observes what only the whole knows: whether telemetry is refused, and
// since when.
func (p *platform) watch(ctx context.Context) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			p.observe(time.Now())
		}
	}
}

func (p *platform) observe(now time.Time) {
	why := p.journal.Refusing()
	text := ""
	if why != nil {
		text = why.Error()
	}
	p.alarms.Observe(slo.AlarmIngestRefusing, why != nil, text)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case why == nil:
		p.refusingSince = time.Time{}
	case p.refusingSince.IsZero():
		p.refusingSince = now
	}
}

// refusing is why the journal takes nothing, and since when; empty if it does.
func (p *platform) refusing() (string, time.Time) {
	why := p.journal.Refusing()
	if why == nil {
		return "", time.Time{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return why.Error(), p.refusingSince
}

// keepJournal trims the journal, and ends the process when its disk failed:
// nothing may be acknowledged any more.
func (p *platform) keepJournal(ctx context.Context) error {
	ticker := time.NewTicker(time.Duration(failpoint.Number("TRIM_SECONDS", int64(trimEvery/time.Second))) * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.journal.Failed():
			return p.journal.Err()
		case <-ticker.C:
			if err := p.trim(ctx); err != nil && ctx.Err() == nil {
				p.logger.Error("the journal could not be trimmed", "error", err)
			}
		}
	}
}

// trim deletes what may go. What was seen must be on disk elsewhere before the
// records are gone that it could be read from again.
func (p *platform) trim(ctx context.Context) error {
	if p.journal.Refusing() != nil {
		if err := p.sightings.Flush(); err != nil {
			return err
		}
	}
	read := min(p.ledger.Progress().Offset, p.sightings.Durable())
	sealed, err := p.store.Sealed(ctx, shard)
	if err != nil {
		sealed = 0 // By size it goes on; by age it waits for the database.
	}
	// It begins below the size at which the journal refuses, which it never exceeds.
	_, trimmed := p.journal.Trim(read, sealed, p.config.journalMaxAge, int64(p.config.journalMaxSize)/8*7)
	return errors.Join(err, trimmed, p.sightings.Forget(p.journal.Oldest()))
}

// seal has the audit speak its last word on what the journal is about to lose
// by age.
func (p *platform) seal(ctx context.Context) error {
	ticker := time.NewTicker(sealEvery)
	defer ticker.Stop()
	troubled := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		through := p.journal.Before(time.Now().Add(sealBefore - p.config.journalMaxAge))
		if through == 0 || p.behind() || !p.engine.Leading() {
			continue
		}
		_, err := p.audit.SealThrough(ctx, through)
		if err != nil && !troubled && ctx.Err() == nil {
			p.logger.Error("the journal could not be sealed; what was counted stays in it, and it tries again", "error", err)
		}
		troubled = err != nil
	}
}
