package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// FuzzJSONIsReadAsYAML lays JSON out and compares what YAML makes of it.
func FuzzJSONIsReadAsYAML(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e3,true,null,""],"b c":{},"d":[]}`, "{\t\"a\"\r\n:\t\"x\"}", `{"a":"\ud83d\ude00\/\\\"\n\t\b\f\r\u00e9"}`,
		`{"a":"\ud83d","b":"\ude00\ud83d","c":"\\ud83d\\\\"}`, "{\"a\":\"\u2028\u0085\ufeff\u00a0\"}", `{"a":"# - : ? ! & * | > ' % @"}`, `{"<<":{"a":"~"},"null":"no"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(requireReadAsYAML)
}

// TestJSONOfOddCharactersIsReadAsYAML tries texts of what JSON and YAML see
// differently, as they are and escaped.
func TestJSONOfOddCharactersIsReadAsYAML(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	odd := []string{
		"a", " ", "#", ": ", "- ", "'", "%", "@", "{", "]", "\u0085", "\u2028", "\u2029", "\ufeff", "\u00a0", "é", "😀", "\u0301",
		`\"`, `\\`, `\/`, `\n`, `\t`, `\r`, `\b`, `\f`, `\u0041`, `\u2028`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\uFEFF`, `\u0085`,
	}
	word := func() string {
		var b strings.Builder
		for range random.IntN(8) {
			b.WriteString(odd[random.IntN(len(odd))])
		}
		return b.String()
	}
	for range 3000 {
		requireReadAsYAML(t, fmt.Sprintf("{\n\t\"k%s\": [\"%s\"],\r\n\"%s\":{\"a\":\"%s\"}}", word(), word(), word(), word()))
	}
}

// requireReadAsYAML lays JSON out, and passes what no document can be.
func requireReadAsYAML(t *testing.T, text string) {
	t.Helper()
	trimmed := strings.TrimSpace(text)
	if !json.Valid([]byte(text)) || !strings.HasPrefix(trimmed, "{") || len(text) > 1000 || strings.ToValidUTF8(text, "") != text {
		return
	}
	for _, r := range text {
		if unprintable(r) && r != '\n' && r != '\t' && r != '\r' && r != '\u0085' && r != '\ufeff' && r != '\u2028' && r != '\u2029' || r == '\ufffe' || r == '\uffff' {
			return // The reader of documents refuses it, or YAML has no such character.
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var root yaml.Node
	require.NoError(t, yaml.Unmarshal(append([]byte("---\n"), yamlOfJSON([]byte(text))...), &root))
	sameTree(t, decoder, root.Content[0])
}

// sameTree reads a value of JSON and compares it with a node.
func sameTree(t *testing.T, decoder *json.Decoder, node *yaml.Node) {
	t.Helper()
	token, err := decoder.Token()
	require.NoError(t, err)
	open, nested := token.(json.Delim)
	if !nested {
		want, tag := fmt.Sprint(token), "!!str"
		switch token.(type) {
		case nil:
			want, tag = "null", "!!null"
		case bool:
			tag = "!!bool"
		case json.Number:
			tag = node.ShortTag()
			require.Contains(t, []string{"!!int", "!!float", "!!str"}, tag) // A number beyond all measure is text to YAML.
		}
		require.Equal(t, tag, node.ShortTag())
		require.Equal(t, want, node.Value)
		return
	}
	kind := map[json.Delim]yaml.Kind{'{': yaml.MappingNode, '[': yaml.SequenceNode}[open]
	require.Equal(t, kind, node.Kind)
	for _, child := range node.Content {
		require.True(t, decoder.More())
		sameTree(t, decoder, child)
	}
	require.False(t, decoder.More())
	_, err = decoder.Token()
	require.NoError(t, err)
}

func TestJSONIsLaidOutWithoutTabs(t *testing.T) {
	t.Parallel()
	laid := yamlOfJSON([]byte("{\t\"a\":\r\n\t\t[1]}"))
	require.Equal(t, 4, bytes.Count(laid, []byte("\n")))
	require.False(t, bytes.ContainsAny(laid, "\t\r"))
}
