# SPDX-License-Identifier: MIT
"""test_collector_folders - one name or one file found twice: served once, and the other is explained

Attacks I6: two files with one name would be added up, and one file that is found twice counted twice.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Dict, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Collector, Writer, segment_folder  # noqa: E402


@pytest.fixture
def other() -> Iterator[Path]:
    with segment_folder() as path:
        yield path


def reasons(collector: Collector) -> Dict[str, str]:
    """By path: why a file is not served, or nothing."""
    segments = json.loads(collector.request("/api/v1/segments").body)["segments"]
    return {segment["path"]: segment.get("reason", "") for segment in segments}


def test_patterns_that_lead_to_one_folder_find_each_segment_once(
    folder: Path, other: Path
) -> None:
    link = other / "link"
    link.symlink_to(folder)
    relative = os.path.relpath(folder)
    with (
        Writer(folder, "app") as writer,
        Writer(folder, "beside"),
        Collector(
            folder, f"--segment={relative}/app", f"--segment={folder}/*", f"--segment={link}/a*"
        ) as collector,
    ):
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        for name in ("app", "beside"):
            collector.wait_for_value(1, "shmetrics_segment_up", segment=name)
            assert collector.value("shmetrics_segment_files", segment=name) == 1
        assert reasons(collector) == {f"{relative}/app.smx1": "", f"{relative}/beside.smx1": ""}
        assert not collector.log_lines("level=warn")


@pytest.mark.parametrize("flags", [(), ("--segment.label",)])
def test_serves_a_name_once_and_says_who_has_it(
    folder: Path, other: Path, flags: tuple[str, ...]
) -> None:
    with (
        Writer(folder, "app") as first,
        Writer(other, "app") as second,
        Collector(folder, f"--segment={folder}/*", f"--segment={other}/*", *flags) as collector,
    ):
        labels = {"segment": "app"} if flags else {}
        second.do("inc requests 7")
        second.do("check database 60")
        second.do("report database 60 up")
        first.do("inc requests 5")
        collector.wait_for_value(5, "requests_total", **labels)
        assert reasons(collector) == {
            f"{folder}/app.smx1": "",
            f"{other}/app.smx1": f"another segment has this name: {folder}/app.smx1",
        }
        assert collector.value("shmetrics_segment_up", segment="app") == 0
        assert collector.value("shmetrics_segment_files", segment="app") == 1
        collector.wait_for_line("another segment has this name")
        assert collector.request("/api/v1/health/ready").status == 503
        assert collector.value("shmetrics_health_up", segment="app", check="database") is None
        # The name is free again: the other one has it.
        first.quit()
        Path(first.path).unlink()
        collector.judge.forget()
        collector.wait_for_value(7, "requests_total", **labels)
        collector.wait_for_value(1, "shmetrics_segment_up", segment="app")
        assert reasons(collector) == {f"{other}/app.smx1": ""}


def test_the_checks_of_the_one_that_is_served_are_there(folder: Path, other: Path) -> None:
    """Wherever the other one stands in the order of paths."""
    paths = sorted([folder, other], reverse=True)
    with (
        Writer(paths[0], "app") as served,
        Writer(paths[1], "app"),
        Collector(folder, *(f"--segment={path}/*" for path in paths)) as collector,
    ):
        served.do("check database 60")
        served.do("report database 60 up")
        collector.wait_for_value(1, "shmetrics_health_up", segment="app", check="database")
        report = json.loads(collector.request("/api/v1/health/ready").body)
        assert [check["name"] for check in report["checks"]] == ["database"]
        assert sorted(segment["status"] for segment in report["segments"]) == ["down", "up"]
