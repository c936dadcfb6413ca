package openslo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

func TestInvisibleCharactersAreRefusedInNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, field string }{
		"a name":                 {"{name: a,", "{name: %s,", "metadata.name"},
		"a display name":         {"displayName: A", "displayName: %s", "metadata.displayName"},
		"a label":                {"displayName: A", "labels: {a: %s}", "metadata.labels.a"},
		"the service of an SLO":  {"service: shop", "service: %s", "spec.service"},
		"the name of a target":   {"{target: 0.99}", "{target: 0.99, displayName: %s}", "spec.objectives[0].displayName"},
		"a reference to another": {"alertPolicyRef: p", "alertPolicyRef: %s", "spec.alertPolicies[0].alertPolicyRef"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, hidden := range []rune{
				0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0x200e, 0x200f, 0x061c, 0x200b, 0x200c, 0x200d, 0x2060,
				0x00ad, 0xfe0f, 0x3164, 0x115f, 0xe0041, 0x2028,
			} {
				text := strings.Replace(anSLO, c.from, fmt.Sprintf(c.to, fmt.Sprintf(`"pay\U%08Xments"`, hidden)), 1)
				require.NotEqual(t, anSLO, text)
				for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
					_, _, err := openslo.Parse("f.yaml", []byte(text), mode)
					var faults slo.DocumentErrors
					require.ErrorAs(t, err, &faults)
					require.Len(t, faults, 1, "%U", hidden)
					require.Equal(t, c.field, faults[0].Field)
					require.Equal(t, fmt.Sprintf("holds the invisible character %U: remove it", hidden), faults[0].Reason)
				}
			}
		})
	}
}

func TestNamesOfEveryScriptAreRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Zahlungen für Übersee", "می\u200cخواهم", "क्\u200dष", "👩\u200d💻 deploys", "❤\ufe0f", "תשלומים", "支払い"} {
		objects, _ := parse(t, strings.Replace(anSLO, "displayName: A", `displayName: "`+text+`"`, 1), openslo.Strict)
		require.Len(t, objects, 1)
	}
}
