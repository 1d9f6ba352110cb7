// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/histogram"
)

type metric struct {
	told   *exposition
	name   string
	labels map[string]string
}

func (of metric) sample(suffix string, value string, more ...string) sample {
	labels := map[string]string{}
	for name, value := range of.labels {
		labels[name] = value
	}
	for i := 0; i+1 < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	return sample{Name: of.name + suffix, Labels: labels, Value: value}
}

func (of metric) add(suffix string, value string, more ...string) sample {
	told := of.sample(suffix, value, more...)
	of.told.Samples = append(of.told.Samples, told)
	return told
}

func (of metric) exemplar(on sample, found *dto.Exemplar) {
	if found == nil {
		return
	}
	labels := map[string]string{}
	for _, pair := range found.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	told := exemplarTold{Of: on, Labels: labels, Value: number(found.GetValue())}
	if found.Timestamp != nil {
		told.Time = number(float64(found.Timestamp.AsTime().UnixMilli()) / 1000)
	}
	of.told.Exemplars = append(of.told.Exemplars, told)
}

func spansOf(found []*dto.BucketSpan) (spans []histogram.Span) {
	for _, span := range found {
		spans = append(spans, histogram.Span{Offset: span.GetOffset(), Length: span.GetLength()})
	}
	return spans
}

func isNative(found *dto.Histogram) bool {
	return found.ZeroThreshold != nil || len(found.PositiveSpan)+len(found.NegativeSpan) > 0
}

func (of metric) histogram(found *dto.Histogram) (err error) {
	infinite := false
	for _, bucket := range found.GetBucket() {
		infinite = infinite || math.IsInf(bucket.GetUpperBound(), 1)
		on := of.add("_bucket", whole(bucket.GetCumulativeCount()), "le", number(bucket.GetUpperBound()))
		of.exemplar(on, bucket.Exemplar)
	}
	if !infinite {
		of.add("_bucket", whole(found.GetSampleCount()), "le", "Infinity")
	}
	of.add("_sum", number(found.GetSampleSum()))
	of.add("_count", whole(found.GetSampleCount()))
	if !isNative(found) {
		return nil
	}
	told := native{
		sample:        of.sample("", ""),
		Count:         whole(found.GetSampleCount()),
		Sum:           number(found.GetSampleSum()),
		Schema:        found.GetSchema(),
		ZeroThreshold: number(found.GetZeroThreshold()),
		ZeroCount:     whole(found.GetZeroCount()),
	}
	if told.Positive, err = buckets(spansOf(found.PositiveSpan), found.PositiveDelta); err != nil {
		return err
	}
	if told.Negative, err = buckets(spansOf(found.NegativeSpan), found.NegativeDelta); err != nil {
		return err
	}
	of.told.Natives = append(of.told.Natives, told)
	for _, one := range found.Exemplars {
		of.exemplar(told.sample, one)
	}
	return nil
}

func (of metric) take(found *dto.Metric) error {
	switch {
	case found.Gauge != nil:
		of.add("", number(found.Gauge.GetValue()))
	case found.Counter != nil:
		of.exemplar(of.add("", number(found.Counter.GetValue())), found.Counter.Exemplar)
	case found.Untyped != nil:
		of.add("", number(found.Untyped.GetValue()))
	case found.Summary != nil:
		of.add("_sum", number(found.Summary.GetSampleSum()))
		of.add("_count", whole(found.Summary.GetSampleCount()))
	case found.Histogram != nil:
		return of.histogram(found.Histogram)
	default:
		return fmt.Errorf("%s has no value", of.name)
	}
	return nil
}

func takeFamily(told *exposition, found *dto.MetricFamily) error {
	about := told.family(found.GetName())
	about.Type = strings.ToLower(found.GetType().String())
	about.Help, about.Unit = found.GetHelp(), found.GetUnit()
	for _, one := range found.GetMetric() {
		of := metric{told: told, name: found.GetName(), labels: map[string]string{}}
		for _, pair := range one.GetLabel() {
			of.labels[pair.GetName()] = pair.GetValue()
		}
		if err := of.take(one); err != nil {
			return err
		}
	}
	return nil
}

func asExpfmt(told *exposition, body []byte, contentType string) error {
	format := expfmt.ResponseFormat(http.Header{"Content-Type": {contentType}})
	if format.FormatType() == expfmt.TypeUnknown {
		return fmt.Errorf("expfmt does not know %q", contentType)
	}
	decoder := expfmt.NewDecoder(bytes.NewReader(body), format)
	for {
		var found dto.MetricFamily
		err := decoder.Decode(&found)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := takeFamily(told, &found); err != nil {
			return err
		}
	}
}
