package web

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/gin-gonic/gin"
)

// tokens are the hashes of the tokens that open the server; none leave it open.
type tokens [][sha256.Size]byte

// readTokens reads a token file; an empty path has no tokens.
func readTokens(path string) (tokens, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the API token file: %w", err)
	}
	var t tokens
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		token := strings.TrimSpace(lines.Text())
		if token == "" || strings.HasPrefix(token, "#") {
			continue
		}
		if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("read the API token file %s: line %d: a token is one word of printable ASCII", path, n)
		}
		t = append(t, sha256.Sum256([]byte(token)))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the API token file %s: %w", path, err)
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("read the API token file %s: it holds no token: write one a line", path)
	}
	return t, nil
}

// accept compares with every token, in constant time: hashes have one length,
// and no comparison is left out.
func (t tokens) accept(presented string) bool {
	hash := sha256.Sum256([]byte(presented))
	found := 0
	for i := range t {
		found |= subtle.ConstantTimeCompare(t[i][:], hash[:])
	}
	return found == 1
}

// presented is the token of a request: a bearer token, or the password of a
// browser that knows no other way.
func presented(r *http.Request) (token string, found bool) {
	if _, password, basic := r.BasicAuth(); basic {
		return password, true
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// authenticate lets a request pass that needs no token or has one. Addresses
// that do not exist need one too, so that nobody learns which do.
func (s *Server) authenticate(c *gin.Context) {
	if len(s.tokens) == 0 || c.FullPath() == healthPath || c.FullPath() == readyPath {
		return
	}
	token, found := presented(c.Request)
	if found && s.tokens.accept(token) {
		return
	}
	bearer := `Bearer realm="slowburn"` //nolint:gosec // A challenge, no credential.
	detail := "a token is required: send it as \"Authorization: Bearer TOKEN\""
	if found {
		bearer += `, error="invalid_token"` //nolint:gosec // As above.
		detail = "the token is not one of those in the API token file"
	}
	c.Header("WWW-Authenticate", bearer)
	if forPeople(c.Request) {
		c.Writer.Header().Add("WWW-Authenticate", `Basic realm="slowburn: any name, and the API token as the password", charset="UTF-8"`)
	}
	s.fail(c.Writer, c.Request, refuse(http.StatusUnauthorized, "%s", detail))
	c.Abort()
}
