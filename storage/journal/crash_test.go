package journal_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// promises is what a journal owes after a crash at some moment.
type promises struct {
	// acknowledged is the content of each record that was answered, or that an
	// earlier start has found.
	acknowledged map[slo.Offset]string
	// newest is the newest of them, read the newest that Trim was allowed to delete.
	newest, read slo.Offset
}

func (p promises) clone() promises {
	acknowledged := make(map[slo.Offset]string, len(p.acknowledged))
	for offset, content := range p.acknowledged {
		if offset > p.read { // Others may be gone; what is left of them is checked by number.
			acknowledged[offset] = content
		}
	}
	p.acknowledged = acknowledged
	return p
}

// remains is what a crash left, and what was owed at that moment.
type remains struct {
	fs   *disktest.MemFS
	owed promises
	how  string
}

// crasher drives one journal through accidents.
type crasher struct {
	seed    uint64
	random  *rand.Rand
	fs      *disktest.MemFS
	options journal.Options
	journal *journal.Journal

	mu       sync.Mutex // guards what follows, and random within faults
	owed     promises
	sent     int
	left     []remains
	failures int
}

// TestTenThousandCrashClones drives journals by random appends, trims, full
// disks and failing operations, from starts that themselves follow accidents.
// At random moments it takes away the process or the power, and opens what is
// left: it must open, hold every acknowledged record unchanged at its offset,
// none twice, none that nobody sent, and take more.
//
// Planted bugs turn it red: with SLOWBURN_PLANT=ack-before-sync, go test -tags
// crash -run TestTenThousandCrashClones ./storage/journal fails, and so it does
// with skip-dir-sync, retry-fsync and trim-early.
func TestTenThousandCrashClones(t *testing.T) {
	t.Parallel()
	const shards = 8
	clones := 10_000 / shards
	if testing.Short() {
		clones /= 10
	}
	for shard := range uint64(shards) {
		t.Run(fmt.Sprintf("shard %d", shard), func(t *testing.T) {
			t.Parallel()
			checked, failures := 0, 0
			for seed := shard << 32; checked < clones; seed++ {
				c := &crasher{
					seed: seed, random: seeded(seed), fs: disktest.NewMemFS(),
					owed: promises{acknowledged: map[slo.Offset]string{}},
				}
				for range 3 {
					c.live(t)
					for _, r := range c.left {
						c.check(t, r)
					}
					checked += len(c.left)
					c.left = nil
				}
				failures += c.failures
			}
			t.Logf("%d crashes survived, beside %d failures of the disk", checked, failures)
		})
	}
}

// live is one life of a process, from its start to its end.
func (c *crasher) live(t *testing.T) {
	c.options = journal.Options{
		Heartbeat: -1, SegmentBytes: 200 + c.random.Int64N(2500),
		RecentBytes: []int64{-1, 500, 0}[c.random.IntN(3)],
	}
	if c.random.IntN(4) == 0 {
		c.options.MaxBytes = 8000 + c.random.Int64N(20_000)
	}
	c.journal = reopen(t, c.fs, c.options)
	c.adopt(t)
	c.fs.Fault = c.accident
	for range 6 + c.random.IntN(15) {
		switch c.draw(10) {
		case 0, 1:
			c.trim()
		case 2:
			c.fs.Resize(int(c.journal.Size()) + c.draw(2000))
			c.burst()
			c.fs.Resize(0)
		default:
			c.burst()
		}
		c.crash("between")
	}
	c.fs.Fault = nil
	require.NoError(t, c.journal.Close())
	if c.random.IntN(2) == 0 {
		c.fs = c.fs.PowerLoss(c.random)
	} else {
		c.fs = c.fs.Kill()
	}
}

// adopt takes what a start has found for acknowledged: it was shown to readers.
func (c *crasher) adopt(t *testing.T) {
	records, err := readAll(t.Context(), c.journal, c.journal.Oldest()-1)
	require.NoError(t, err, "seed %d", c.seed)
	c.verify(t, c.owed, c.journal, records)
	for _, r := range records {
		c.owed.acknowledged[r.Offset] = string(r.Payload)
	}
	c.owed.newest = c.journal.Durable()
}

