package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

const (
	// quietLimit is how long the clients may take until everything that they
	// sent is acknowledged.
	quietLimit = time.Minute
	// catchUpLimit is how long the ledger may take to read what is stored.
	catchUpLimit = time.Minute
	// deliverLimit is how long receivers may take to be told of everything: a
	// notification that was claimed at a kill waits for the end of its lease.
	deliverLimit = 100 * time.Second
)

// settle lets the clients finish, waits until the ledger has read everything,
// and compares. Then the clients go on.
func (s *stand) settle(ctx context.Context, last bool) error {
	if err := s.up(ctx); err != nil {
		return err
	}
	quiet := s.gate.close()
	defer s.gate.open()
	select {
	case <-quiet:
	case <-s.dead:
		return s.endedByItself()
	case <-time.After(quietLimit):
		return red("spans are still not acknowledged after %s; answers: %w", quietLimit, s.meter.complained())
	}
	if err := s.admit(ctx); err != nil {
		return err
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	if err := s.compare(ctx, last); err != nil {
		return err
	}
	s.verifies++
	if !last && s.verifies&(s.verifies-1) != 0 {
		return nil // The audit reads all of the journal: rarer and rarer.
	}
	return s.audit(ctx, last)
}

// catchUp waits until the ledger has read all that the journal holds now, and
// checks that neither ever goes back (I5).
func (s *stand) catchUp(ctx context.Context) error {
	journal, ledger, err := s.api.offsets(ctx)
	if err != nil {
		return err
	}
	if journal < s.journal || ledger < s.ledger {
		return red("offsets went back: the journal from %d to %d, the ledger from %d to %d", s.journal, journal, s.ledger, ledger)
	}
	s.journal = journal
	return s.poll(ctx, catchUpLimit, "the ledger at record "+fmt.Sprint(journal), func(ctx context.Context) (bool, error) {
		_, read, err := s.api.offsets(ctx)
		if err != nil {
			return false, err
		}
		s.ledger = read
		return read >= journal, fmt.Errorf("it is at record %d", read)
	})
}

// compare verifies, at the end with every delivery.
func (s *stand) compare(ctx context.Context, last bool) error {
	check := func(ctx context.Context) (bool, error) {
		e := s.evidence()
		e.Delivered = last
		if err := s.api.fill(ctx, &e); err != nil {
			return false, err
		}
		s.last = e.judge()
		if s.last.red() {
			return false, red("%s", s.last.String())
		}
		return true, nil
	}
	if last {
		return s.poll(ctx, deliverLimit, "verify", check)
	}
	_, err := check(ctx)
	if _, bad := s.receiver.taken(); len(bad) > 0 {
		err = errors.Join(err, redError{errors.Join(bad...)})
	}
	return errors.Join(err, s.meter.complained())
}

// admit adds the objectives defined on the way to what is compared, once each
// is recounted from the first record on.
func (s *stand) admit(ctx context.Context) error {
	names := s.later
	s.later = nil
	for _, name := range names {
		status, _, err := s.get(ctx, "/api/v1/slos/"+name)
		if err != nil {
			return err
		}
		if s.trimmed || status == http.StatusNotFound {
			continue // The process died before the definition was stored.
		}
		path := "/api/v1/slos/" + name + "/recount"
		if _, _, err := s.do(ctx, http.MethodPost, path, nil); err != nil {
			return err // It goes on by itself, or from here.
		}
		if err := s.poll(ctx, catchUpLimit, "the recount of "+name, func(ctx context.Context) (bool, error) {
			var state struct {
				Done  bool    `json:"done"`
				Error *string `json:"error"`
			}
			err := s.api.json(ctx, path, &state)
			if err == nil && !state.Done {
				err = errors.New("it goes on")
			}
			if state.Error != nil {
				err = errors.New(*state.Error)
			}
			return err == nil, err
		}); err != nil {
			return redError{err}
		}
		s.objectives[name] = "mixed"
		s.recounted++
	}
	return nil
}

// audit lets the product's own audit recount the journal (I3).
func (s *stand) audit(ctx context.Context, last bool) error {
	if !s.exact {
		s.audits = "not run: it differs where repeats are not recognised"
		return nil
	}
	help := exec.CommandContext(ctx, s.options.binary, "audit", "--help") //nolint:gosec // The binary under test.
	if out, err := help.CombinedOutput(); err != nil || !strings.Contains(string(out), "slowburn audit") {
		s.audits = "not run: this build has no slowburn audit"
		return nil //nolint:nilerr // An older build fails here, which is no fault; the report says so.
	}
	args := []string{"audit", "--data-dir", s.dataDir(), "--log-level", "error"}
	if s.own != nil {
		args = append(args, "--database-url", s.own.url())
	}
	out, err := exec.CommandContext(ctx, s.options.binary, args...).CombinedOutput() //nolint:gosec // The binary under test.
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return red("slowburn audit: %w: %s", err, strings.Join(lines[:min(len(lines), maxFaults)], "\n  "))
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "Compared") {
			s.audits, s.audited = line, s.audited+1
		}
	}
	if last && s.audited == 0 && !s.trimmed && s.last.Counted > 0 {
		return red("slowburn audit compared nothing though %d events are counted: %s", s.last.Counted, lines[0])
	}
	return nil
}
