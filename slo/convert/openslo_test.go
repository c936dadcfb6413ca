package convert_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// The structures of OpenSLO v1, written here a second time: what they do not
// have is refused.
type (
	object[T any] struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   struct {
			Name        string              `yaml:"name"`
			DisplayName string              `yaml:"displayName"`
			Labels      map[string][]string `yaml:"labels"`
			Annotations map[string]string   `yaml:"annotations"`
		} `yaml:"metadata"`
		Spec T `yaml:"spec"`
	}
	objective struct {
		TargetPercent float64 `yaml:"targetPercent"`
	}
	spec struct {
		Description   string            `yaml:"description"`
		Service       string            `yaml:"service"`
		Indicator     object[indicator] `yaml:"indicator"`
		TimeWindow    []window          `yaml:"timeWindow"`
		Method        string            `yaml:"budgetingMethod"`
		Objectives    []objective       `yaml:"objectives"`
		AlertPolicies []object[policy]  `yaml:"alertPolicies"`
	}
	window struct {
		Duration  string `yaml:"duration"`
		IsRolling bool   `yaml:"isRolling"`
	}
	indicator struct {
		Ratio struct {
			Counter bool    `yaml:"counter"`
			Good    *metric `yaml:"good"`
			Bad     *metric `yaml:"bad"`
			Total   *metric `yaml:"total"`
			Raw     *metric `yaml:"raw"`
			RawType string  `yaml:"rawType"`
		} `yaml:"ratioMetric"`
	}
	metric struct {
		MetricSource struct {
			Type string            `yaml:"type"`
			Spec map[string]string `yaml:"spec"`
		} `yaml:"metricSource"`
	}
	policy struct {
		Description         string                      `yaml:"description"`
		AlertWhenNoData     bool                        `yaml:"alertWhenNoData"`
		AlertWhenResolved   bool                        `yaml:"alertWhenResolved"`
		AlertWhenBreaching  bool                        `yaml:"alertWhenBreaching"`
		Conditions          []object[condition]         `yaml:"conditions"`
		NotificationTargets []object[map[string]string] `yaml:"notificationTargets"`
	}
	condition struct {
		Severity  string `yaml:"severity"`
		Condition struct {
			Kind           string  `yaml:"kind"`
			Op             string  `yaml:"op"`
			Threshold      float64 `yaml:"threshold"`
			LookbackWindow string  `yaml:"lookbackWindow"`
			AlertAfter     string  `yaml:"alertAfter"`
		} `yaml:"condition"`
	}
)

// requireOpenSLO checks that a text is OpenSLO v1 as the specification and its
// SDK have it.
func requireOpenSLO(t *testing.T, text []byte) []object[spec] {
	t.Helper()
	require.True(t, utf8.Valid(text))
	requireParsed(t, text)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var all []object[spec]
	names := map[string]bool{}
	for {
		var o object[spec]
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			require.NotEmpty(t, all)
			return all
		}
		require.NoError(t, err)
		require.Equal(t, "openslo/v1", o.APIVersion)
		require.Equal(t, "SLO", o.Kind)
		require.False(t, names[o.Metadata.Name], "names are unique")
		names[o.Metadata.Name] = true
		requireSLO(t, o)
		all = append(all, o)
	}
}

// requireParsed lets Slowburn's own parser read a text. It refuses nothing but
// that it does not measure Prometheus.
func requireParsed(t *testing.T, text []byte) {
	t.Helper()
	objects, warnings, err := openslo.Parse("f.yaml", text, openslo.Strict)
	if len(text) > 1<<20 {
		return // As a note says.
	}
	require.NoError(t, err)
	for _, w := range warnings {
		require.Contains(t, w.Error(), "never tells anybody")
	}
	for _, o := range objects {
		var faults slo.DocumentErrors
		_, _, err := openslo.Resolve(o, nil)
		require.ErrorAs(t, err, &faults)
		for _, fault := range faults {
			require.Contains(t, fault.Error(), "metric source type Prometheus is not measured here")
		}
	}
}

