package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/internal/slotest"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// policy is the candidate of a file: all of its alert policies, resolved as if
// the SLO referred to them, so that what cannot be is refused as it would be.
func (s *shelf) policy(file string, root openslo.Object) (simulate.NamedPolicy, error) {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	objects, err := slotest.Read(file)
	if err != nil {
		return simulate.NamedPolicy{}, fmt.Errorf("--policy: %w", err)
	}
	var names []string
	for _, o := range objects {
		if o.Kind == slo.KindAlertPolicy {
			names = append(names, o.Name)
		}
	}
	if len(names) == 0 {
		return simulate.NamedPolicy{}, fmt.Errorf("--policy: %s holds no AlertPolicy", file)
	}
	text, err := withPolicies(root.Source, names)
	if err != nil {
		return simulate.NamedPolicy{}, fmt.Errorf("--policy: put the policies of %s into %s: %w", file, root, err)
	}
	edited, _, err := openslo.Parse(root.File, text, openslo.Lenient)
	if err != nil {
		return simulate.NamedPolicy{}, fmt.Errorf("--policy: %s: %w", file, err)
	}
	definition, _, err := openslo.Resolve(edited[0], func(ref slo.ObjectRef) (openslo.Object, bool) {
		for _, o := range objects {
			if o.ObjectRef == ref {
				return o, true
			}
		}
		return s.find(ref)
	})
	if err != nil {
		return simulate.NamedPolicy{}, fmt.Errorf("--policy: %s: %w", file, err)
	}
	return simulate.NamedPolicy{Name: name, Policies: definition.Policies}, nil
}

// withPolicies is the document of an SLO that refers to these policies only.
func withPolicies(document []byte, names []string) ([]byte, error) {
	var root map[string]any
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, err
	}
	spec, ok := root["spec"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it has no spec")
	}
	references := make([]any, len(names))
	for i, name := range names {
		references[i] = map[string]any{"alertPolicyRef": name}
	}
	spec["alertPolicies"] = references
	return yaml.Marshal(root)
}
