package journal_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// lostTail is how many offsets are passed over when the end was lost.
const lostTail = 1 << 32

// pairs is a closed journal of records 1 to 8, two in a segment, a minute apart.
func pairs(t require.TestingT) (fs *disktest.MemFS, c *clock, o journal.Options) {
	fs, c = disktest.NewMemFS(), newClock()
	o = fromFiles()
	o.Now, o.Monotonic, o.SegmentBytes = c.Now, c.Monotonic, 240
	j := reopen(t, fs, o)
	for n := 1; n <= 8; n++ {
		_, err := j.Append(context.Background(), traces(slices.Concat([]byte{byte(n)}, noise(40))))
		require.NoError(t, err)
		c.pass(time.Minute)
	}
	require.NoError(t, j.Close())
	require.Len(t, fs.Paths(".journal"), 4)
	return fs, c, o
}

// name is the file name of a segment of pairs.
func name(first int) string { return fmtOffset(slo.Offset(first)) + ".journal" }

// harm makes a segment damaged, so that Open sees it at once.
func harm(fs *disktest.MemFS, path string) []byte {
	b := slices.Clone(fs.Bytes(path))
	b[20] ^= 1
	fs.SetBytes(path, b)
	return b
}

func offsets(records []slo.Record) (all []int) {
	for _, r := range records {
		all = append(all, int(r.Offset))
	}
	return all
}

func TestALossIsAcceptedBySegment(t *testing.T) {
	t.Parallel()
	start := newClock().now
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	for title, c := range map[string]struct {
		harmed []int
		left   []int
		holes  []slo.Hole
		next   slo.Offset
	}{
		"the oldest":            {harmed: []int{1}, left: []int{3, 4, 5, 6, 7, 8}, holes: []slo.Hole{{After: 0, Through: 2, To: at(1)}}, next: 9},
		"one between":           {harmed: []int{3}, left: []int{1, 2, 5, 6, 7, 8}, holes: []slo.Hole{{After: 2, Through: 4, From: at(1), To: at(3)}}, next: 9},
		"two beside each other": {harmed: []int{3, 5}, left: []int{1, 2, 7, 8}, holes: []slo.Hole{{After: 2, Through: 6, From: at(1), To: at(5)}}, next: 9},
		"two apart": {harmed: []int{1, 5}, left: []int{3, 4, 7, 8}, holes: []slo.Hole{
			{After: 0, Through: 2, To: at(1)}, {After: 4, Through: 6, From: at(3), To: at(5)},
		}, next: 9},
		"the last": {harmed: []int{7}, left: []int{1, 2, 3, 4, 5, 6}, holes: []slo.Hole{
			{After: 6, Through: 6 + lostTail, From: at(5), To: at(8)},
		}, next: 7 + lostTail},
		"all": {harmed: []int{1, 3, 5, 7}, holes: []slo.Hole{{After: 0, Through: 6 + lostTail, To: at(8)}}, next: 7 + lostTail},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			fs, clock, o := pairs(t)
			accept := o
			for _, first := range c.harmed {
				path := dir + "/" + name(first)
				before := harm(fs, path)
				_, err := journal.OpenOn(fs, dir, accept)
				require.ErrorIs(t, err, journal.ErrDamaged)
				require.ErrorContains(t, err, path+", byte 0: the checksum of the file header is wrong")
				require.ErrorContains(t, err, "set aside as "+path+".quarantined")
				require.ErrorContains(t, err, "--accept-loss "+name(first))
				require.Equal(t, before, fs.Bytes(path+".quarantined"))
				_, err = journal.OpenOn(fs, dir, accept)
				require.ErrorIs(t, err, journal.ErrDamaged, "it stays so")
				require.ErrorContains(t, err, "--accept-loss "+name(first))
				accept.AcceptLoss = append(accept.AcceptLoss, name(first))
				if first == c.harmed[len(c.harmed)-1] {
					break
				}
				j, err := journal.OpenOn(fs.Kill(), dir, accept)
				require.NoError(t, err)
				require.NoError(t, j.Close())
			}
			requireLoss(t, fs.Kill(), accept, o, c.left, c.holes, c.next)
			kept := 0
			for range 3 { // The option may stay.
				j := reopen(t, fs, accept)
				require.Equal(t, c.holes, j.Holes())
				require.NoError(t, j.Close())
				kept = len(fs.Paths(".journal.given-up"))
			}
			require.Equal(t, len(c.harmed), kept, "what was damaged is never deleted")
			require.Equal(t, start.Add(8*time.Minute), clock.now)
		})
	}
}

