// Package indicator compiles indicators (OTTL conditions, duration limits and
// OTTL values with their thresholds, on spans) and judges telemetry against
// them: which spans are events, and which of those are good, bad or unknown.
package indicator

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/slowburn-slo/slowburn/slo"
)

// Compiler turns indicators into something that can judge spans. It is safe
// for concurrent use.
type Compiler struct {
	parser ottl.Parser[*ottlspan.TransformContext]

	mu sync.Mutex
	// known are the conditions and expressions of the newest set by their text,
	// so that changing one series of ten thousand parses one condition.
	known parsed
}

// parsed are conditions and expressions by their text.
type parsed struct {
	conditions  map[string]*condition
	expressions map[string]*expression
}

func newParsed() parsed {
	return parsed{conditions: map[string]*condition{}, expressions: map[string]*expression{}}
}

// NewCompiler returns a compiler of OTTL's standard converters over paths that
// name their context, such as span.kind and resource.attributes["host.name"].
//
// Left out is whatever would not give the same answer when the journal is read
// again: the clock (Now), random values (UUID, UUIDv7), and the paths below
// otelcol, which read the connection that a span came in by.
func NewCompiler() (*Compiler, error) {
	functions := ottlfuncs.StandardConverters[*ottlspan.TransformContext]()
	for _, name := range unrepeatable() {
		delete(functions, name)
	}
	root := ottlfuncs.NewIsRootSpanFactoryNew()
	functions[root.Name()] = root
	parser, err := ottlspan.NewParser(functions, component.TelemetrySettings{Logger: zap.NewNop()},
		ottl.WithPathContextNames[*ottlspan.TransformContext](contexts()))
	if err != nil {
		return nil, fmt.Errorf("prepare the OTTL parser: %w", err)
	}
	return &Compiler{parser: parser, known: newParsed()}, nil
}

// contexts are the words that a path may begin with.
func contexts() []string { return []string{"span", "resource", "scope", "instrumentation_scope"} }

// unrepeatable are the converters that answer differently each time.
func unrepeatable() []string { return []string{"Now", "UUID", "UUIDv7"} }

// Check reports whether an indicator can be judged: it is the first of its
// Faults, in the order in which they are listed there.
func (c *Compiler) Check(i slo.Indicator) (field string, err error) {
	faults := c.Faults(i)
	for _, field := range []string{"", "total", "good", "bad", "value"} {
		if err := faults[field]; err != nil {
			return field, err
		}
	}
	return "", nil
}

// Faults says of each part of an indicator that cannot be judged ("total",
// "good", "bad", "value", or empty for the indicator as a whole) what is wrong
// with it, in words for whoever wrote it. A threshold may be missing: each
// objective has its own.
func (c *Compiler) Faults(i slo.Indicator) map[string]error {
	if err := checkVerdict(i); err != nil {
		return map[string]error{"": err}
	}
	faults := map[string]error{}
	for field, source := range map[string]*slo.SpanSource{"total": &i.Total, "good": i.Good, "bad": i.Bad} {
		if source == nil {
			continue
		}
		if err := c.checkSource(*source); err != nil {
			faults[field] = err
		}
	}
	if i.Value != nil {
		if err := c.checkValue(*i.Value); err != nil {
			faults["value"] = err
		}
	}
	return faults
}

func (c *Compiler) checkSource(s slo.SpanSource) error {
	if err := checkDuration(s); err != nil {
		return err
	}
	text := strings.TrimSpace(s.Condition)
	if text == "" {
		return nil
	}
	_, err := c.parse(text)
	return err
}

func (c *Compiler) checkValue(v slo.Value) error {
	if err := checkValue(v); err != nil {
		return err
	}
	text := strings.TrimSpace(v.Of)
	if text == slo.DurationValue {
		return nil
	}
	_, err := c.parseValue(text)
	return err
}

func checkVerdict(i slo.Indicator) error {
	switch {
	case i.Good == nil && i.Bad == nil && i.Value == nil:
		return errors.New("neither good nor bad nor a value is given: say which of the events are good, or which are bad, or what number tells")
	case i.Value != nil && (i.Good != nil || i.Bad != nil):
		return errors.New("a value is given next to good or bad: keep one of them, a value alone tells good from bad")
	case i.Good != nil && i.Bad != nil:
		return errors.New("good and bad are both given: keep one of them, the other is what remains")
	default:
		return nil
	}
}

func checkDuration(s slo.SpanSource) error {
	if s.MaxDuration < 0 {
		return fmt.Errorf("the longest duration is %s: write one above zero, or leave it out for no limit", s.MaxDuration)
	}
	return nil
}

func (c *Compiler) parse(text string) (*condition, error) {
	if err := checkNesting(text); err != nil {
		return nil, fmt.Errorf("condition %q: %w", text, err)
	}
	parsed, err := c.parser.ParseCondition(text)
	if err != nil {
		return nil, fmt.Errorf("condition %q: %w", text, readable(err))
	}
	return &condition{ottl: parsed}, nil
}

func (c *Compiler) parseValue(text string) (*expression, error) {
	if err := checkNesting(text); err != nil {
		return nil, fmt.Errorf("value %q: %w", text, err)
	}
	parsed, err := c.parser.ParseValueExpression(text)
	if err != nil {
		return nil, fmt.Errorf("value %q: %w", text, readable(err))
	}
	return &expression{ottl: parsed}, nil
}

// Compile prepares a set of series to be judged together; a series given
// twice counts once. The set is never nil and always whole, so that one series
// can never stop the counting of the others: the error, if any, names the
// series of which something does not compile (those of an older journal, read
// by a newer OTTL). What does not compile counts like a condition that fails
// on every span: an event that it should have judged is unknown, never good.
func (c *Compiler) Compile(set []slo.Series) (*Set, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := newBuilder(c, len(set))
	for _, series := range set {
		b.add(series)
	}
	c.known = b.known
	return b.finish(), errors.Join(b.faults...)
}
