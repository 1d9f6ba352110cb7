# SPDX-License-Identifier: MIT
"""What OpenMetrics has and the text format has not: units, exemplars, times of creation, kinds."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any, Iterator

import prometheus_client.openmetrics.parser
import pytest
from conftest import Run

import shmetrics
from shmetrics.openmetrics.exposition import generate_latest
from shmetrics.openmetrics.parser import text_string_to_metric_families


@pytest.fixture
def created() -> Iterator[None]:
    shmetrics.enable_created_metrics()
    yield
    shmetrics.disable_created_metrics()


def fill(library: ModuleType) -> Any:
    registry = library.CollectorRegistry(target_info={"env": "test"})
    jobs = library.Counter("jobs", 'Jobs "done".', ["a"], registry=registry)
    jobs.labels('x"\\\ny').inc(2, {"trace_id": "ab"})
    library.Gauge("size_bytes", "", unit="bytes", registry=registry).set(1.5)
    times = library.Histogram("t_seconds", "", unit="seconds", registry=registry, buckets=[1, 2])
    times.observe(0.5, {"trace_id": "c d"})
    times.observe(5)
    library.Summary("s", "S.", registry=registry).observe(3)
    library.Info("build", "", ["l"], registry=registry).labels("1").info({"version": "1.0"})
    library.Enum("state", "", states=["on", "off"], registry=registry).state("off")
    return registry


def as_data(families: Any) -> Any:
    """Without times, which differ, and in no order."""
    return sorted(
        (
            family.name,
            family.documentation,
            family.type,
            family.unit,
            sorted(
                (
                    sample.name,
                    sorted(sample.labels.items()),
                    float(sample.value) if not sample.name.endswith("_created") else None,
                    sample.exemplar and (sample.exemplar.labels, sample.exemplar.value),
                )
                for sample in family.samples
            ),
        )
        for family in families
    )


def test_collecting_gives_all_that_theirs_gives(created: None) -> None:
    assert as_data(fill(shmetrics).collect()) == as_data(fill(prometheus_client).collect())


def test_their_parser_reads_it_and_finds_the_same(created: None) -> None:
    registry = fill(shmetrics)
    text = generate_latest(registry).decode()
    theirs = prometheus_client.openmetrics.parser.text_string_to_metric_families(text)
    assert as_data(theirs) == as_data(registry.collect())


def test_an_exemplar_may_hold_anything(registry: Any) -> None:
    """Their parser stumbles over a quotation mark here, in what theirs wrote, too."""
    labels = {"trace_id": 'a"b\\\n# {c="d"} 1'}
    shmetrics.Counter("jobs", "", registry=registry).inc(2, labels)
    (family,) = registry.collect()
    exemplar = family.samples[0].exemplar
    assert (exemplar.labels, exemplar.value) == (labels, 2)
    assert time.time() - 60 < exemplar.timestamp < time.time() + 1


def test_ours_reads_what_theirs_writes() -> None:
    registry = fill(prometheus_client)
    text = prometheus_client.openmetrics.exposition.generate_latest(registry).decode()
    assert as_data(text_string_to_metric_families(text)) == as_data(registry.collect())


def test_created_times_are_not_exported_unless_asked_for(registry: Any) -> None:
    before = time.time()
    shmetrics.Counter("jobs", "Jobs.", registry=registry)
    assert registry.get_sample_value("jobs_created") is None
    assert b"created" not in shmetrics.generate_latest(registry) + generate_latest(registry)
    shmetrics.enable_created_metrics()
    try:
        # The kernel's coarse clock may be behind by a tick.
        assert before - 1 < registry.get_sample_value("jobs_created") < time.time() + 1
        text = shmetrics.generate_latest(registry)
        assert b"# HELP jobs_created Jobs.\n# TYPE jobs_created gauge\njobs_created 1" in text
        assert b"\njobs_created 1" in generate_latest(registry)
    finally:
        shmetrics.disable_created_metrics()
    assert registry.get_sample_value("jobs_created") is None


@pytest.mark.parametrize(
    "setting, exported", [("", False), ("true", False), ("1", False), ("false", True), ("0", True)]
)
def test_the_environment_may_ask(
    setting: str, exported: bool, run: Run, environment: dict[str, str]
) -> None:
    run(
        f"""
        from shmetrics import Counter, generate_latest
        Counter("jobs", "")
        assert (b"jobs_created" in generate_latest()) is {exported}
        """,
        env={**environment, "PROMETHEUS_DISABLE_CREATED_SERIES": setting},
    )


def test_a_restricted_registry_has_its_samples_with_their_comments() -> None:
    registry = fill(shmetrics).restricted_registry(["t_seconds_count", "size_bytes", "target_info"])
    lines = generate_latest(registry).decode().splitlines()
    assert lines[-1] == "# EOF" and lines.count("# EOF") == 1
    assert sorted(line for line in lines if line[0] != "#") == [
        "size_bytes 1.5",
        "t_seconds_count 2.0",
        'target_info{env="test"} 1.0',
    ]
    units = [line for line in lines if line.startswith("# UNIT")]
    assert sorted(units) == ["# UNIT size_bytes bytes", "# UNIT t_seconds seconds"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a 1\n",
        "a 1\n# EOF",
        "# EOF\na 1\n",
        "# EOF\n\n",
        "\n# EOF\n",
        "a\n# EOF\n",
        "a  1\n# EOF\n",
        "a 1 #\n# EOF\n",
        "a_total 1 # {a=1} 1\n# EOF\n",
        'a_total 1 # {a="1"}\n# EOF\n',
        "# TYPE a curve\na 1\n# EOF\n",
        "a one\n# EOF\n",
        'a{a="1\n# EOF\n',
    ],
)
def test_the_parser_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        list(text_string_to_metric_families(text))
