package catalog

import "github.com/slowburn-slo/slowburn/slo"

// Check reads the documents of a request as Apply would, and changes nothing.
// Faults are slo.DocumentErrors, those of the documents and of their
// conditions together; a name that comes from a file is not looked for.
func (c *Catalog) Check(file string, data []byte) ([]slo.SLO, error) {
	candidates, err := c.parse(File{Path: file, Data: data}, "")
	if err != nil {
		return nil, err
	}
	if len(candidates) == 0 {
		return nil, slo.DocumentErrors{{File: file, Reason: "holds no document: write at least one SLO in OpenSLO v1"}}
	}
	faults := unique(candidates)
	definitions := make([]slo.SLO, 0, len(candidates))
	for _, one := range candidates {
		if source, err := c.Compiler.Check(one.SLO.Indicator); err != nil {
			faults = append(faults, one.fault(conditionField(source), "%v", err))
		}
		definitions = append(definitions, one.SLO)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return definitions, nil
}
