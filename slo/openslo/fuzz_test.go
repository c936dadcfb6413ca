package openslo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// FuzzParse holds what is true of any input: no panic; faults that name the
// file; and documents whose text alone reads to the same SLO.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example(f)))
	f.Add([]byte("- " + named("a") + "\n- " + named("b") + "\n---\n" + named("c")))
	f.Add([]byte("[" + jsonNamed("a") + "," + jsonNamed("b") + "]"))
	f.Add([]byte(strings.Replace(example(f), "condition: 'span.kind == SPAN_KIND_SERVER'", `condition: "a\n  b\n\n"`, 1)))
	f.Add([]byte("- &a {x: *a, <<: *a, ? [y] : !!binary z}\n...\n%TAG ! x\n--- |\n a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := 2 // The last line, and the one behind it, where a missing value stands.
		for _, r := range string(data) {
			if strings.ContainsRune("\r\n\u0085\u2028\u2029", r) { // YAML's line breaks.
				lines++
			}
		}
		documents, err := openslo.Parse("the file", data)
		if err != nil {
			require.Nil(t, documents)
			var faults slo.DocumentErrors
			require.ErrorAs(t, err, &faults)
			require.NotEmpty(t, faults)
			for _, fault := range faults {
				require.Equal(t, "the file", fault.File)
				require.NotEmpty(t, fault.Reason)
				require.GreaterOrEqual(t, fault.Line, 0)
				require.LessOrEqual(t, fault.Line, lines)
			}
			return
		}
		for _, d := range documents {
			again, err := openslo.Parse("again", d.Source)
			require.NoError(t, err, "of %q", d.Source)
			require.Len(t, again, 1)
			require.Equal(t, d.SLO, again[0].SLO)
		}
	})
}
