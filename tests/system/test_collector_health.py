# SPDX-License-Identifier: MIT
"""test_collector_health - /api/v1/health/ready answers for the applications, from their health checks"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Collector, Writer, wait_until  # noqa: E402

READY = "/api/v1/health/ready"
LONG = 3600  # a time to live that no test outlasts
SHORT = 0.2


def ask(collector: Collector) -> Tuple[int, Dict[str, Any]]:
    answer = collector.request(READY)
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status, json.loads(answer.body)


def statuses(collector: Collector) -> Dict[str, str]:
    return {check["name"]: check["status"] for check in ask(collector)[1]["checks"]}


def wait_for(collector: Collector, **wanted: str) -> None:
    """Until the checks of the catalog, by name, are as wanted: first the segment has to be found."""
    wait_until(lambda: statuses(collector) == wanted, f"the checks are {wanted}")


def test_without_a_segment_nothing_is_ready(folder: Path) -> None:
    with Collector(folder) as collector:
        assert ask(collector) == (503, {"status": "not ready", "checks": [], "segments": []})


@pytest.mark.races
def test_an_application_without_checks_is_ready_while_it_lives(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        wait_until(lambda: ask(collector)[0] == 200, "the segment is found")
        assert ask(collector)[1]["segments"] == [
            {"name": "app", "status": "up", "writers": 1, "detail": ""}
        ]
        writer.kill()
        status, body = ask(collector)
        assert status == 503
        assert body["segments"][0]["detail"] == "no live writer"


def test_one_dependency_down_is_named_with_its_reason(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        writer.do(f"report database {LONG} up")
        writer.do(f"report redis {LONG} down refused")
        wait_for(collector, database="up", redis="down")
        assert ask(collector)[0] == 503
        database, redis = sorted(ask(collector)[1]["checks"], key=lambda check: check["name"])
        assert (database["status"], redis["status"]) == ("up", "down")
        assert (redis["segment"], redis["detail"]) == ("app", "refused")
        assert (redis["ttl_seconds"], redis["duration_seconds"]) == (LONG, 0.25)
        assert 0 <= redis["age_seconds"] < LONG
        writer.do(f"report redis {LONG} up")
        assert ask(collector)[0] == 200


def test_an_outcome_past_its_time_to_live_is_stale_and_stale_is_down(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        writer.do(f"report database {SHORT} up")
        wait_for(collector, database="stale")
        assert ask(collector)[0] == 503
        collector.wait_for_value(0, "shmetrics_health_up", segment="app", check="database")
        writer.do(f"report database {LONG} up")
        assert ask(collector)[0] == 200


def test_a_check_that_has_not_run_yet_is_not_ready(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        writer.do(f"check database {LONG}")
        wait_for(collector, database="stale")
        (check,) = ask(collector)[1]["checks"]
        assert (check["age_seconds"], check["duration_seconds"]) == (None, None)
        assert ask(collector)[0] == 503


@pytest.mark.races
def test_all_segments_have_to_be_ready(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "one") as one, Writer(folder, "two") as two:
        one.do(f"report database {LONG} up")
        two.do(f"report database {LONG} down")
        wait_until(lambda: len(ask(collector)[1]["checks"]) == 2, "both segments are there")
        found = [(check["segment"], check["status"]) for check in ask(collector)[1]["checks"]]
        assert sorted(found) == [("one", "up"), ("two", "down")]
        assert ask(collector)[0] == 503
        two.do(f"report database {LONG} up")
        assert ask(collector)[0] == 200
        two.kill()
        assert ask(collector)[0] == 503


@pytest.mark.races
def test_tells_readiness_while_others_scrape(folder: Path) -> None:
    """G7 of collector/scrape.h: who renders leaves the report, who asks for it takes it meanwhile."""
    with Collector(folder) as collector, Writer(folder, "app", "--counters", "1000") as writer:
        writer.do(f"report database {LONG} up")
        wait_for(collector, database="up")
        done = threading.Event()

        def scrape() -> None:
            while not done.is_set():
                assert collector.request("/metrics?name[]=shmetrics_health_up").status == 200

        with ThreadPoolExecutor(4) as pool:
            scrapes = [pool.submit(scrape) for _ in range(4)]
            try:
                for status in ("down", "up") * 20:
                    writer.do(f"report database {LONG} {status}")
                    wait_for(collector, database=status)
            finally:
                done.set()
            for one in scrapes:
                one.result()


def test_a_check_that_only_an_earlier_version_had_does_not_count(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as old, Writer(folder, "app") as new:
        old.do(f"report database {LONG} up")
        old.do(f"report cache {LONG} down")
        new.do(f"report database {LONG} up")
        wait_for(collector, database="up", cache="down")
        assert ask(collector)[0] == 503
        old.kill()
        assert ask(collector)[0] == 200
        assert statuses(collector) == {"database": "up"}
        assert collector.value("shmetrics_health_up", segment="app", check="cache") is None


def test_when_nobody_is_left_that_has_a_check_they_all_count(folder: Path) -> None:
    """A supervisor that holds a slot does not speak for workers that are gone."""
    with Collector(folder) as collector, Writer(folder, "app"), Writer(folder, "app") as worker:
        worker.do(f"report database {SHORT} up")
        worker.kill()
        wait_for(collector, database="stale")
        assert ask(collector)[0] == 503


def test_metrics_tell_the_same(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        assert not [name for name, _ in collector.samples() if name.startswith("shmetrics_health")]
        writer.do(f"report database {LONG} up")
        writer.do(f"report redis {LONG} down")
        collector.wait_for_value(1, "shmetrics_health_up", segment="app", check="database")
        labels = {"segment": "app", "check": "redis"}
        assert collector.value("shmetrics_health_up", **labels) == 0
        assert collector.value("shmetrics_health_ttl_seconds", **labels) == LONG
        assert collector.value("shmetrics_health_check_duration_seconds", **labels) == 0.25
        age = collector.value("shmetrics_health_age_seconds", **labels)
        assert age is not None and 0 <= age < LONG


def test_the_probes_of_the_collector_itself_do_not_look_at_dependencies(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        writer.do(f"report database {LONG} down")
        wait_for(collector, database="down")
        for path in ("/-/ready", "/-/healthy", "/health", "/api/v1/health/live"):
            assert collector.request(path).status == 200, path
