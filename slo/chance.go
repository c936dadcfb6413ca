package slo

import "math"

// chance is how likely it is to see at least bad of total events bad, if each
// is bad with the probability of the budget: the upper tail of the binomial
// distribution, P[X >= bad] for X ~ Binomial(total, budget), by its exact terms.
//
// One failure of ten at 99.9 % has the chance 1 - 0.999^10 = 0.00996: it may
// well be the one failure that the objective allows. Three of ten have 1.2e-7.
func chance(bad, total int64, budget fraction) float64 {
	p := float64(budget.num) / float64(budget.den)
	switch {
	case bad <= 0 || p >= 1:
		return 1
	case total <= 0 || bad > total || p <= 0:
		return 0
	case float64(bad) <= float64(total)*p:
		return 1 // About a half, or more: nothing that anybody asks for.
	}
	n, k := float64(total), float64(bad)
	if bound := k*math.Log(k/n/p) + (n-k)*logOr0((1-k/n)/(1-p)); bound > 60 {
		return math.Exp(-bound) // Chernoff's bound: the chance is below it.
	}
	// Each term is the one before times less than one; they soon vanish.
	term := math.Exp(logChoose(n, k) + k*math.Log(p) + (n-k)*math.Log1p(-p))
	sum := 0.0
	for i := k; i <= n && term > sum*1e-17; i++ {
		sum += term
		term *= (n - i) / (i + 1) * p / (1 - p)
	}
	return min(1, sum)
}

// logOr0 is the logarithm, of which 0 times is 0.
func logOr0(x float64) float64 {
	if x <= 0 {
		return 0
	}
	return math.Log(x)
}

// logChoose is the logarithm of the binomial coefficient "n over k".
func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}