func requireSLO(t *testing.T, o object[spec]) {
	t.Helper()
	requireMetadata(t, o)
	require.NotEmpty(t, o.Spec.Service)
	require.LessOrEqual(t, utf8.RuneCountInString(o.Spec.Description), 1050)
	requireMetadata(t, o.Spec.Indicator)
	ratio := o.Spec.Indicator.Spec.Ratio
	if ratio.Raw != nil {
		require.Nil(t, ratio.Total)
		require.Nil(t, ratio.Good)
		require.Nil(t, ratio.Bad)
		require.Equal(t, "failure", ratio.RawType)
	} else {
		require.NotNil(t, ratio.Total)
		require.NotEqual(t, ratio.Good == nil, ratio.Bad == nil)
		require.Empty(t, ratio.RawType)
	}
	for _, m := range []*metric{ratio.Raw, ratio.Good, ratio.Bad, ratio.Total} {
		if m != nil {
			require.Equal(t, "Prometheus", m.MetricSource.Type)
			require.NotEmpty(t, m.MetricSource.Spec["query"])
		}
	}
	require.Len(t, o.Spec.TimeWindow, 1)
	requireDuration(t, o.Spec.TimeWindow[0].Duration)
	require.True(t, o.Spec.TimeWindow[0].IsRolling)
	require.Equal(t, "Occurrences", o.Spec.Method)
	require.Len(t, o.Spec.Objectives, 1)
	require.Less(t, o.Spec.Objectives[0].TargetPercent, 100.0)
	require.NotEmpty(t, o.Spec.AlertPolicies, "else the default policy holds")
	names := map[string]bool{}
	for _, p := range o.Spec.AlertPolicies {
		require.False(t, names[p.Metadata.Name], "policies have names of their own")
		names[p.Metadata.Name] = true
		requirePolicy(t, p)
	}
}

func requirePolicy(t *testing.T, p object[policy]) {
	t.Helper()
	require.Equal(t, "AlertPolicy", p.Kind)
	requireMetadata(t, p)
	require.Len(t, p.Spec.Conditions, 1)
	require.Len(t, p.Spec.NotificationTargets, 1)
	target := p.Spec.NotificationTargets[0]
	require.Equal(t, "AlertNotificationTarget", target.Kind)
	require.NotEmpty(t, target.Spec["target"])
	requireMetadata(t, target)
	c := p.Spec.Conditions[0]
	require.Equal(t, "AlertCondition", c.Kind)
	requireMetadata(t, c)
	require.NotEmpty(t, c.Spec.Severity)
	require.Equal(t, "burnrate", c.Spec.Condition.Kind)
	require.Contains(t, []string{"gt", "gte"}, c.Spec.Condition.Op)
	require.Positive(t, c.Spec.Condition.Threshold)
	requireDuration(t, c.Spec.Condition.LookbackWindow)
	if after := c.Spec.Condition.AlertAfter; after != "" {
		requireDuration(t, after)
	}
	if short, ok := c.Metadata.Annotations["slowburn.dev/short-lookback"]; ok {
		requireDuration(t, short)
	}
}

func requireDuration(t *testing.T, text string) {
	t.Helper()
	require.Regexp(t, `^[1-9][0-9]*[mhdwMQY]$`, text)
	_, err := slo.ParseDuration(text)
	require.NoError(t, err)
}

func requireMetadata[T any](t *testing.T, o object[T]) {
	t.Helper()
	m := o.Metadata
	require.Regexp(t, `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`, m.Name)
	require.LessOrEqual(t, utf8.RuneCountInString(m.DisplayName), 63)
	const key = `^[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`
	for k := range m.Labels {
		require.Regexp(t, key, k)
	}
	const annotation = `^([a-z0-9.-]+/)?[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$`
	for k := range m.Annotations {
		require.Regexp(t, annotation, k)
	}
}
