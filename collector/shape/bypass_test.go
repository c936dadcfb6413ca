package shape

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The decoder cuts field numbers to 32 bits, so 5 + 2^32 is array_value to it.
func TestLargeFieldNumbersAreNoWayAround(t *testing.T) {
	t.Parallel()
	backwards := []byte{'x', 1, 0x0a}
	wrap := func(field uint64) {
		head := binary.AppendUvarint(nil, field<<3|2)
		head = binary.AppendUvarint(head, uint64(len(backwards)))
		slices.Reverse(head)
		backwards = append(backwards, head...)
	}
	for range maxNesting {
		wrap(1)
		wrap(5 + 1<<32)
	}
	for _, field := range []uint64{2, 9, 2, 2, 1} {
		wrap(field)
	}
	slices.Reverse(backwards)
	require.ErrorIs(t, check(NewSchema(), Traces, backwards), errNesting)
}

func TestNullsInJSONAreBounded(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, checkText(bytes.Repeat([]byte("null,"), MaxMessages+1)), errMessages)
}
