#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""verify - compares what traffic.py was answered with what was counted, exactly.

    verify.py --report report.json --metrics http://127.0.0.1:9798/metrics [--prometheus http://127.0.0.1:9090]

The same questions are put to the text of /metrics and, as PromQL, to a Prometheus that scrapes it, which is
given half a minute to catch up. Exit status 0 if every figure is right; otherwise what is wrong is said.
"""

import argparse
import json
import math
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shmetrics.catalog import FAMILIES

TOLERANCE = 1e-9  # of the sum of durations, relative: additions of doubles in another order
CATCH_UP_SECONDS = 30.0
ENOUGH_REQUESTS = 500  # for every family to have moved

Labels = dict[str, str]
Sample = tuple[str, Labels, float]
Key = tuple[str, str, str]

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass
class Figures:
    """What one source says."""

    requests: float
    observations: float
    duration_sum: float
    in_progress: float
    by_key: Counter[Key]


def fetch(url: str) -> str:
    """The text at a URL."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def parse(text: str) -> list[Sample]:
    """The samples of an exposition in text 0.0.4."""
    samples = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            found = _SAMPLE.fullmatch(line)
            if found is None:
                raise ValueError(f"not a sample: {line!r}")
            labels = {name: value for name, value in _LABEL.findall(found[2] or "")}
            samples.append((found[1], labels, float(found[3])))
    return samples


def unmoved(samples: list[Sample]) -> list[str]:
    """The families of the catalogue that are missing, or still as they began."""
    wrong = []
    for family in FAMILIES:
        name = family.name + ("_count" if family.kind == "histogram" else "")
        values = [value for sample, _, value in samples if sample == name]
        if not values:
            wrong.append(f"{family.name}: there is none")
        elif family.kind != "gauge" and not any(values):
            wrong.append(f"{family.name}: has not moved")
    return wrong


def total(samples: list[Sample], name: str) -> float:
    """sum(name)"""
    return math.fsum(value for sample, _, value in samples if sample == name)


def key_of(labels: Labels) -> Key:
    """The labels that tell kinds of answers apart."""
    return labels.get("method", ""), labels.get("endpoint", ""), labels.get("status_code", "")


def from_metrics(url: str) -> Figures:
    """The figures in a scrape."""
    samples = parse(fetch(url))
    by_key: Counter[Key] = Counter()
    for name, labels, value in samples:
        if name == "http_requests_total":
            by_key[key_of(labels)] += int(value)
    return Figures(
        total(samples, "http_requests_total"),
        total(samples, "http_request_duration_seconds_count"),
        total(samples, "http_request_duration_seconds_sum"),
        total(samples, "http_requests_in_progress"),
        by_key,
    )


def from_prometheus(url: str) -> Figures:
    """The same figures by PromQL; NaN where there is no answer yet."""

    def query(promql: str) -> list[dict[str, Any]]:
        answer = json.loads(fetch(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"))
        return list(answer["data"]["result"])

    def number(promql: str) -> float:
        result = query(promql)
        return float(result[0]["value"][1]) if result else math.nan

    by_key = query("sum by (method, endpoint, status_code) (http_requests_total)")
    return Figures(
        number("sum(http_requests_total)"),
        number("sum(http_request_duration_seconds_count)"),
        number("sum(http_request_duration_seconds_sum)"),
        number("sum(http_requests_in_progress)"),
        Counter({key_of(row["metric"]): int(float(row["value"][1])) for row in by_key}),
    )


def differences(expected: Figures, seen: Figures) -> list[str]:
    """What is wrong, a line each."""
    wrong = [
        f"{name}: {given:.0f}, not {wanted:.0f}"
        for name, given, wanted in (
            ("sum(http_requests_total)", seen.requests, expected.requests),
            ("the histogram's count", seen.observations, expected.observations),
            ("in progress", seen.in_progress, expected.in_progress),
        )
        if given != wanted
    ]
    if not math.isclose(seen.duration_sum, expected.duration_sum, rel_tol=TOLERANCE):
        wrong.append(f"the histogram's sum: {seen.duration_sum!r}, not {expected.duration_sum!r}")
    for key in sorted(expected.by_key | seen.by_key):
        if expected.by_key[key] != seen.by_key[key]:
            wrong.append(f"{' '.join(key)}: {seen.by_key[key]}, not {expected.by_key[key]}")
    return wrong


def settle(read: Callable[[str], Figures], url: str, expected: Figures) -> tuple[Figures, list[str]]:
    """Reads until the figures are as expected, or the time to catch up is over."""
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while True:
        seen = read(url)
        wrong = differences(expected, seen)
        if not wrong or time.monotonic() > deadline:
            return seen, wrong
        time.sleep(0.2)


def expected_from(report: dict[str, Any]) -> Figures:
    """What must be counted after a report's requests."""
    by_key: Counter[Key] = Counter()
    for answer in report["answers"]:
        by_key[key_of(answer)] += answer["count"]
    return Figures(report["answered"], report["durations"], report["duration_sum"], 0, by_key)


def show(columns: dict[str, Figures]) -> None:
    """The figures side by side."""
    rows: list[tuple[str, Callable[[Figures], str]]] = [
        ("requests", lambda f: f"{f.requests:.0f}"),
        ("observed durations", lambda f: f"{f.observations:.0f}"),
        ("their sum, seconds", lambda f: f"{f.duration_sum:.9f}"),
        ("in progress", lambda f: f"{f.in_progress:.0f}"),
        ("kinds of answers", lambda f: f"{len(f.by_key)}"),
    ]
    print(" " * 26 + "".join(f"{name:>16}" for name in columns))
    for title, form in rows:
        print(f"    {title:22}" + "".join(f"{form(figures):>16}" for figures in columns.values()))


def writers(samples: list[Sample]) -> float:
    """How many live processes the segments have."""
    return math.fsum(
        value
        for name, labels, value in samples
        if name == "shmetrics_segment_writers" and labels.get("state") == "live"
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--metrics", required=True, help="the collector's /metrics")
    parser.add_argument("--report", help="what traffic.py printed")
    parser.add_argument("--prometheus", help="ask this Prometheus too, such as http://127.0.0.1:9090")
    parser.add_argument("--await-writers", type=int, metavar="N", help="only: are N processes attached?")
    options = parser.parse_args()
    try:
        if options.await_writers:
            return 0 if writers(parse(fetch(options.metrics))) >= options.await_writers else 1
        if not options.report:
            parser.error("--report is missing")
        with open(options.report, encoding="utf-8") as file:
            report = json.load(file)
        return verify(report, options.metrics, options.prometheus)
    except (urllib.error.URLError, ValueError) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 1


def verify(report: dict[str, Any], metrics: str, prometheus: str | None) -> int:
    """Compares, prints, and returns the exit status."""
    expected = expected_from(report)
    columns = {"answered": expected}
    columns["/metrics"], wrong = settle(from_metrics, metrics, expected)
    if moves := report["sent"] >= ENOUGH_REQUESTS:
        wrong += unmoved(parse(fetch(metrics)))
    wrong = [f"/metrics: {line}" for line in wrong]
    if report["durations"] != report["answered"]:
        wrong.append(f"{report['answered'] - report['durations']} answers without the recorded duration")
    if prometheus:
        columns["Prometheus"], more = settle(from_prometheus, prometheus, expected)
        wrong += [f"Prometheus: {line}" for line in more]
    show(columns)
    if moves and not wrong:
        print(f"    all {len(FAMILIES)} families of the catalogue are there, and have moved")
    for line in wrong:
        print(f"verify: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
