package slotest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// maxMessage is the longest message of a file, maxTelemetry the longest file.
const (
	maxMessage   = 64 << 20
	maxTelemetry = 1 << 30
)

// telemetry judges recorded spans by the indicators of the SLO, as the pipeline
// does. Every span counts: which ones a horizon would recognise as repeats
// depends on when they arrived, and that is not recorded.
func telemetry(definition slo.SLO, files []string) (simulate.Series, error) {
	compiler, err := indicator.NewCompiler()
	if err != nil {
		return nil, err
	}
	for i := range definition.Objectives {
		if field, err := compiler.Check(definition.IndicatorOf(i)); err != nil {
			return nil, fmt.Errorf("the indicator of objective %d of %s: %s: %w", i, definition.Name, field, err)
		}
	}
	set, err := compiler.Compile(definition.Series())
	if err != nil {
		return nil, err
	}
	tally := indicator.NewTally(indicator.Limits{Late: 200 * 365 * 24 * time.Hour})
	for _, file := range files {
		err := readTelemetry(file, func(traces ptrace.Traces) error {
			return set.Judge(slo.Record{Kind: slo.RecordTraces, Decoded: traces, Arrival: newestEnd(traces)}, tally)
		})
		if err != nil {
			return nil, fmt.Errorf("read the telemetry of %s: %w", file, err)
		}
	}
	var commit slo.Commit
	tally.Drain(&commit)
	series := simulate.Series{}
	for _, d := range commit.Deltas {
		series[d.Series] = append(series[d.Series], slo.Bucket{Slice: d.Slice, Counts: d.Counts})
	}
	return series, nil
}

// newestEnd is the newest end of a span: nothing arrives before it has ended.
func newestEnd(traces ptrace.Traces) time.Time {
	var newest time.Time
	for _, resource := range traces.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				if end := span.EndTimestamp().AsTime(); end.After(newest) {
					newest = end
				}
			}
		}
	}
	return newest
}

// readTelemetry visits the traces of a file: one JSON object a line, as the
// Collector's file exporter writes them, one protobuf message, or many with
// their lengths before them, as the same exporter writes those.
func readTelemetry(file string, visit func(ptrace.Traces) error) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() > maxTelemetry {
		return fmt.Errorf("it has %d bytes, more than the limit of %d", info.Size(), maxTelemetry)
	}
	content, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	reader := bufio.NewReaderSize(content, 1<<20)
	first, err := reader.Peek(4)
	if len(first) < 2 {
		return nil
	}
	if first[0] == '{' || first[0] == '\xef' && first[1] == '\xbb' {
		return readJSON(reader, visit)
	}
	if err == nil && int64(binary.BigEndian.Uint32(first)) <= info.Size()-4 {
		return readMessages(reader, visit)
	}
	data, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	return decodeMessage(data, visit)
}

func readJSON(reader *bufio.Reader, visit func(ptrace.Traces) error) error {
	scanner := bufio.NewScanner(reader)
	scanner.Buffer(nil, maxMessage)
	line := 0
	for scanner.Scan() {
		line++
		text := bytes.TrimSpace(bytes.TrimPrefix(scanner.Bytes(), []byte("\xef\xbb\xbf")))
		if len(text) == 0 {
			continue
		}
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text)
		if err != nil {
			return fmt.Errorf("line %d is no OTLP in JSON (one object a line): %w", line, err)
		}
		if err := visit(traces); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d is longer than %d bytes", line+1, maxMessage)
	}
	return scanner.Err()
}

// readMessages reads protobuf messages with their lengths before them.
func readMessages(reader *bufio.Reader, visit func(ptrace.Traces) error) error {
	for n := 1; ; n++ {
		var head [4]byte
		if _, err := io.ReadFull(reader, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("message %d is cut off: %w", n, err)
		}
		size := binary.BigEndian.Uint32(head[:])
		if size > maxMessage {
			return fmt.Errorf("message %d has %d bytes, more than the limit of %d", n, size, maxMessage)
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(reader, data); err != nil {
			return fmt.Errorf("message %d is cut off: %w", n, err)
		}
		if err := decodeMessage(data, visit); err != nil {
			return fmt.Errorf("message %d: %w", n, err)
		}
	}
}

func decodeMessage(data []byte, visit func(ptrace.Traces) error) error {
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
	if err != nil {
		return fmt.Errorf("it is no OTLP traces in protobuf: %w", err)
	}
	return visit(traces)
}
