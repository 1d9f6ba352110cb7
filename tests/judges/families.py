# SPDX-License-Identifier: MIT
"""families - the same families with the same values, exposed by us and by client_golang

    python families.py < FAMILIES      records them with shmetrics, says "ready", goes when its input ends

FAMILIES, a line of JSON, is also what expose/main.go reads.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

SNAGS = ["plain", 'quote"', "back\\slash", "line\nfeed", "tab\t", "ä€😀", " ", "a,b={}", "#"]
TRACE = {"trace_id": "4bf92f3577b34da6", "span_id": "00f067aa"}


def _labelled(*values: str, **more: Any) -> dict[str, Any]:
    return {"values": list(values), **more}


def _observed(seed: int, count: int, scale: float = 1.0) -> list[float]:
    """Whose sum is the same in whatever order they are added."""
    draw = random.Random(seed).lognormvariate
    return [round(draw(0, 1) * scale * 1024) / 1024 for _ in range(count)]


def families() -> list[dict[str, Any]]:
    """Without anything that one of the two cannot say: no NaN in JSON, no state set in client_golang."""
    return [
        {
            "kind": "counter",
            "name": "jobs",
            "help": 'Jobs that "ran": \\ and\na line.',
            "labels": ["queue", "host"],
            "series": [_labelled(text, "h", value=at + 1.5) for at, text in enumerate(SNAGS)],
        },
        {
            "kind": "counter",
            "name": "large",
            "help": "",
            "labels": [],
            "series": [_labelled(value=float(2**53), exemplar=TRACE)],
        },
        {
            "kind": "gauge",
            "name": "level",
            "help": "Levels.",
            "labels": ["text"],
            "series": [
                _labelled(str(value), value=value)
                for value in (0.0, -1.5, 5e-324, 1.7976931348623157e308, 1e21, 1e-7, 123456.789)
            ],
        },
        {
            "kind": "gauge",
            "name": "bare",
            "help": "No labels.",
            "labels": [],
            "series": [_labelled(value=3.0)],
        },
        {
            "kind": "histogram",
            "name": "took_seconds",
            "help": "How long.",
            "labels": ["route"],
            "bounds": [1e-5, 0.1, 0.5, 1.0, 2.5, 10.0, 1e6],
            "series": [
                _labelled("/", observations=_observed(1, 200)),
                _labelled("/ä", observations=[*_observed(2, 10), 0.75], exemplar=TRACE),
            ],
        },
        {
            "kind": "histogram",
            "name": "drift",
            "help": "Either way.",
            "labels": [],
            "bounds": [0.0, 1.0],
            "series": [_labelled(observations=[0.0, 0.5, 1.0, 7.0])],
        },
        {
            "kind": "native",
            "name": "spread",
            "help": "Fine.",
            "labels": ["route"],
            "schema": 3,
            "series": [_labelled("/", observations=_observed(3, 500, 0.1))],
        },
        {
            "kind": "summary",
            "name": "size_bytes",
            "help": "How large.",
            "labels": ["kind"],
            "series": [
                _labelled("a", observations=_observed(4, 20, 1000)),
                _labelled("b", observations=[1.0]),
            ],
        },
        {
            "kind": "info",
            "name": "app_build",
            "help": "What runs.",
            "labels": ["version", "commit"],
            "series": [_labelled("1.2", "ab", value=1.0)],
        },
    ]


def record(told: dict[str, Any]) -> None:
    import shmetrics

    name, help_text, labels = told["name"], told["help"], told["labels"]
    for one in told["series"]:
        observations, exemplar = one.get("observations", []), one.get("exemplar")
        if told["kind"] == "info":
            shmetrics.Info(name, help_text).info(dict(zip(labels, one["values"])))
            continue
        of = METRICS.get(name) or METRICS.setdefault(name, _define(told, shmetrics))
        of = of.labels(*one["values"]) if labels else of
        if told["kind"] == "counter":
            of.inc(one["value"], exemplar)
        elif told["kind"] == "gauge":
            of.set(one["value"])
        for at, value in enumerate(observations):
            last = exemplar and at + 1 == len(observations)
            of.observe(value, exemplar) if last else of.observe(value)


METRICS: dict[str, Any] = {}


def _define(told: dict[str, Any], library: Any) -> Any:
    arguments = (told["name"], told["help"], told["labels"])
    if told["kind"] == "histogram":
        return library.Histogram(*arguments, buckets=told["bounds"])
    if told["kind"] == "native":
        return library.NativeHistogram(*arguments, schema=told["schema"])
    if told["kind"] == "gauge":
        return library.Gauge(*arguments, multiprocess_mode="livesum")
    return {"counter": library.Counter, "summary": library.Summary}[told["kind"]](*arguments)


if __name__ == "__main__":
    for family in json.loads(sys.stdin.readline()):
        record(family)
    print("ready", flush=True)
    sys.stdin.read()
