// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func takeExemplars(told *exposition, parser textparse.Parser, of sample) {
	var found exemplar.Exemplar
	for parser.Exemplar(&found) {
		told.Exemplars = append(told.Exemplars, exemplarOf(of, found))
		found = exemplar.Exemplar{}
	}
}

func exemplarOf(of sample, found exemplar.Exemplar) (told exemplarTold) {
	told = exemplarTold{Of: of, Labels: found.Labels.Map(), Value: number(found.Value)}
	if found.HasTs {
		told.Time = number(float64(found.Ts) / 1000)
	}
	return told
}

func sampleOf(parser textparse.Parser) sample {
	var set labels.Labels
	parser.Labels(&set)
	told := sample{Labels: set.Map()}
	told.Name = told.Labels["__name__"]
	delete(told.Labels, "__name__")
	return told
}

func nativeOf(of sample, found *histogram.Histogram) (told native, err error) {
	if err := found.Validate(); err != nil {
		return told, fmt.Errorf("%s: %w", of.Name, err)
	}
	told = native{
		sample:        of,
		Count:         whole(found.Count),
		Sum:           number(found.Sum),
		Schema:        found.Schema,
		ZeroThreshold: number(found.ZeroThreshold),
		ZeroCount:     whole(found.ZeroCount),
	}
	if told.Positive, err = buckets(found.PositiveSpans, found.PositiveBuckets); err != nil {
		return told, err
	}
	told.Negative, err = buckets(found.NegativeSpans, found.NegativeBuckets)
	return told, err
}

func takeEntry(told *exposition, parser textparse.Parser, entry textparse.Entry) error {
	switch entry {
	case textparse.EntryType:
		name, type_ := parser.Type()
		told.family(string(name)).Type = string(type_)
	case textparse.EntryHelp:
		name, help := parser.Help()
		told.family(string(name)).Help = string(help)
	case textparse.EntryUnit:
		name, unit := parser.Unit()
		told.family(string(name)).Unit = string(unit)
	case textparse.EntrySeries:
		of := sampleOf(parser)
		_, stamp, value := parser.Series()
		if stamp != nil {
			return fmt.Errorf("%s has a time", of.Name)
		}
		of.Value = number(value)
		told.Samples = append(told.Samples, of)
		takeExemplars(told, parser, of)
	case textparse.EntryHistogram:
		of := sampleOf(parser)
		_, _, found, float := parser.Histogram()
		if float != nil {
			return fmt.Errorf("%s counts in floats", of.Name)
		}
		one, err := nativeOf(of, found)
		if err != nil {
			return err
		}
		told.Natives = append(told.Natives, one)
		takeExemplars(told, parser, of)
	}
	return nil
}

func asPrometheus(told *exposition, body []byte, contentType string) error {
	parser, err := textparse.New(body, contentType, labels.NewSymbolTable(), textparse.ParserOptions{
		KeepClassicOnClassicAndNativeHistograms: true,
	})
	if err != nil {
		return err
	}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := takeEntry(told, parser, entry); err != nil {
			return err
		}
	}
}
