package openslo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo/openslo"
)

const (
	anSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: a, displayName: A}
spec:
  description: text
  service: shop
  indicator:
    metadata: {name: i}
    spec: {ratioMetric: {counter: true, good: {metricSource: {type: Prometheus, spec: {query: up}}}, total: {metricSource: {type: Prometheus, spec: {query: up}}}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  alertPolicies: [{alertPolicyRef: p}]
  objectives: [{target: 0.99}]
`
	aComposite = `apiVersion: openslo/v1
kind: SLO
metadata: {name: a}
spec:
  service: shop
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99, indicatorRef: x, compositeWeight: 2}, {target: 0.9, indicatorRef: y}]
`
	aThreshold = `apiVersion: openslo/v1
kind: SLO
metadata: {name: a}
spec:
  service: shop
  indicator:
    metadata: {name: i}
    spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: up}}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{op: lte, value: 0.3, target: 0.99}]
`
	anSLI = `apiVersion: openslo/v1
kind: SLI
metadata: {name: i}
spec: {description: text, ratioMetric: {counter: true, good: {metricSource: {type: Prometheus, spec: {query: up}}}, total: {metricSource: {metricSourceRef: d, spec: {query: down}}}}}
`
	aRaw = `apiVersion: openslo/v1
kind: SLI
metadata: {name: i}
spec: {ratioMetric: {rawType: success, raw: {metricSource: {type: Prometheus, spec: {query: up}}}}}
`
	aPolicy = `apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: p}
spec:
  description: text
  alertWhenBreaching: true
  conditions: [{kind: AlertCondition, metadata: {name: c}, spec: {severity: page, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h}}}]
  notificationTargets: [{targetRef: n}, {kind: AlertNotificationTarget, metadata: {name: m}, spec: {target: mail}}]
`
	aCondition = `apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: c}
spec: {severity: page, description: text, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}}
`
	aTarget = `apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: n}
spec: {description: text, target: mail}
`
	aDataSource = `apiVersion: openslo/v1
