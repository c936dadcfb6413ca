package indicator

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAConditionThatPanicsIsUnknown(t *testing.T) {
	t.Parallel()
	require.Equal(t, unknown, (&condition{}).ask(nil)) // Nothing compiled: evaluating it panics.
}

func TestAnExpressionThatPanicsIsNoNumber(t *testing.T) {
	t.Parallel()
	require.Equal(t, number{}, (&expression{}).number(nil))
}
