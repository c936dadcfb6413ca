package slo

// Operator compares a value with a limit: "lte" holds if value <= limit.
type Operator string

// The operators of OpenSLO.
const (
	LTE Operator = "lte"
	GTE Operator = "gte"
	LT  Operator = "lt"
	GT  Operator = "gt"
)

// Holds reports whether the operator holds, given how the value compares with
// the limit: -1, 0 or 1, as cmp.Compare has it. An unknown operator never does.
func (o Operator) Holds(comparison int) bool {
	switch o {
	case LTE:
		return comparison <= 0
	case GTE:
		return comparison >= 0
	case LT:
		return comparison < 0
	case GT:
		return comparison > 0
	default:
		return false
	}
}

// Symbol is the operator as formulas write it: "<=".
func (o Operator) Symbol() string {
	return map[Operator]string{LTE: "<=", GTE: ">=", LT: "<", GT: ">"}[o]
}
