# SPDX-License-Identifier: MIT
"""A real Prometheus on native histograms: what it works out is true within the width of a bucket.

A million values, recorded by four processes of which two are killed, against the values themselves, which
the test draws once more from the same seeds (I1, I5).
"""

from __future__ import annotations

import bisect
import math
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Collector, segment_folder, wait_until  # noqa: E402
from prometheus import CLASSIC, NATIVE, Edition, Prometheus, parameters, scraping  # noqa: E402

PROCESSES, PHASES, EACH = 4, 2, 125_000
WIDTH = 2 ** (1 / 8)  # of a bucket of schema 3: its upper bound by its lower


def latencies(process: int, phase: int) -> list[float]:
    """Of the second phase they are ten times as long: a rate must show that one alone."""
    draw = random.Random(process * PHASES + phase).lognormvariate
    return [draw(math.log(0.02 * 10**phase), 0.7) for _ in range(EACH)]


def changes(process: int, phase: int) -> list[float]:
    draw = random.Random(1000 + process * PHASES + phase).gauss
    return [draw(1, 3) for _ in range(EACH // 10)]


# One that forks, as servers do. Each line of its input is a phase, which it answers; the last two
# of the processes end by SIGKILL as soon as they have recorded.
RECORD = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_prometheus_native import EACH, PHASES, PROCESSES, changes, latencies
from shmetrics import Counter, NativeHistogram

took = NativeHistogram("took_seconds", "Latencies.", ["route"], greatest=50.0)
change = NativeHistogram("change", "Signed.", least=0.01, negative=True, buckets=[-1, 0, 1])
work = Counter("work", "Values of took_seconds.")
for phase in range(PHASES):
    sys.stdin.readline()
    children = []
    for process in range(PROCESSES):
        child = os.fork()
        if child:
            children.append(child)
            continue
        series = took.labels("/items")
        for value in latencies(process, phase):
            series.observe(value)
        for value in changes(process, phase):
            change.observe(value)
        work.inc(EACH)
        if process == 0 and phase == 0:
            took.labels("/traced").observe(0.25, {"trace_id": "4bf92f3577b34da6"})
            change.observe(-2.5, {"trace_id": "00f067aa0ba902b7"})
        os.kill(os.getpid(), signal.SIGKILL) if process >= 2 else os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    print(phase, flush=True)
sys.stdin.read()
"""


class Recorder:
    """The process that records, phase by phase."""

    def __init__(self, process: Any) -> None:
        self.process = process

    def record(self, phase: int) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{phase}\n"


@pytest.fixture
def recorder() -> Iterator[tuple[Recorder, Path]]:
    with segment_folder() as path:
        environment = {**os.environ, "SHMETRICS_DIR": str(path), "SHMETRICS_SEGMENT": "native"}
        with subprocess.Popen(
            [sys.executable, "-c", RECORD, str(Path(__file__).parent)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield Recorder(process), path
            assert process.stdin
            process.stdin.close()


def rank_of(values: list[float], quantile: float) -> float:
    """The value of which this part of all is not greater."""
    return values[max(0, math.ceil(quantile * len(values)) - 1)]


def assert_quantiles(prometheus: Prometheus, histogram: str, values: list[float]) -> None:
    for quantile in (0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999):
        found = prometheus.value(f"histogram_quantile({quantile}, {histogram})")
        true = rank_of(values, quantile)
        assert found is not None and found * true > 0, f"{histogram}: {quantile}: {found}"
        assert 1 / WIDTH <= found / true <= WIDTH, f"{histogram}: {quantile}: {found} for {true}"


def assert_fractions(prometheus: Prometheus, histogram: str, values: list[float]) -> None:
    """Within what is in the bucket of the bound, of which it takes a part by its width."""
    for bound in (0.003, 0.01, 0.0234, 0.1, 0.5, 2.0):
        found = prometheus.value(f"histogram_fraction(0, {bound}, {histogram})")
        least = bisect.bisect_right(values, bound / WIDTH) / len(values)
        greatest = bisect.bisect_right(values, bound * WIDTH) / len(values)
        assert found is not None and least - 1e-9 <= found <= greatest + 1e-9, f"{bound}: {found}"


def stored(prometheus: Prometheus, query: str, expected: float) -> None:
    def is_stored() -> bool:
        return prometheus.value(query) == expected

    wait_until(is_stored, f"{query} is {expected}, not {prometheus.value(query)}")


@pytest.mark.parametrize("edition", parameters(*NATIVE))
def test_a_prometheus_works_out_what_is_true_of_a_million_values(
    recorder: tuple[Recorder, Path], tmp_path: Path, edition: Edition
) -> None:
    process, folder = recorder
    everything = [
        [value for process in range(PROCESSES) for value in latencies(process, phase)]
        for phase in range(PHASES)
    ]
    total = PROCESSES * EACH
    items = 'took_seconds{route="/items"}'
    process.record(0)
    with Collector(folder) as collector, scraping(collector, tmp_path, edition) as prometheus:
        stored(prometheus, f"histogram_count({items})", total)
        process.record(1)
        stored(prometheus, f"histogram_count({items})", 2 * total)

        values = sorted(everything[0] + everything[1])
        assert len(values) == 1_000_000
        assert_quantiles(prometheus, items, values)
        assert_fractions(prometheus, items, values)
        found_sum = prometheus.value(f"histogram_sum({items})")
        assert found_sum is not None and math.isclose(found_sum, math.fsum(values), rel_tol=1e-9)

        # All that a rate sees is the second phase: the first was over at the first scrape.
        assert_quantiles(prometheus, f"rate({items}[10m])", sorted(everything[1]))
        # Of both, the same: they are of the same scrapes, and of as many values. From three scrapes on: of
        # two, rate() takes a counter to have begun at zero just before, and not so a histogram.
        stored(prometheus, "work_total", 2 * total)
        stored(prometheus, "count_over_time(work_total[10m]) >= bool 3", 1)
        ratio = prometheus.value(
            f"sum(histogram_count(rate({items}[10m]))) / sum(rate(work_total[10m]))"
        )
        assert ratio is not None and math.isclose(ratio, 1, rel_tol=1e-6)

        signed = sorted(
            [v for p in range(PROCESSES) for phase in range(PHASES) for v in changes(p, phase)]
            + [-2.5]
        )
        stored(prometheus, "histogram_count(change)", len(signed))
        assert_quantiles(prometheus, "change", signed)
        assert prometheus.exemplars("took_seconds") == [("0.25", {"trace_id": "4bf92f3577b34da6"})]
        assert prometheus.exemplars("change") == [("-2.5", {"trace_id": "00f067aa0ba902b7"})]


@pytest.mark.parametrize("edition", parameters(*CLASSIC))
def test_a_prometheus_without_native_histograms_gets_the_classic_buckets(
    recorder: tuple[Recorder, Path], tmp_path: Path, edition: Edition
) -> None:
    process, folder = recorder
    process.record(0)
    signed = sorted([v for p in range(PROCESSES) for v in changes(p, 0)] + [-2.5])
    with Collector(folder) as collector, scraping(collector, tmp_path, edition) as prometheus:
        stored(prometheus, 'change_bucket{le="+Inf"}', len(signed))
        for bound in (-1.0, 0.0, 1.0):
            stored(prometheus, f'change_bucket{{le="{bound}"}}', bisect.bisect_right(signed, bound))
        stored(prometheus, 'took_seconds_count{route="/items"}', PROCESSES * EACH)
        assert prometheus.exemplars("took_seconds_bucket") == [
            ("0.25", {"trace_id": "4bf92f3577b34da6"})
        ]
