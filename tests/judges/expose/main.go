// SPDX-License-Identifier: MIT

// expose - client_golang as an exposer of families that it is told of
//
//	expose < FAMILIES
//
// Standard input is a line of JSON, as families.py writes it. Says the address that it serves at, and goes when
// standard input ends.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type series struct {
	Values       []string          `json:"values"`
	Value        float64           `json:"value"`
	Observations []float64         `json:"observations"`
	Exemplar     prometheus.Labels `json:"exemplar"` // of the value, of the last observation
}

type family struct {
	Kind   string    `json:"kind"`
	Name   string    `json:"name"`
	Help   string    `json:"help"`
	Labels []string  `json:"labels"`
	Bounds []float64 `json:"bounds"`
	Schema float64   `json:"schema"` // of a native histogram
	Series []series  `json:"series"`
}

func counter(registry *prometheus.Registry, told family) error {
	found := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: told.Name + "_total", Help: told.Help}, told.Labels)
	for _, one := range told.Series {
		of := found.WithLabelValues(one.Values...)
		if one.Exemplar == nil {
			of.Add(one.Value)
		} else {
			of.(prometheus.ExemplarAdder).AddWithExemplar(one.Value, one.Exemplar)
		}
	}
	return registry.Register(found)
}

func gauge(registry *prometheus.Registry, told family, suffix string) error {
	found := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: told.Name + suffix, Help: told.Help}, told.Labels)
	for _, one := range told.Series {
		found.WithLabelValues(one.Values...).Set(one.Value)
	}
	return registry.Register(found)
}

func observe(of prometheus.Observer, one series) {
	for at, value := range one.Observations {
		if one.Exemplar == nil || at+1 < len(one.Observations) {
			of.Observe(value)
		} else {
			of.(prometheus.ExemplarObserver).ObserveWithExemplar(value, one.Exemplar)
		}
	}
}

func summary(registry *prometheus.Registry, told family) error {
	found := prometheus.NewSummaryVec(prometheus.SummaryOpts{Name: told.Name, Help: told.Help}, told.Labels)
	for _, one := range told.Series {
		observe(found.WithLabelValues(one.Values...), one)
	}
	return registry.Register(found)
}

func histogram(registry *prometheus.Registry, told family) error {
	options := prometheus.HistogramOpts{Name: told.Name, Help: told.Help, Buckets: told.Bounds}
	if told.Kind == "native" {
		options.NativeHistogramBucketFactor = math.Exp2(math.Exp2(-told.Schema))
		options.NativeHistogramZeroThreshold = prometheus.NativeHistogramZeroThresholdZero
	}
	found := prometheus.NewHistogramVec(options, told.Labels)
	for _, one := range told.Series {
		observe(found.WithLabelValues(one.Values...), one)
	}
	return registry.Register(found)
}

func register(registry *prometheus.Registry, told family) error {
	switch told.Kind {
	case "counter":
		return counter(registry, told)
	case "gauge":
		return gauge(registry, told, "")
	case "info":
		return gauge(registry, told, "_info")
	case "summary":
		return summary(registry, told)
	case "histogram", "native":
		return histogram(registry, told)
	}
	return fmt.Errorf("no kind %q", told.Kind)
}

func run() error {
	var families []family
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return err
	}
	if err := json.Unmarshal(line, &families); err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	for _, told := range families {
		if err := register(registry, told); err != nil {
			return fmt.Errorf("%s: %w", told.Name, err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, input)
		os.Exit(0)
	}()
	return http.Serve(listener, nil)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
