package indicator_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo/indicator"
)

func TestConditionsAnswerOnOneSpan(t *testing.T) {
	t.Parallel()
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	conditions := indicator.NewConditions(compiler)
	resource := ptrace.NewResourceSpans()
	resource.Resource().Attributes().PutStr("host.name", "h")
	scope := resource.ScopeSpans().AppendEmpty()
	scope.Scope().SetName("library")
	span := scope.Spans().AppendEmpty()
	span.SetKind(ptrace.SpanKindServer)

	tests := map[string]struct {
		condition    string
		holds, known bool
	}{
		"one that holds":                      {`span.kind == SPAN_KIND_SERVER`, true, true},
		"one that does not":                   {`span.kind == SPAN_KIND_CLIENT`, false, true},
		"one on the resource":                 {`resource.attributes["host.name"] == "h"`, true, true},
		"one on the scope":                    {`scope.name == "library"`, true, true},
		"one that does not compile":           {`span.kind ==`, false, false},
		"one that fails when it is evaluated": {`Int(ParseJSON("{")["a"]) > 1`, false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // The second time it is compiled already.
				holds, known := conditions.Holds(test.condition, resource, scope, span)
				require.Equal(t, test.known, known)
				require.Equal(t, test.holds, holds)
			}
		})
	}
}

func TestValuesAreOfOneSpan(t *testing.T) {
	t.Parallel()
	conditions := indicator.NewConditions(compiler(t))
	all := traces(span{name: "abc", attributes: map[string]any{"i": 7, "f": 0.5, "list": []any{1, 2}}})
	resource := all.ResourceSpans().At(0)
	scope := resource.ScopeSpans().At(0)
	for name, test := range map[string]struct {
		expression string
		value      any
		known      bool
	}{
		"an integer":                          {`span.attributes["i"]`, int64(7), true},
		"a float":                             {`span.attributes["f"]`, 0.5, true},
		"one of a list":                       {`span.attributes["list"][1]`, int64(2), true},
		"a text":                              {`span.name`, "abc", true},
		"nothing":                             {`span.attributes["none"]`, nil, true},
		"one that does not compile":           {`span.name ==`, nil, false},
		"one that fails when it is evaluated": {`1 / 0`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // The second time it is compiled already.
				value, known := conditions.Value(test.expression, resource, scope, scope.Spans().At(0))
				require.Equal(t, test.known, known)
				require.Equal(t, test.value, value)
			}
		})
	}
}
