package indicator

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// readable turns an error of OTTL's parser into words for whoever wrote the
// condition or value: where it is, and what to write instead. What it does not know it
// leaves as it is, so that a newer OTTL can only make the words plainer.
func readable(err error) error {
	text := within().ReplaceAllString(err.Error(), "")
	for _, rule := range rules() {
		if m := rule.pattern.FindStringSubmatch(text); m != nil {
			return errors.New(rule.say(m))
		}
	}
	return err
}

// within is what OTTL says first of a fault in the arguments of a function.
func within() *regexp.Regexp {
	return regexp.MustCompile(`^(?:error while parsing arguments for call to "[^"]*": invalid argument at position \d+: )+`)
}

type rule struct {
	pattern *regexp.Regexp
	say     func(match []string) string
}

func rules() []rule {
	return []rule{
		{regexp.MustCompile(`(?s)^(?:condition|expression) has invalid syntax: (\d+):(\d+): (.*)$`), func(m []string) string {
			return fmt.Sprintf("%s: %s", position(m[1], m[2]), syntax(m[3]))
		}},
		{regexp.MustCompile(`^missing context name for path "([^"]*)"`), func(m []string) string {
			return fmt.Sprintf("%s does not say what it belongs to: write span.%s, or resource.%s", m[1], m[1], m[1])
		}},
		{regexp.MustCompile(`^context "([^"]*)" from path "([^"]*)" is not valid`), func(m []string) string {
			return fmt.Sprintf("%s begins with %s: a path begins with one of %s", m[2], m[1], strings.Join(contexts(), ", "))
		}},
		{regexp.MustCompile(`^segment "[^"]*" from path "([^"]*)".*(https://\S+)`), func(m []string) string {
			return fmt.Sprintf("there is no %s: %s lists what there is", m[1], m[2])
		}},
		{regexp.MustCompile(`^enum symbol, (\S+), not found`), func(m []string) string {
			return fmt.Sprintf("there is no constant %s: write one such as SPAN_KIND_SERVER or STATUS_CODE_ERROR", m[1])
		}},
		{regexp.MustCompile(`^undefined function "([^"]*)"`), func(m []string) string {
			if slices.Contains(unrepeatable(), m[1]) {
				return fmt.Sprintf("%s() cannot be used: a span must be judged alike each time the journal is read", m[1])
			}
			return fmt.Sprintf("there is no function %s: names are case-sensitive, as in IsMatch", m[1])
		}},
	}
}

func position(line, column string) string {
	if line == "1" {
		return "column " + column
	}
	return "line " + line + ", column " + column
}

// syntax replaces the names of the grammar by what they mean.
func syntax(text string) string {
	return strings.NewReplacer(
		`unexpected token "<EOF>"`, "unexpected end",
		"unexpected token", "unexpected",
		"lexer: invalid input text", "cannot be read:",
		"<opcomparison> Value", "a comparison such as == or != and a value",
		`Field ("." Field)*`, "a value or a path such as span.kind",
	).Replace(text)
}
