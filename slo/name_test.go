package slo_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestANameThatIsKeptDoesNotKeepTheTextItIsAPartOf(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"short":                  strings.Repeat("x", 1<<20)[:20],
		"cut":                    strings.Repeat("x", 1<<20),
		"cut within a character": strings.Repeat("x", slo.MaxNameBytes-1) + strings.Repeat("é", 1<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clean := slo.CleanName(text)
			require.LessOrEqual(t, len(clean), slo.MaxNameBytes)
			require.True(t, strings.HasPrefix(text, clean))
			require.NotSame(t, unsafe.StringData(text), unsafe.StringData(clean))
		})
	}
}
