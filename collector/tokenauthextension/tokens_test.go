package tokenauthextension

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseTokens(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		content string
		valid   []string
		says    string
	}{
		"one token a line":               {"a-token\nb-token\n", []string{"a-token", "b-token"}, ""},
		"no newline at the end":          {"a-token", []string{"a-token"}, ""},
		"comments and empty lines":       {"# team a\r\n\r\n  a-token  \r\n", []string{"a-token"}, ""},
		"an empty file":                  {"", nil, "holds no token"},
		"only comments":                  {"# a-token\n", nil, "holds no token"},
		"a space in a token":             {"a-token\nb token\n", nil, "line 2: a token has visible ASCII characters only"},
		"a letter that headers lack":     {"tökén\n", nil, "line 1"},
		"a byte that is no letter":       {"\xff\n", nil, "line 1"},
		"a control character in a token": {"a\x00b\n", nil, "line 1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := parseTokens([]byte(test.content))
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			require.Len(t, all, len(test.valid))
			for _, token := range test.valid {
				require.True(t, all.contain(token))
				require.False(t, all.contain(token+"x"))
			}
			require.False(t, all.contain(""))
		})
	}
}

func FuzzParseTokens(f *testing.F) {
	for _, seed := range []string{"", "a", "a\nb", "# a\n", "a b", "\xff", "a\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		all, err := parseTokens(content)
		if err != nil {
			require.Empty(t, all)
			return
		}
		require.NotEmpty(t, all)
		for line := range strings.Lines(string(content)) {
			token := strings.TrimSpace(line)
			require.Equal(t, token != "" && token[0] != '#', all.contain(token))
		}
	})
}