// draw is a random number below n.
func (c *crasher) draw(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.IntN(n)
}

// burst appends from several senders at once, each a content of its own.
func (c *crasher) burst() {
	var senders sync.WaitGroup
	for range 1 + c.draw(5) {
		content := c.content()
		senders.Go(func() {
			offset, err := c.journal.Append(context.Background(), traces([]byte(content)))
			if err == nil {
				c.mu.Lock()
				c.owed.acknowledged[offset] = content
				c.owed.newest = max(c.owed.newest, offset)
				c.mu.Unlock()
				c.crash("after an answer")
			}
		})
	}
	senders.Wait()
}

// content begins with its number, which none has had before.
func (c *crasher) content() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent++
	return fmt.Sprintf("%d ", c.sent) + string(noise(c.random.IntN(500)))
}

// trim deletes what was read, which is some of what was acknowledged.
func (c *crasher) trim() {
	c.mu.Lock()
	if span := int(c.owed.newest - c.owed.read); span > 0 {
		c.owed.read += slo.Offset(c.random.IntN(span + 1))
	}
	read := c.owed.read
	c.mu.Unlock()
	_, _ = c.journal.Trim(read, read, time.Hour, 0)
}

// crash takes a clone now and then.
func (c *crasher) crash(when string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crashLocked(when)
}

func (c *crasher) crashLocked(when string) {
	switch c.random.IntN(4) {
	case 0:
		c.left = append(c.left, remains{c.fs.Kill(), c.owed.clone(), "killed " + when})
	case 1, 2:
		c.left = append(c.left, remains{c.fs.PowerLoss(c.random), c.owed.clone(), "power lost " + when})
	}
}

// accident comes before each operation of the disk.
func (c *crasher) accident(op, _ string, size int) (int, error) {
	if op == "read" || op == "open" {
		return size, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crashLocked("before " + op)
	if c.random.IntN(8) == 0 {
		c.fs.Writeback()
	}
	if c.random.IntN(40) == 0 {
		c.failures++
		return c.random.IntN(size + 1), errDisk
	}
	return size, nil
}

// check opens what a crash left.
func (c *crasher) check(t *testing.T, r remains) {
	t.Helper()
	o := fromFiles()
	o.SegmentBytes = c.options.SegmentBytes
	j, err := journal.OpenOn(r.fs, dir, o)
	require.NoError(t, err, "seed %d, %s", c.seed, r.how)
	records, err := readAll(t.Context(), j, j.Oldest()-1)
	require.NoError(t, err, "seed %d, %s", c.seed, r.how)
	c.verify(t, r.owed, j, records)
	newest := j.Durable()
	offset, err := j.Append(t.Context(), traces([]byte("more")))
	require.NoError(t, err)
	require.Equal(t, newest+1, offset)
	require.NoError(t, j.Close())
}

// verify compares what a journal holds with what it owes.
func (c *crasher) verify(t *testing.T, owed promises, j *journal.Journal, records []slo.Record) {
	t.Helper()
	if j.Oldest()-1 > owed.read {
		require.FailNow(t, "unread records were deleted", "seed %d: the oldest is %d, read is %d", c.seed, j.Oldest(), owed.read)
	}
	seen := map[int]bool{}
	for i, r := range records {
		require.Equal(t, j.Oldest()+slo.Offset(i), r.Offset)
		number := 0
		_, err := fmt.Sscan(string(r.Payload), &number)
		require.NoError(t, err, "seed %d: record %d is nothing that was sent", c.seed, r.Offset)
		require.False(t, seen[number], "seed %d: content %d is there twice", c.seed, number)
		seen[number] = true
		if content, ok := owed.acknowledged[r.Offset]; ok && content != string(r.Payload) {
			require.FailNow(t, "an acknowledged record is another", "seed %d: record %d", c.seed, r.Offset)
		}
	}
	for offset := range owed.acknowledged {
		if offset >= j.Oldest()+slo.Offset(len(records)) {
			require.FailNow(t, "an acknowledged record is missing", "seed %d: record %d of %d", c.seed, offset, j.Durable())
		}
	}
}
