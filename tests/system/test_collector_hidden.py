# SPDX-License-Identifier: MIT
"""test_collector_hidden - families that cannot be served: hidden alone, counted, named, said once

Attacks I6 (nothing is there twice) and I12, and that what is missing from the metrics can be found.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
from collector import Collector, Writer, wait_until  # noqa: E402

HIDDEN = "shmetrics_collector_families_hidden"


def listed(collector: Collector) -> List[Tuple[str, str, str]]:
    """Segment, family and reason of what /api/v1/segments names."""
    return [
        (segment["name"], family["family"], family["reason"])
        for segment in json.loads(collector.request("/api/v1/segments").body)["segments"]
        for family in segment.get("hidden", [])
    ]


def logged(collector: Collector) -> List[str]:
    lines = collector.log_lines('msg="family hidden"')
    return [
        re.sub(r".*segment=(\S+) .*family=(\S+) reason=(\S+)$", r"\1 \2 \3", line) for line in lines
    ]


def test_hides_only_the_family_that_speaks_for_the_collector(folder: Path) -> None:
    with (
        Collector(folder) as collector,
        Writer(folder, "liar") as liar,
        Writer(folder, "good") as good,
    ):
        good.do("inc requests 5")
        liar.do("gauge shmetrics_segment_up 7 segment=good")
        liar.do("inc other 5")
        collector.wait_for_value(5, "other_total")
        collector.wait_for_value(5, "requests_total")
        samples = collector.samples()
        for name in ("good", "liar"):
            assert samples[("shmetrics_segment_up", frozenset({("segment", name)}))] == 1
        assert samples[(HIDDEN, frozenset({("reason", "reserved")}))] == 1
        assert listed(collector) == [("liar", "shmetrics_segment_up", "reserved")]
        collector.wait_for_line("family=shmetrics_segment_up reason=reserved")
        single = collector.request("/segments/liar/metrics")
        assert {name for name, _ in expocheck.parse(single.body)} == {"other_total"}


@pytest.mark.parametrize(
    "command, own",
    [
        ("inc shmetrics_collector_scrapes 1", "shmetrics_collector_scrapes_total"),
        ("gauge shmetrics_collector_scrapes_total 1", "shmetrics_collector_scrapes_total"),
        ("observe shmetrics_segment_dropped 1", "shmetrics_segment_dropped_total"),
        ("gauge shmetrics_build_info 1", "shmetrics_build_info"),
    ],
)
def test_keeps_its_own_families_whatever_kind_of_them_there_is(
    folder: Path, command: str, own: str
) -> None:
    with Writer(folder, "app") as writer, Collector(folder) as collector:
        writer.do("inc requests 5")
        writer.do(command)
        collector.wait_for_value(5, "requests_total")
        assert own in {name for name, _ in collector.samples()}
        assert [family[2] for family in listed(collector)] == ["reserved"]


def test_names_what_is_hidden_once_for_each_change(folder: Path) -> None:
    with (
        Writer(folder, "a") as a,
        Writer(folder, "b") as b,
        Writer(folder, "b") as also_b,
        Collector(folder) as collector,
    ):
        a.do("inc thing 5")
        a.do("observe latency 1.5")
        b.do("gauge latency_count 9")
        for writer in (b, also_b):
            writer.do("gauge thing 3")
        collector.wait_for_value(6, "thing")
        expected = [("a", "thing", "definition"), ("b", "latency_count", "sample_name")]
        for _ in range(5):
            assert collector.samples() and listed(collector) == expected
        wait_until(lambda: len(logged(collector)) >= 2, "both are said")
        assert sorted(logged(collector)) == [" ".join(family) for family in expected]
        also_b.quit()
        b.quit()
        collector.judge.forget()  # the name changes its kind
        collector.wait_for_value(5, "thing_total")
        assert ("b", "thing", "definition") in listed(collector)
        assert ("a", "thing", "definition") not in listed(collector)
        collector.wait_for_line("segment=b .*family=thing reason=definition")


def test_names_what_one_segment_has_twice(folder: Path) -> None:
    with (
        Writer(folder, "app") as old,
        Writer(folder, "app") as new,
        Writer(folder, "app") as newer,
        Collector(folder) as collector,
    ):
        old.do("inc thing 5")
        for writer in (new, newer):
            writer.do("gauge thing 1")
        collector.wait_for_value(2, "thing")
        assert listed(collector) == [("app", "thing", "definition")]
        assert collector.value(HIDDEN, reason="definition") == 1
        old.quit()  # a rolling deployment has ended: nobody misses what is hidden
        collector.wait_for_value(0, HIDDEN, reason="definition")
        assert listed(collector) == []


def test_names_a_bounded_number_and_counts_all(folder: Path) -> None:
    with Writer(folder, "a") as a, Writer(folder, "b") as b, Collector(folder) as collector:
        for number in range(130):
            a.do(f"inc thing_{number} 1")
            b.do(f"gauge thing_{number}_total 1")
        collector.wait_for_value(130, HIDDEN, reason="sample_name")
        assert len(listed(collector)) == 100
        collector.wait_for_line('msg="more families hidden" .*families=110')
        assert len(logged(collector)) == 20


def test_names_what_is_hidden_where_each_segment_is_scraped_by_itself(folder: Path) -> None:
    with Writer(folder, "app") as writer, Collector(folder) as collector:
        writer.do("inc requests 5")
        writer.do("gauge shmetrics_segment_up 7")

        def is_served() -> bool:
            answer = collector.request("/segments/app/metrics")
            return answer.status == 200 and b"requests_total 5" in answer.body

        wait_until(is_served, "the segment is served")
        assert listed(collector) == [("app", "shmetrics_segment_up", "reserved")]
        collector.wait_for_line("family=shmetrics_segment_up reason=reserved")
