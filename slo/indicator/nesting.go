package indicator

import (
	"fmt"
	"strings"
)

// maxNesting bounds how deep a text may be nested. OTTL's parser tries each
// bracket and each lambda in two or three ways, one within the other, so that a
// text of 60 bytes, Len(Len(Len(..., keeps it busy for minutes.
const maxNesting = 10

// checkNesting counts brackets that are open at once, and lambdas.
func checkNesting(text string) error {
	open, deepest, lambdas, quoted := 0, 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.IndexByte("([{", c) >= 0:
			open++
			deepest = max(deepest, open)
		case strings.IndexByte(")]}", c) >= 0:
			open = max(open-1, 0)
		case strings.HasPrefix(text[i:], "=>"):
			lambdas++
		}
	}
	if deepest+lambdas > maxNesting {
		return fmt.Errorf("it is nested %d deep, brackets and lambdas together: at most %d can be read", deepest+lambdas, maxNesting)
	}
	return nil
}
