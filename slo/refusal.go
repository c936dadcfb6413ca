package slo

import (
	"encoding/json"
	"fmt"
)

// Refusal is a number of items that were refused for good: no retry can help.
type Refusal struct {
	// Signal is traces, metrics or logs.
	Signal string `json:"signal"`
	// Reason is one of the Refused constants.
	Reason string `json:"reason"`
	// Service is the service.name of the items, empty if they have none.
	Service string `json:"service,omitempty"`
	Items   int64  `json:"items"`
}

// The reasons for which items are refused. They are stored and shown: their
// names stay.
const (
	// RefusedNoEndTime: a span without an end has no event time.
	RefusedNoEndTime = "no_end_time"
	// RefusedLate: it ended before the lateness bound.
	RefusedLate = "late"
	// RefusedFuture: it ends further in the future than clocks may run ahead.
	RefusedFuture = "future"
	// RefusedInvalidID: a trace or span identity is missing or all zeros.
	RefusedInvalidID = "invalid_id"
	// RefusedLimits: more attributes, longer values or a deeper nesting than is taken.
	RefusedLimits = "limits"
	// RefusedSignal: the kind of telemetry is not taken at all (logs).
	RefusedSignal = "signal"
	// RefusedUndecodable: a stored record that cannot be decoded; it counts as one.
	RefusedUndecodable = "undecodable"
)

// refusals is the content of a refusals record.
type refusals struct {
	Version  int       `json:"version"`
	Refusals []Refusal `json:"refusals"`
}

// EncodeRefusals writes the payload of a refusals record: JSON.
func EncodeRefusals(list []Refusal) ([]byte, error) {
	payload, err := json.Marshal(refusals{Version: 1, Refusals: list})
	if err != nil {
		return nil, fmt.Errorf("encode %d refusals: %w", len(list), err)
	}
	return payload, nil
}

// DecodeRefusals reads the payload of a refusals record.
func DecodeRefusals(payload []byte) ([]Refusal, error) {
	var r refusals
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, fmt.Errorf("decode refusals: %w", err)
	}
	if r.Version != 1 {
		return nil, fmt.Errorf("decode refusals: version %d is not known, this program reads version 1", r.Version)
	}
	return r.Refusals, nil
}
