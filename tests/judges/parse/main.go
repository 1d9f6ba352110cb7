// SPDX-License-Identifier: MIT

// parse - what the parsers written in Go make of an exposition, as JSON
//
//	parse prometheus|expfmt CONTENT-TYPE < BODY
//
// prometheus: the parser of Prometheus 3, as its scrapes use it. expfmt: that of prometheus/common, for text and
// protobuf. The answer is {"families": {NAME: {type, help, unit}}, "samples": [{name, labels, value}], "natives":
// [...], "exemplars": [...]}; numbers are text, so that NaN and the infinities have a place in it. What cannot be
// parsed is said on standard error, with the status 1.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/prometheus/prometheus/model/histogram"
)

type family struct {
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

type sample struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value,omitempty"`
}

// native has its buckets by the index of their upper bounds.
type native struct {
	sample
	Count         string           `json:"count"`
	Sum           string           `json:"sum"`
	Schema        int32            `json:"schema"`
	ZeroThreshold string           `json:"zero_threshold"`
	ZeroCount     string           `json:"zero_count"`
	Positive      map[int32]string `json:"positive"`
	Negative      map[int32]string `json:"negative"`
}

type exemplarTold struct {
	Of     sample            `json:"of"`
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
	Time   string            `json:"time"`
}

type exposition struct {
	Families  map[string]*family `json:"families"`
	Samples   []sample           `json:"samples"`
	Natives   []native           `json:"natives"`
	Exemplars []exemplarTold     `json:"exemplars"`
}

func (told *exposition) family(name string) *family {
	if told.Families[name] == nil {
		told.Families[name] = &family{}
	}
	return told.Families[name]
}

func number(value float64) string {
	switch {
	case math.IsNaN(value):
		return "NaN"
	case math.IsInf(value, 0):
		return map[bool]string{true: "Infinity", false: "-Infinity"}[value > 0]
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

func whole(value uint64) string { return strconv.FormatUint(value, 10) }

// buckets undoes spans and deltas.
func buckets(spans []histogram.Span, deltas []int64) (map[int32]string, error) {
	counts := map[int32]string{}
	index, at, count := int32(0), 0, int64(0)
	for _, span := range spans {
		index += span.Offset
		for range span.Length {
			if at == len(deltas) {
				return nil, fmt.Errorf("%d deltas are too few", at)
			}
			count += deltas[at]
			counts[index] = whole(uint64(count))
			at++
			index++
		}
	}
	if at != len(deltas) {
		return nil, fmt.Errorf("%d deltas are too many", len(deltas))
	}
	return counts, nil
}

func run(arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("parse prometheus|expfmt CONTENT-TYPE < BODY")
	}
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	told := &exposition{Families: map[string]*family{}}
	switch arguments[0] {
	case "prometheus":
		err = asPrometheus(told, body, arguments[1])
	case "expfmt":
		err = asExpfmt(told, body, arguments[1])
	default:
		err = fmt.Errorf("no parser %q", arguments[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(told)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
