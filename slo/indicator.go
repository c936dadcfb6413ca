package slo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SpanSource selects spans.
type SpanSource struct {
	// Service equals the resource's service.name; empty selects every service.
	Service string `json:"service,omitempty"`
	// Condition is an OTTL condition on the span; empty selects every span.
	Condition string `json:"condition,omitempty"`
	// MaxDuration selects spans that took at most this long, inclusive and
	// exact to the nanosecond; 0 means no limit.
	MaxDuration time.Duration `json:"max_duration_ns,omitempty"`
}

// Indicator is a ratio of spans (SLI): Total says which spans are events,
// exactly one of Good, Bad and Value says which of those are good or bad. They
// are judged only on spans that Total selects.
type Indicator struct {
	Total SpanSource  `json:"total"`
	Good  *SpanSource `json:"good,omitempty"`
	Bad   *SpanSource `json:"bad,omitempty"`
	Value *Value      `json:"value,omitempty"`
}

// Value is a number that every event has.
type Value struct {
	// Of is an OTTL value expression on the span that gives an integer or a
	// float, or DurationValue.
	Of string `json:"of"`
	// Raw says that the number is itself a share, of good events or of bad
	// ones, in [0, 1]: the event is then good for that part and bad for the
	// rest, in units of RawUnit. Without it Threshold makes the event good or bad.
	Raw       RawType   `json:"raw,omitempty"`
	Threshold Threshold `json:"threshold,omitzero"`
}

// DurationValue is the duration of the span in seconds, exact to the nanosecond.
const DurationValue = "duration"

// RawType says what a raw ratio is a share of.
type RawType string

// The raw types of OpenSLO.
const (
	RawSuccess RawType = "success"
	RawFailure RawType = "failure"
)

// RawUnit is how many units of count make one event of a raw indicator, and
// one slice of RatioTimeslices: a share is kept to 1e-9, rounded to nearest.
// 0.97 of one event is {Good: 970_000_000, Bad: 30_000_000}.
const RawUnit = 1_000_000_000

// SeriesID identifies a series by the hash of its meaning: 32 hexadecimal digits.
type SeriesID string

// Series is one compiled indicator. Objectives point at series, so that
// several targets and shared indicators are counted once.
type Series struct {
	ID        SeriesID  `json:"id"`
	Indicator Indicator `json:"indicator"`
}

// Series returns the series that counts the indicator. Its identity is a hash
// of the meaning alone: surrounding space in a condition does not change it,
// names and targets of objectives have no part in it.
func (i Indicator) Series() Series {
	i.Total = i.Total.normal()
	i.Good, i.Bad = i.Good.normalRef(), i.Bad.normalRef()
	if i.Value != nil {
		value := *i.Value
		value.Of = strings.TrimSpace(value.Of)
		i.Value = &value
	}
	meaning, err := json.Marshal(i)
	if err != nil { // Strings, integers and pointers to them always encode.
		panic(fmt.Sprintf("encode indicator: %v", err))
	}
	sum := sha256.Sum256(append([]byte("slowburn series v1 spans\n"), meaning...))
	return Series{ID: SeriesID(hex.EncodeToString(sum[:16])), Indicator: i}
}

func (s SpanSource) normal() SpanSource {
	s.Condition = strings.TrimSpace(s.Condition)
	return s
}

func (s *SpanSource) normalRef() *SpanSource {
	if s == nil {
		return nil
	}
	n := s.normal()
	return &n
}

// seriesSet is the content of a definitions record.
type seriesSet struct {
	Version int      `json:"version"`
	Series  []Series `json:"series"`
}

// EncodeSeries writes the set of series in force as the payload of a
// definitions record: JSON, sorted by identity, each series once.
func EncodeSeries(set []Series) ([]byte, error) {
	sorted := slices.Clone(set)
	slices.SortFunc(sorted, func(a, b Series) int { return strings.Compare(string(a.ID), string(b.ID)) })
	sorted = slices.CompactFunc(sorted, func(a, b Series) bool { return a.ID == b.ID })
	payload, err := json.Marshal(seriesSet{Version: 1, Series: sorted})
	if err != nil {
		return nil, fmt.Errorf("encode %d series: %w", len(sorted), err)
	}
	return payload, nil
}

// DecodeSeries reads the payload of a definitions record. It refuses versions
// that it does not know and series whose identity is not that of their meaning.
func DecodeSeries(payload []byte) ([]Series, error) {
	var set seriesSet
	if err := json.Unmarshal(payload, &set); err != nil {
		return nil, fmt.Errorf("decode series: %w", err)
	}
	if set.Version != 1 {
		return nil, fmt.Errorf("decode series: version %d is not known, this program reads version 1", set.Version)
	}
	for _, s := range set.Series {
		if want := s.Indicator.Series().ID; s.ID != want {
			return nil, fmt.Errorf("decode series: %s has the meaning of %s", s.ID, want)
		}
	}
	return set.Series, nil
}