// requireLoss opens a journal with accepted losses, and then without the option.
func requireLoss(t *testing.T, fs *disktest.MemFS, accept, o journal.Options, left []int, holes []slo.Hole, next slo.Offset) {
	t.Helper()
	j := reopen(t, fs, accept)
	for range 2 {
		require.Equal(t, holes, j.Holes())
		records, err := readAll(t.Context(), j, 0)
		require.NoError(t, err)
		require.Equal(t, left, offsets(records))
		for _, r := range records {
			require.Equal(t, byte(r.Offset), r.Payload[0])
		}
		for _, hole := range holes {
			r, err := j.Reader(hole.Through - 1) // Who stopped within a hole goes on, too.
			require.NoError(t, err)
			require.NoError(t, r.Close())
		}
		offset, err := j.Append(t.Context(), traces(append([]byte{byte(next)}, noise(40)...)))
		require.NoError(t, err)
		require.Equal(t, next, offset)
		left, next = append(left, int(next)), next+1
		records, err = readAll(t.Context(), j, 0)
		require.NoError(t, err)
		require.Equal(t, left, offsets(records))
		fs = fs.PowerLoss(seeded(uint64(len(left))))
		require.NoError(t, j.Close())
		j = reopen(t, fs, o)
	}
	require.NoError(t, j.Close())
}

func TestAWholeCopyPutBackIsReadAgain(t *testing.T) {
	t.Parallel()
	for _, first := range []int{1, 3, 5, 7} {
		fs, _, o := pairs(t)
		path := dir + "/" + name(first)
		whole := slices.Clone(fs.Bytes(path))
		harm(fs, path)
		_, err := journal.OpenOn(fs, dir, o)
		require.ErrorIs(t, err, journal.ErrDamaged)
		fs.SetBytes(path, whole)
		j := reopen(t, fs, o)
		require.Empty(t, j.Holes())
		records, err := readAll(t.Context(), j, 0)
		require.NoError(t, err)
		require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8}, offsets(records))
		require.NoError(t, j.Close())
		if first == 7 {
			continue // After its loss was accepted, other records have followed.
		}
		fs.SetBytes(path, nil)
		accept := o
		accept.AcceptLoss = []string{name(first)}
		j = reopen(t, fs, accept)
		require.Len(t, j.Holes(), 1)
		require.NoError(t, j.Close())
		fs.SetBytes(path, whole)
		j = reopen(t, fs, o)
		require.Empty(t, j.Holes(), "also after the loss was accepted")
		require.NoError(t, j.Close())
	}
}

func TestAMissingSegmentIsNotAcceptedBySilence(t *testing.T) {
	t.Parallel()
	fs, _, o := pairs(t)
	fs.SetBytes(dir+"/"+name(3), nil)
	o.AcceptLoss = []string{name(5)}
	_, err := journal.OpenOn(fs, dir, o)
	require.ErrorContains(t, err, name(3)+" is missing")
	require.ErrorContains(t, err, "--accept-loss "+name(3))
	require.Empty(t, fs.Paths(".quarantined"))

	o.AcceptLoss = []string{"3.journal"}
	_, err = journal.OpenOn(fs, dir, o)
	require.ErrorContains(t, err, `"3.journal": no segment has such a name`)

	fs.SetBytes(dir+"/"+name(5), nil) // 7 names 5 as the one before it; 3 is found by what 1 ends with.
	o.AcceptLoss = []string{name(5)}
	_, err = journal.OpenOn(fs, dir, o)
	require.ErrorContains(t, err, "--accept-loss "+name(3))
	o.AcceptLoss = []string{name(3), name(5)}
	j := reopen(t, fs, o)
	require.Len(t, j.Holes(), 1)
	require.NoError(t, j.Close())
}

// TestTheEndOfTheJournalIsLostWithoutATrace: only who has read the records
// knows of them, and no offset is given twice.
func TestTheEndOfTheJournalIsLostWithoutATrace(t *testing.T) {
	t.Parallel()
	fs, _, o := pairs(t)
	fs.SetBytes(dir+"/"+name(7), nil)
	j := reopen(t, fs, o)
	_, err := j.Reader(8)
	require.ErrorIs(t, err, journal.ErrDamaged)
	require.ErrorContains(t, err, "--accept-loss "+name(5))
	require.NoError(t, j.Close())
	accept := o
	accept.AcceptLoss = []string{name(5)}
	requireLoss(t, fs.Kill(), accept, o, []int{1, 2, 3, 4, 5, 6},
		[]slo.Hole{{After: 6, Through: 6 + lostTail, From: newClock().now.Add(5 * time.Minute), To: newClock().now.Add(8 * time.Minute)}}, 7+lostTail)
	for range 3 { // The option may stay.
		j = reopen(t, fs, accept)
		require.Len(t, j.Holes(), 1)
		_, err = j.Reader(8)
		require.NoError(t, err)
		require.NoError(t, j.Close())
	}
}

