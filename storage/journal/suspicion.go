package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/slowburn-slo/slowburn/slo"
)

// suspectSuffix ends the name of a file that a reader leaves beside a segment
// in which it met damage. Open reads only the last segment whole; the others it
// reads when there is such a file. Its first line is how many bytes of the
// segment were durable, so that damage before there is never taken for a torn
// tail; the rest is for people.
const suspectSuffix = segmentSuffix + ".damaged"

// suspicion says that a reader met damage: so many bytes had been durable.
type suspicion struct {
	durable int64
}

// parseSuspicion reads the file of a suspicion. One that a crash has torn says
// nothing of how much was durable.
func parseSuspicion(b []byte) suspicion {
	line, _, whole := bytes.Cut(b, []byte("\n"))
	if durable, err := strconv.ParseInt(string(line), 10, 64); err == nil && whole {
		return suspicion{durable: durable}
	}
	return suspicion{}
}

// suspect notes durably that a reader met damage in a segment, so that the next
// Open looks closely, and adds to the error what is to be done.
func (j *Journal) suspect(s segment, damage error) error {
	advice := fmt.Errorf("%w. The next start reads the file again, and sets it aside if it is still damaged; "+
		"put a whole copy of it back before, or start then with --accept-loss %s", damage, segmentName(s.first))
	j.trim.Lock() // Not beside a segment that is just being deleted.
	defer j.trim.Unlock()
	j.mu.Lock()
	noted, closed := j.suspected[s.first], j.closed
	j.suspected[s.first] = true
	j.mu.Unlock()
	if noted || closed || s.first < j.Oldest() {
		return advice
	}
	if err := j.put(s.first, suspectSuffix, fmt.Appendf(nil, "%d\n%s\n", s.end, damage)); err != nil {
		j.options.Logger.Error("journal could not note which segment is damaged; the next start will not look at it more closely",
			"segment", s.path, "error", err)
	}
	return advice
}

// readSuspicion reads the file that a reader has left.
func (j *Journal) readSuspicion(path string, size int64) (suspicion, error) {
	f, err := j.fs.Open(path)
	if err != nil {
		return suspicion{}, fmt.Errorf("open %s: %w", path, err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return suspicion{}, errors.Join(fmt.Errorf("read %s: %w", path, err), f.Close())
	}
	return parseSuspicion(b), f.Close()
}

// verify reads a segment that is not the last one whole, and returns its newest
// record and the arrival of that.
func (j *Journal) verify(s segment) (last slo.Offset, arrival int64, err error) {
	f, err := j.fs.Open(s.path)
	if err != nil {
		return 0, 0, fmt.Errorf("open segment: %w", err)
	}
	reader := scan(f, s)
	arrival = s.created
	for reader.position < s.end && err == nil {
		var h recordHeader
		var stored []byte
		at := reader.position
		if h, stored, err = reader.record(s.end); err != nil {
			break
		}
		if _, ok := unpackPayload(h, stored); !ok {
			err = damaged(s.path, at, "the payload cannot be decompressed")
		}
		arrival = max(arrival, h.arrival)
	}
	return reader.next - 1, arrival, errors.Join(err, f.Close())
}
