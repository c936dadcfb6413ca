package openslo

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// ownPrefix begins the annotations that mean something to Slowburn. What
// OpenSLO cannot say stands in them, never in fields of our own.
const ownPrefix = "slowburn.dev/"

// The annotations.
const (
	runbookAnnotation         = ownPrefix + "runbook"
	dashboardAnnotation       = ownPrefix + "dashboard"
	compositeTargetAnnotation = ownPrefix + "composite-target"
	conditionAnnotation       = ownPrefix + "condition"
	shortLookBackAnnotation   = ownPrefix + "short-lookback"
	minBadAnnotation          = ownPrefix + "min-bad"
	noDataAfterAnnotation     = ownPrefix + "no-data-after"
	exclusionsAnnotation      = ownPrefix + "exclusions"
)

// extensions are what annotations add to an alert condition, or to an SLO; zero
// is unset.
type extensions struct {
	condition     slo.ConditionKind
	shortLookBack time.Duration
	minBad        int64
	noDataAfter   time.Duration
	exclusions    []slo.Exclusion
}

// over is what holds where a policy says one thing and its condition another:
// that of the policy.
func (e extensions) over(of extensions) extensions {
	if e.condition != "" {
		of.condition = e.condition
	}
	if e.shortLookBack != 0 {
		of.shortLookBack = e.shortLookBack
	}
	if e.minBad != 0 {
		of.minBad = e.minBad
	}
	if e.noDataAfter != 0 {
		of.noDataAfter = e.noDataAfter
	}
	return of
}

// extensionKinds are the kinds that an annotation means something on.
func extensionKinds() map[string][]slo.Kind {
	alerts := []slo.Kind{slo.KindAlertPolicy, slo.KindAlertCondition}
	return map[string][]slo.Kind{
		runbookAnnotation: {slo.KindSLO}, dashboardAnnotation: {slo.KindSLO}, compositeTargetAnnotation: {slo.KindSLO},
		exclusionsAnnotation: {slo.KindSLO},
		conditionAnnotation:  alerts, shortLookBackAnnotation: alerts, minBadAnnotation: alerts, noDataAfterAnnotation: alerts,
	}
}

// extension reads an annotation of our own.
func (r *reader) extension(into *extensions, v value, kind slo.Kind, key, text string) {
	known := extensionKinds()
	kinds, found := known[key]
	if !found {
		r.warn(v, "unknown annotation%s", suggestion(key, slices.Sorted(maps.Keys(known))))
		return
	}
	if !slices.Contains(kinds, kind) {
		var names []string
		for _, k := range kinds {
			names = append(names, string(k))
		}
		r.warn(v, "has no effect on %s: it belongs on %s", kind, anyOf(names))
		return
	}
	if key == exclusionsAnnotation {
		into.exclusions = r.exclusions(v, text)
		return
	}
	if err := into.set(key, text); err != nil {
		r.refuse(v, "%v", err)
	}
}

// set checks the text of an annotation and keeps what it says.
func (e *extensions) set(key, text string) (err error) {
	switch key {
	case compositeTargetAnnotation:
		_, err = slo.ParseTarget(text, false)
	case conditionAnnotation:
		e.condition, err = conditionKind(text)
	case shortLookBackAnnotation:
		e.shortLookBack, err = extensionDuration(text)
		if err == nil && e.shortLookBack%slo.SliceLength != 0 {
			err = fmt.Errorf("%s must be a multiple of %s", text, slo.FormatDuration(slo.SliceLength))
		}
	case noDataAfterAnnotation:
		e.noDataAfter, err = extensionDuration(text)
		if err == nil && e.noDataAfter < slo.SliceLength {
			err = fmt.Errorf("%s must be at least %s", text, slo.FormatDuration(slo.SliceLength))
		}
	case minBadAnnotation:
		e.minBad, err = strconv.ParseInt(text, 10, 64)
		if err != nil || e.minBad < 1 || e.minBad > maxMinBad {
			err = fmt.Errorf("%q must be a whole number of bad events from 1 to %d", excerpt(text), int64(maxMinBad))
		}
	}
	return err
}

const maxMinBad = 1_000_000_000_000

func conditionKind(text string) (slo.ConditionKind, error) {
	kinds := []string{string(slo.BurnRate), string(slo.BudgetConsumed), string(slo.BudgetDrop), string(slo.TimeToExhaustion)}
	if !slices.Contains(kinds, text) {
		return "", fmt.Errorf("unknown condition %q: write %s", excerpt(text), anyOf(kinds))
	}
	return slo.ConditionKind(text), nil
}

// extensionDuration reads a duration as OpenSLO writes it (5m, 1d), or with
// seconds (10s, 1m30s).
func extensionDuration(text string) (time.Duration, error) {
	d, err := slo.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(strings.TrimSpace(text))
	}
	if err != nil || d <= 0 || d > slo.MaxWindow {
		return 0, fmt.Errorf("%q must be a duration above 0 and at most %s, such as 10s, 5m or 1d", excerpt(text), slo.FormatDuration(slo.MaxWindow))
	}
	return d, nil
}
