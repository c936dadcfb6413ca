package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// step is one kill, or one other fault, after which the platform may run or not.
type step func(context.Context, *stand) error

// steps returns the steps of a lane, in their order, without end.
func steps(lane string) (func() step, error) {
	points, calls, n := killPoints(), injections(), 0
	random := func(ctx context.Context, s *stand) error { return s.randomKill(ctx) }
	point := func(ctx context.Context, s *stand) error {
		p := points[s.turn("point")%len(points)]
		return s.pointKill(ctx, p)
	}
	call := func(ctx context.Context, s *stand) error {
		turn := s.turn("call")
		if turn%4 == 3 {
			return s.failedSync(ctx)
		}
		return s.syscallKill(ctx, calls[(turn-turn/4)%len(calls)])
	}
	database := func(ctx context.Context, s *stand) error { return s.databaseFault(ctx, s.own) }
	restart := func(ctx context.Context, s *stand) error { return s.restart(ctx) }
	rounds := map[string][]step{
		"random": {random}, "points": {point}, "syscalls": {call}, "postgres": {database}, "restarts": {restart},
		"all": {random, point, random, point, call, point, random, point, database, point, random, call, point, restart},
	}
	round, known := rounds[lane]
	if !known {
		return nil, fmt.Errorf("no lane %q: choose of random, points, syscalls, postgres, restarts, planted, all", lane)
	}
	return func() step { n++; return round[(n-1)%len(round)] }, nil
}

// runLane drives one stand until so many kills are done (or faults, in a lane
// without kills), or ctx ends, and compares now and then and at the end.
func (s *stand) runLane(ctx context.Context, lane string, kills int, until <-chan struct{}) error {
	next, err := steps(lane)
	if err != nil {
		return err
	}
	compared := 0
	for done := 0; done < kills; {
		before := s.done()
		if err := next()(ctx, s); err != nil {
			return err
		}
		done += s.done() - before
		if done-compared >= settleEvery {
			compared = done
			if err := s.settle(ctx, false); err != nil {
				return err
			}
		}
		select {
		case <-until:
			kills = 0
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
	return s.settle(ctx, true)
}

// done is how many kills and other faults there were.
func (s *stand) done() int {
	n := s.kills
	for _, k := range s.faults {
		n += k
	}
	return n
}

// turn counts how often a lane's step was taken, from 0.
func (s *stand) turn(name string) int {
	if s.turns == nil {
		s.turns = map[string]int{}
	}
	s.turns[name]++
	return s.turns[name] - 1
}

// ownStand is a stand whose database is a server of the harness's own.
func ownStand(ctx context.Context, o options, lane string) (*stand, error) {
	s, err := newStand(ctx, o, lane)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(ctx, s.random, 1)
	if err != nil {
		return s, err
	}
	port, err := strconv.Atoi(strings.TrimPrefix(ports[0], "127.0.0.1:"))
	if err != nil {
		return s, err
	}
	s.own, err = newServer(ctx, s.dir, port)
	if s.own != nil {
		s.cluster = s.own.dir
		s.args = append(s.args, "--database-url", s.own.url())
	}
	return s, err
}

// newMigrations kills platforms in the migrations of new databases.
func newMigrations(ctx context.Context, o options, n int, sum *summary) error {
	for i := range n {
		s, err := newStand(ctx, o, fmt.Sprintf("migration-%d", i))
		if err != nil {
			return err
		}
		err = errors.Join(s.migrationKill(ctx))
		if err == nil {
			err = s.settle(ctx, false)
		}
		if err := sum.conclude(s, err); err != nil {
			return err
		}
	}
	return nil
}