kind: DataSource
metadata: {name: d}
spec: {description: text, type: Prometheus, connectionDetails: {url: http://prometheus}}
`
	aService = `apiVersion: openslo/v1
kind: Service
metadata: {name: s, labels: {team: a, tags: [b, c]}, annotations: {example.com/key: value}}
spec: {description: text}
`
)

// TestStrictVerdictsAreThoseOfTheSDK records what the official Go SDK (main,
// 2026-05-21) says of each rule that it has, as read from its source. Where ours
// deviates, why is told, and docs/openslo.md lists it.
func TestStrictVerdictsAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	const accepts, refuses = true, false
	long := strings.Repeat("x", 1051)
	for name, c := range map[string]struct {
		base, old, edit string
		sdk             bool
		deviation       string
	}{
		"an SLO":        {anSLO, "", "", accepts, ""},
		"a composite":   {aComposite, "", "", accepts, ""},
		"a threshold":   {aThreshold, "", "", accepts, ""},
		"an SLI":        {anSLI, "", "", accepts, ""},
		"a raw SLI":     {aRaw, "", "", accepts, ""},
		"a policy":      {aPolicy, "", "", accepts, ""},
		"a condition":   {aCondition, "", "", accepts, ""},
		"a target":      {aTarget, "", "", accepts, ""},
		"a data source": {aDataSource, "", "", accepts, ""},
		"a service":     {aService, "", "", accepts, ""},

		"an unknown version":           {anSLO, "openslo/v1", "openslo/v3", refuses, ""},
		"the version with a domain":    {anSLO, "openslo/v1", "openslo.com/v1", refuses, ""},
		"the next version":             {aService, "openslo/v1", "openslo.com/v2alpha", accepts, "only v1 is read"},
		"a kind in other case":         {aDataSource, "kind: DataSource", "kind: Datasource", refuses, ""},
		"an unknown kind":              {anSLO, "kind: SLO", "kind: Goal", refuses, ""},
		"no name":                      {anSLO, "name: a, ", "", refuses, ""},
		"a name in upper case":         {anSLO, "name: a,", "name: A,", refuses, ""},
		"a name of 63":                 {anSLO, "name: a,", "name: " + strings.Repeat("a", 63) + ",", accepts, ""},
		"a name of 64":                 {anSLO, "name: a,", "name: " + strings.Repeat("a", 64) + ",", refuses, ""},
		"a name that ends with a dash": {anSLO, "name: a,", "name: a-,", refuses, ""},
		"a display name of 64":         {anSLO, "displayName: A", "displayName: " + strings.Repeat("a", 64), refuses, ""},
		"a label that is a number":     {aService, "team: a", "team: 1", refuses, ""},
		"a key of a label with /":      {aService, "team: a", "a/b: a", refuses, ""},
		"an annotation that is a list": {aService, "example.com/key: value", "example.com/key: [value]", refuses, ""},
		"a bad key of an annotation":   {aService, "example.com/key", "Example.com/key", refuses, ""},
		"an unknown field of metadata": {aService, "name: s,", "name: s, owner: me,", refuses, ""},
		"an unknown field on top":      {aService, "kind: Service", "kind: Service\nstatus: {}", refuses, ""},
		"a service without a spec":     {aService, "spec: {description: text}\n", "", accepts, ""},
		"a long description":           {aService, "text", long, refuses, ""},
		"a field in other case":        {aService, "description", "Description", accepts, "fields are told by their exact name"},
		"a merge key":                  {aService, "team: a", "<<: {team: a}", accepts, ""},
		"a field twice":                {aService, "kind: Service", "kind: Service\nkind: Service", accepts, "a field that is written twice is a mistake"},

		"a data source without a type":    {aDataSource, "type: Prometheus, ", "", refuses, ""},
		"a data source without details":   {aDataSource, ", connectionDetails: {url: http://prometheus}", "", refuses, ""},
		"details that are a list":         {aDataSource, "{url: http://prometheus}", "[a, b]", accepts, ""},
		"details that are null":           {aDataSource, "{url: http://prometheus}", "~", accepts, ""},
		"details that are text":           {aDataSource, "{url: http://prometheus}", "text", accepts, ""},
		"a long description of a source":  {aDataSource, "text", long, refuses, ""},
		"an unknown field of a source":    {aDataSource, "type: P", "kind: x, type: P", refuses, ""},
		"a target without a target":       {aTarget, ", target: mail", "", refuses, ""},
		"a long description of a target":  {aTarget, "text", long, refuses, ""},
		"an unknown field of a target":    {aTarget, "target: mail", "target: mail, channel: x", refuses, ""},
		"a condition without a severity":  {aCondition, "severity: page, ", "", refuses, ""},
		"a condition of a free severity":  {aCondition, "severity: page", "severity: sev 1", accepts, ""},
		"a condition without a condition": {aCondition, ", condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}", "", refuses, ""},
		"a condition without a kind":      {aCondition, "kind: burnrate, ", "", refuses, ""},
		"a condition of another kind":     {aCondition, "kind: burnrate", "kind: budget", refuses, ""},
		"a condition without an operator": {aCondition, "op: gte, ", "", refuses, ""},
		"an unknown operator":             {aCondition, "op: gte", "op: eq", refuses, ""},
		"a low burn rate":                 {aCondition, "op: gte", "op: lte", accepts, ""},
		"no threshold":                    {aCondition, "threshold: 2, ", "", refuses, ""},
		"a threshold of 0":                {aCondition, "threshold: 2", "threshold: 0", accepts, ""},
		"a threshold that is text":        {aCondition, "threshold: 2", "threshold: '2'", refuses, ""},
		"no look-back":                    {aCondition, "lookbackWindow: 1h, ", "", refuses, ""},
		"a look-back in seconds":          {aCondition, "lookbackWindow: 1h", "lookbackWindow: 10s", refuses, ""},
		"a look-back of 0":                {aCondition, "lookbackWindow: 1h", "lookbackWindow: 0m", accepts, "durations are positive"},
		"no alertAfter":                   {aCondition, ", alertAfter: 5m", "", accepts, ""},
		"an alertAfter of 0m":             {aCondition, "alertAfter: 5m", "alertAfter: 0m", accepts, ""},
		"an alertAfter in words":          {aCondition, "alertAfter: 5m", "alertAfter: soon", refuses, ""},
		"a long description of it":        {aCondition, "text", long, refuses, ""},
		"an unknown field of a condition": {aCondition, "op: gte", "op: gte, short: 5m", refuses, ""},

		"a policy without conditions":           {aPolicy, "  conditions: [{kind: AlertCondition, metadata: {name: c}, spec: {severity: page, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h}}}]\n", "", refuses, ""},
		"a policy of two conditions":            {aPolicy, "conditions: [", "conditions: [{conditionRef: x}, ", refuses, ""},
		"a policy without targets":              {aPolicy, "[{targetRef: n}, {kind: AlertNotificationTarget, metadata: {name: m}, spec: {target: mail}}]", "[]", refuses, ""},
		"a policy without flags":                {aPolicy, "  alertWhenBreaching: true\n", "", accepts, ""},
		"a flag that is text":                   {aPolicy, "alertWhenBreaching: true", "alertWhenBreaching: 'true'", refuses, ""},
		"a long description of a policy":        {aPolicy, "text", long, refuses, ""},
		"a target by name and inline":           {aPolicy, "{targetRef: n}", "{targetRef: n, spec: {target: x}}", refuses, ""},
		"an empty target":                       {aPolicy, "{targetRef: n}", "{}", refuses, ""},
		"a target that is a string":             {aPolicy, "{targetRef: n}", "n", refuses, ""},
		"a reference to a target in upper case": {aPolicy, "targetRef: n", "targetRef: N", refuses, ""},
		"an inline target of another kind":      {aPolicy, "kind: AlertNotificationTarget", "kind: AlertCondition", refuses, ""},
		"an inline target without a kind":       {aPolicy, "kind: AlertNotificationTarget, ", "", refuses, ""},
		"an inline target without metadata":     {aPolicy, "metadata: {name: m}, ", "", refuses, ""},
		"an inline condition without spec":      {aPolicy, ", spec: {severity: page, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h}}", "", refuses, ""},
		"an operator beside a condition":        {aPolicy, "{kind: AlertCondition,", "{operator: and, kind: AlertCondition,", refuses, ""},

		"an SLI of nothing":               {anSLI, "ratioMetric: {counter: true, good: {metricSource: {type: Prometheus, spec: {query: up}}}, total: {metricSource: {metricSourceRef: d, spec: {query: down}}}}", "", refuses, ""},
		"an SLI of both":                  {anSLI, "ratioMetric", "thresholdMetric: {metricSource: {type: x, spec: {a: b}}}, ratioMetric", refuses, ""},
		"an SLI without a total":          {anSLI, ", total: {metricSource: {metricSourceRef: d, spec: {query: down}}}", "", refuses, ""},
		"an SLI without good or bad":      {anSLI, "good: {metricSource: {type: Prometheus, spec: {query: up}}}, ", "", refuses, ""},
		"an SLI of good and bad":          {anSLI, "total", "bad: {metricSource: {type: x, spec: {a: b}}}, total", refuses, ""},
		"an SLI of bad":                   {anSLI, "good", "bad", accepts, ""},
		"an SLI without a counter":        {anSLI, "counter: true, ", "", accepts, ""},
		"a counter that is text":          {anSLI, "counter: true", "counter: 'true'", refuses, ""},
		"an empty spec of a source":       {anSLI, "spec: {query: up}", "spec: {}", refuses, ""},
		"no spec of a source":             {anSLI, ", spec: {query: up}", "", refuses, ""},
		"a source without a type":         {anSLI, "type: Prometheus, ", "", accepts, ""},
		"a reference to a source, upper":  {anSLI, "metricSourceRef: d", "metricSourceRef: D", refuses, ""},
		"an unknown field beside a type":  {anSLI, "type: Prometheus", "type: Prometheus, name: x", refuses, ""},
		"any field in the spec of others": {anSLI, "{query: up}", "{query: [up, {a: b}], other: 2}", accepts, ""},
		"raw without a type of it":        {aRaw, "rawType: success, ", "", refuses, ""},
		"raw of an unknown type":          {aRaw, "success", "fine", refuses, ""},
		"raw beside total":                {aRaw, "raw:", "total: {metricSource: {type: x, spec: {a: b}}}, raw:", refuses, ""},
		"raw beside good":                 {aRaw, "raw:", "good: {metricSource: {type: x, spec: {a: b}}}, raw:", refuses, ""},
		"a type of raw without raw":       {anSLI, "counter: true", "rawType: success", accepts, ""},

		"an SLO without a service":             {anSLO, "  service: shop\n", "", refuses, ""},
		"a service that is no label":           {anSLO, "service: shop", "service: The Shop", accepts, ""},
		"a long description of an SLO":         {anSLO, "description: text", "description: " + long, refuses, ""},
		"an SLO without a method":              {anSLO, "  budgetingMethod: Occurrences\n", "", refuses, ""},
		"an unknown method":                    {anSLO, "Occurrences", "TimeSlices", refuses, ""},
		"an indicator and a reference":         {anSLO, "  indicator:", "  indicatorRef: i\n  indicator:", refuses, ""},
		"an indicator on both levels":          {anSLO, "{target: 0.99}", "{target: 0.99, indicatorRef: i}", refuses, ""},
		"no indicator":                         {aThreshold, "  indicator:\n    metadata: {name: i}\n    spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: up}}}}\n", "", refuses, ""},
		"an inline indicator unnamed":          {anSLO, "    metadata: {name: i}\n", "", refuses, ""},
		"an inline indicator with a kind":      {anSLO, "    metadata: {name: i}\n", "    kind: SLI\n    metadata: {name: i}\n", refuses, ""},
		"an unknown field of an SLO":           {anSLO, "  service: shop", "  service: shop\n  owner: me", refuses, ""},
		"a policy that is a string":            {anSLO, "{alertPolicyRef: p}", "p", refuses, ""},
		"a policy without its spec":            {anSLO, "{alertPolicyRef: p}", "{kind: AlertPolicy, metadata: {name: p}}", refuses, ""},
		"an SLO without policies":              {anSLO, "  alertPolicies: [{alertPolicyRef: p}]\n", "", accepts, ""},
		"no window":                            {anSLO, "  timeWindow: [{duration: 28d, isRolling: true}]\n", "", refuses, ""},
		"two windows":                          {anSLO, "[{duration: 28d, isRolling: true}]", "[{duration: 28d, isRolling: true}, {duration: 7d, isRolling: true}]", refuses, ""},
		"a window without a duration":          {anSLO, "duration: 28d, ", "", refuses, ""},
		"a window that does not roll":          {anSLO, "isRolling: true", "isRolling: false", refuses, ""},
		"a window that does not say":           {anSLO, ", isRolling: true", "", refuses, ""},
		"a rolling calendar":                   {anSLO, "isRolling: true", "isRolling: true, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}", refuses, ""},
		"a calendar":                           {anSLO, "isRolling: true", "calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}", accepts, ""},
		"a calendar that does not roll":        {anSLO, "isRolling: true", "isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}", accepts, ""},
		"a calendar with a T":                  {anSLO, "isRolling: true", "calendar: {startTime: 2026-01-01T00:00:00, timeZone: UTC}", refuses, ""},
		"a calendar of an unknown zone":        {anSLO, "isRolling: true", "calendar: {startTime: 2026-01-01 00:00:00, timeZone: Mars/Olympus}", refuses, ""},
		"a calendar of the local zone":         {anSLO, "isRolling: true", "calendar: {startTime: 2026-01-01 00:00:00, timeZone: Local}", refuses, ""},
		"a calendar without a zone":            {anSLO, "isRolling: true", "calendar: {startTime: 2026-01-01 00:00:00}", refuses, ""},
		"a calendar without a start":           {anSLO, "isRolling: true", "calendar: {timeZone: UTC}", refuses, ""},
		"a calendar of the 30th February":      {anSLO, "isRolling: true", "calendar: {startTime: 2026-02-30 00:00:00, timeZone: UTC}", refuses, ""},
		"a window of a minute":                 {anSLO, "28d", "1m", accepts, ""},
		"a window of ten years":                {anSLO, "28d", "10Y", accepts, ""},
		"a window of an unknown unit":          {anSLO, "28d", "28D", refuses, ""},
		"a window of 0":                        {anSLO, "28d", "0d", accepts, "durations are positive"},
		"a window with a leading zero":         {anSLO, "28d", "028d", accepts, "durations are a positive whole number and a unit"},
		"a window with a sign":                 {anSLO, "28d", "+28d", accepts, "durations are a positive whole number and a unit"},
		"a window below 0":                     {anSLO, "28d", "-28d", refuses, ""},
		"objectives that are an empty list":    {anSLO, "[{target: 0.99}]", "[]", accepts, ""},
		"objectives that are missing":          {anSLO, "  objectives: [{target: 0.99}]\n", "", accepts, ""},
		"an objective without a target":        {anSLO, "{target: 0.99}", "{}", refuses, ""},
		"an objective of both targets":         {anSLO, "{target: 0.99}", "{target: 0.99, targetPercent: 99}", refuses, ""},
		"a target of 0":                        {anSLO, "target: 0.99", "target: 0", accepts, ""},
		"a target of 1":                        {anSLO, "target: 0.99", "target: 1", refuses, ""},
		"a target below 0":                     {anSLO, "target: 0.99", "target: -0.1", refuses, ""},
		"a target with an exponent":            {anSLO, "target: 0.99", "target: 9.9e-1", accepts, ""},
		"a target of ten decimals":             {anSLO, "target: 0.99", "target: 0.9999999999", accepts, "targets are exact to nine decimals"},
		"a target in percent":                  {anSLO, "target: 0.99", "targetPercent: 99.9", accepts, ""},
		"a target of 100 percent":              {anSLO, "target: 0.99", "targetPercent: 100", refuses, ""},
		"an operator on an inline ratio":       {anSLO, "target: 0.99", "target: 0.99, op: lte", refuses, ""},
		"a value on an inline ratio":           {anSLO, "target: 0.99", "target: 0.99, value: 1", refuses, ""},
		"a weight without a composite":         {anSLO, "target: 0.99", "target: 0.99, compositeWeight: -1", accepts, ""},
		"a slice without slices":               {anSLO, "target: 0.99", "target: 0.99, timeSliceTarget: 2, timeSliceWindow: 1m", accepts, ""},
		"an unknown field of an objective":     {anSLO, "target: 0.99", "target: 0.99, goal: 1", refuses, ""},
		"a threshold without an operator":      {aThreshold, "op: lte, ", "", refuses, ""},
		"a threshold without a value":          {aThreshold, "value: 0.3, ", "", refuses, ""},
		"a threshold of 0 ":                    {aThreshold, "value: 0.3", "value: 0", accepts, ""},
		"two objectives of a threshold":        {aThreshold, "[{op", "[{op: lte, value: 1, target: 0.5}, {op", accepts, ""},
		"an unknown operator of it":            {aThreshold, "op: lte", "op: eq", refuses, ""},
		"an operator in a composite":           {aComposite, "{target: 0.99,", "{target: 0.99, op: lte,", accepts, ""},
		"a wrong operator in a composite":      {aComposite, "{target: 0.99,", "{target: 0.99, op: eq,", accepts, "operators are always checked"},
		"a weight of 0":                        {aComposite, "compositeWeight: 2", "compositeWeight: 0", refuses, ""},
		"a weight of 0 on what is left out":    {aComposite, "{target: 0.9, indicatorRef: y}", "{target: 0.9, compositeWeight: 0}", refuses, ""},
		"a weight of text without a composite": {anSLO, "target: 0.99", "target: 0.99, compositeWeight: x", refuses, ""},
		"a weight below 1":                     {aComposite, "compositeWeight: 2", "compositeWeight: 0.5", accepts, ""},
		"a composite half":                     {aComposite, "{target: 0.9, indicatorRef: y}", "{target: 0.9}", accepts, ""},
		"an empty reference":                   {aComposite, "indicatorRef: x", "indicatorRef: ''", refuses, ""},
		"slices without a target":              {aComposite, "Occurrences", "Timeslices", refuses, ""},
		"slices of a ratio, no window":         {aComposite, "Occurrences", "RatioTimeslices", refuses, ""},
		"a name that is taken":                 {aTarget + "---\n" + aTarget, "", "", accepts, "a name is unique within its kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := c.base
			if c.old != "" {
				require.Equal(t, 1, strings.Count(c.base, c.old), "the edit is ambiguous")
				file = strings.Replace(c.base, c.old, c.edit, 1)
			}
			_, _, err := openslo.Parse("f.yaml", []byte(file), openslo.Strict)
			if ours := err == nil; c.deviation == "" {
				require.Equal(t, c.sdk, ours, "%v", err)
			} else {
				require.NotEqual(t, c.sdk, ours, "it deviates no more: %s", c.deviation)
			}
			if c.sdk == accepts && c.deviation == "" {
				_, _, err := openslo.Parse("f.yaml", []byte(file), openslo.Lenient)
				require.NoError(t, err, "lenient refuses what strict accepts")
			}
		})
	}
}
