package tokenauthextension

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"os"
	"strings"
)

// maxTokenFileBytes bounds a token file: one that is larger was named by mistake.
const maxTokenFileBytes = 1 << 20

// tokens are the hashes of all valid tokens. Hashes have one length, so that a
// comparison tells nothing of a token by how long it takes.
type tokens [][sha256.Size]byte

// readTokens reads a token file. The error never shows a token.
func readTokens(file string) (tokens, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read the token file: %w", err)
	}
	if info.Size() > maxTokenFileBytes {
		return nil, fmt.Errorf("token file %s: is larger than 1 MiB: is it the right file?", file)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the token file: %w", err)
	}
	all, err := parseTokens(content)
	if err != nil {
		return nil, fmt.Errorf("token file %s: %w", file, err)
	}
	return all, nil
}

// parseTokens refuses what no sender could put into a header, and a file
// without a token.
func parseTokens(content []byte) (tokens, error) {
	var all tokens
	line := 0
	for raw := range bytes.Lines(content) {
		line++
		token := bytes.TrimSpace(raw)
		if len(token) == 0 || token[0] == '#' {
			continue
		}
		if bytes.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("line %d: a token has visible ASCII characters only, and no spaces", line)
		}
		all = append(all, sha256.Sum256(token))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("holds no token: write one per line")
	}
	return all, nil
}

// contain compares with every token, whether or not one matched before.
func (t tokens) contain(token string) bool {
	hash := sha256.Sum256([]byte(token))
	found := 0
	for i := range t {
		found |= subtle.ConstantTimeCompare(t[i][:], hash[:])
	}
	return found == 1
}

// bearerToken takes the token out of the headers. gRPC writes their names in
// lower case, HTTP in canonical case.
func bearerToken(headers map[string][]string) (string, bool) {
	for _, name := range []string{"authorization", "Authorization"} {
		for _, value := range headers[name] {
			scheme, token, ok := strings.Cut(value, " ")
			if ok && strings.EqualFold(scheme, "bearer") {
				return strings.TrimSpace(token), true
			}
		}
	}
	return "", false
}