func TestTrimPassesAHole(t *testing.T) {
	t.Parallel()
	fs, _, o := pairs(t)
	harm(fs, dir+"/"+name(3))
	o.AcceptLoss = []string{name(3)}
	j := reopen(t, fs, o)
	trim(t, j, 1)
	require.Equal(t, slo.Offset(1), j.Oldest())
	trim(t, j, 2)
	require.Equal(t, slo.Offset(5), j.Oldest())
	require.Len(t, j.Holes(), 1, "who has read up to it can go on")
	r, err := j.Reader(2)
	require.NoError(t, err)
	record, err := r.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, slo.Offset(5), record.Offset)
	require.NoError(t, r.Close())
	require.NoError(t, j.Close())
	j = reopen(t, fs, o)
	require.Len(t, j.Holes(), 1)
	trim(t, j, 6)
	require.Empty(t, j.Holes())
	require.Equal(t, slo.Offset(7), j.Oldest())
	require.NoError(t, j.Close())
	j = reopen(t, fs, o)
	require.Empty(t, j.Holes())
	require.Len(t, fs.Paths(".given-up"), 1)
	require.NoError(t, j.Close())
}

func TestDamageThatAReaderMetIsSetAsideAtTheNextStart(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct {
		first   int
		harm    func(fs *disktest.MemFS, path string)
		healed  bool
		durable slo.Offset
	}{
		"a bit in an old segment":             {first: 3, harm: func(fs *disktest.MemFS, path string) { fs.Bytes(path)[150] ^= 1 }},
		"a bit in an old segment, for a time": {first: 3, harm: func(fs *disktest.MemFS, path string) { fs.Bytes(path)[150] ^= 1 }, healed: true},
		"the end of an old segment cut":       {first: 5, harm: func(fs *disktest.MemFS, path string) { fs.SetBytes(path, fs.Bytes(path)[:140]) }},
		"a bit in the last record of all": {first: 7, harm: func(fs *disktest.MemFS, path string) {
			b := fs.Bytes(path)
			b[len(b)-1] ^= 1
		}},
		"the last record of all cut": {first: 7, harm: func(fs *disktest.MemFS, path string) { fs.SetBytes(path, fs.Bytes(path)[:142]) }},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			fs, _, o := pairs(t)
			var log bytes.Buffer
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			path := dir + "/" + name(c.first)
			whole := slices.Clone(fs.Bytes(path))
			j := reopen(t, fs, o)
			c.harm(fs, path)
			_, err := readAll(t.Context(), j, 0)
			require.ErrorIs(t, err, journal.ErrDamaged)
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, "--accept-loss "+name(c.first))
			require.Len(t, fs.Paths(".journal.damaged"), 1)
			require.NoError(t, j.Close())
			if c.healed {
				fs.SetBytes(path, whole)
				j = reopen(t, fs, o)
				requireAll8(t, j)
				require.NoError(t, j.Close())
				require.Empty(t, fs.Paths(".journal.damaged"))
				require.Contains(t, log.String(), "gave wrong bytes once")
				return
			}
			_, err = journal.OpenOn(fs, dir, o)
			require.ErrorIs(t, err, journal.ErrDamaged)
			require.ErrorContains(t, err, path+".quarantined")
			restored := fs.Kill()
			restored.SetBytes(path, whole)
			j = reopen(t, restored, o)
			requireAll8(t, j)
			require.NoError(t, j.Close())
			o.AcceptLoss = []string{name(c.first)}
			j = reopen(t, fs, o)
			require.Len(t, j.Holes(), 1)
			require.Empty(t, fs.Paths(".journal.damaged"))
			require.NoError(t, j.Close())
		})
	}
}

func requireAll8(t *testing.T, j *journal.Journal) {
	t.Helper()
	records, err := readAll(t.Context(), j, 0)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8}, offsets(records))
}

// TestPowerLossWhileALossIsAcceptedLosesNothingElse takes the power away before
// each operation of the starts that set a segment aside and give it up.
func TestPowerLossWhileALossIsAcceptedLosesNothingElse(t *testing.T) {
	t.Parallel()
	for _, first := range []int{1, 3, 5, 7} {
		fs, _, o := pairs(t)
		harm(fs, dir+"/"+name(first))
		accept := o
		accept.AcceptLoss = []string{name(first)}
		var left []*disktest.MemFS
		random := seeded(uint64(first))
		fs.Fault = func(op, _ string, bytes int) (int, error) {
			if op != "read" && op != "open" {
				for range 20 {
					left = append(left, fs.PowerLoss(random))
				}
			}
			return bytes, nil
		}
		_, err := journal.OpenOn(fs, dir, o)
		require.ErrorIs(t, err, journal.ErrDamaged)
		require.NoError(t, reopen(t, fs, accept).Close())
		require.Greater(t, len(left), 100)
		for _, fs := range left {
			j := reopen(t, fs, accept)
			require.Len(t, j.Holes(), 1)
			records, err := readAll(t.Context(), j, 0)
			require.NoError(t, err)
			require.Len(t, records, 6)
			require.Len(t, fs.Paths(".given-up"), 1)
			require.NoError(t, j.Close())
		}
	}
}
