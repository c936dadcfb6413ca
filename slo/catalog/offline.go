package catalog

import (
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// Files reads the documents that a watched folder would: a file, or every
// *.yaml, *.yml and *.json of a folder and the folders in it, sorted by path.
func Files(path string) ([]File, error) {
	l, err := list(path)
	if err != nil {
		return nil, err
	}
	for _, file := range l.files {
		if len(file.Data) > maxFileBytes { // It has grown meanwhile.
			return nil, fmt.Errorf("%s is larger than %d MiB: divide it into several files", file.Path, maxFileBytes>>20)
		}
	}
	return l.files, nil
}

// PartField is where the part of an indicator that a Compiler names stands,
// below the spec of its SLI.
func PartField(i slo.Indicator, part string) string { return partField(i, part) }

// IndicatorField is where the indicator of an objective stands in its SLO, whose
// fields have lines.
func IndicatorField(lines map[string]int, s slo.SLO, objective int) string {
	return indicatorField(lines, s, objective)
}

// IsKnown reports whether an indicator says which events are good: that of an SLO
// with faults may not.
func IsKnown(i slo.Indicator) bool { return isKnown(i) }
