# SPDX-License-Identifier: MIT
"""test_collector_segments - several segments: as one, each by itself, labelled, discovered

Attacks I6 across segments (nothing is served twice, whichever way it is asked for) and I12.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
import independent  # noqa: E402
from collector import Collector, Writer, segment_folder, wait_until  # noqa: E402
from prometheus import Prometheus, free_port  # noqa: E402

OWN = "/collector/metrics"


@pytest.fixture(scope="module")
def served() -> Iterator[Collector]:
    """A collector without a segment, for tests that leave it as they found it."""
    with segment_folder() as path, Collector(path) as collector:
        yield collector


def path_of(segment: str) -> str:
    return f"/segments/{segment}/metrics"


def families_of(samples: expocheck.Samples) -> Dict[str, None]:
    return dict.fromkeys(name for name, _ in samples)


def is_own(name: str) -> bool:
    return name.startswith(("shmetrics_", "process_"))


# ---- each by itself ----


def test_serves_each_segment_by_itself_and_the_collectors_own_metrics_once(folder: Path) -> None:
    with Writer(folder, "a") as a, Writer(folder, "b") as b, Collector(folder) as collector:
        a.do("inc requests 5 path=/x")
        b.do("inc requests 7 path=/x")
        b.do("gauge busy 1")
        merged = collector.samples()
        key = ("requests_total", frozenset({("path", "/x")}))
        assert merged[key] == 12
        first, second = collector.samples(path_of("a")), collector.samples(path_of("b"))
        assert (first[key], second[key]) == (5, 7)
        assert not any(is_own(name) for name in families_of(first) | families_of(second))
        assert second.keys() == {key, ("busy", frozenset())}
        own = collector.samples(OWN)
        assert own and all(is_own(name) for name in families_of(own))
        assert families_of(merged) == {**families_of(first), **families_of(second), **families_of(own)}
        assert ("shmetrics_segment_up", frozenset({("segment", "b")})) in own


def test_filters_and_formats_one_segment_as_it_does_all(folder: Path) -> None:
    with Writer(folder, "a", "--counters", "100") as a, Collector(folder) as collector:
        a.do("gauge busy 1")
        collector.wait_for_value(1, "busy")
        named = collector.request(path_of("a") + "?name[]=busy")
        assert expocheck.parse(named.body) == {("busy", frozenset()): 1}
        assert collector.request(path_of("a") + "?name[]=absent").body == b""
        packed = collector.request(path_of("a"), headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        expocheck.parse(packed.content)
        head = collector.request(path_of("a"), "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert collector.request(path_of("a"), "OPTIONS").status == 204
        assert collector.request(path_of("a"), "POST").status == 405


@pytest.mark.parametrize(
    "path",
    [
        path_of("absent"),
        "/segments//metrics",
        "/segments/metrics",
        "/segments/a",
        "/segments/a/",
        "/segments/a/metrics/",
        "/segments/a/b/metrics",
        "/segments/../metrics",
        "/segments/.a/metrics",
        "/segments/a%2Fb/metrics",
        "/segments/a%20/metrics",
        path_of("a" * 129),
        "/segments/%C3%A4/metrics",
        "/collector",
        "/collector/metrics/",
    ],
)
def test_has_no_path_for_what_is_no_segment(folder: Path, path: str) -> None:
    with Writer(folder, "a"), Collector(folder) as collector:
        wait_until(lambda: collector.request(path_of("a")).status == 200, "a is served")
        assert collector.request(path).status == 404


@pytest.mark.races
def test_a_segment_that_cannot_be_read_is_down_by_itself_alone(folder: Path) -> None:
    (folder / "bad.smx1").write_bytes(b"x")
    with Writer(folder, "good") as good, Collector(folder) as collector:
        good.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        assert collector.request(path_of("bad")).status == 503
        assert collector.request(path_of("good")).status == 200
        (folder / "bad.smx1").unlink()
        wait_until(lambda: collector.request(path_of("bad")).status == 404, "it is forgotten")


@pytest.mark.races
def test_follows_a_segment_from_one_generation_to_the_next(folder: Path) -> None:
    with Collector(folder) as collector:
        for count in range(1, 6):
            with Writer(folder, "a") as a:
                a.do(f"inc requests {count}")
                wait_until(
                    lambda: (
                        (answer := collector.request(path_of("a"))).status == 200
                        and expocheck.parse(answer.body).get(("requests_total", frozenset()))
                        == count
                    ),
                    "the new file is served",
                )
                a.quit()
            (folder / "a.smx1").unlink()
            wait_until(lambda: collector.request(path_of("a")).status == 404, "the old one goes")


def test_decides_between_segments_before_anything_is_written(folder: Path) -> None:
    """One name as a counter and a gauge, and two names that would share a sample."""
    with (
        Writer(folder, "a") as a,
        Writer(folder, "b") as b,
        Writer(folder, "b") as also_b,
        Collector(folder) as collector,
    ):
        a.do("inc thing 5")
        for writer in (b, also_b):
            writer.do("gauge thing 3")
        a.do("observe latency 1.5")
        b.do("gauge latency_count 9")
        merged = collector.samples()
        assert merged[("thing", frozenset())] == 6  # more live processes have it so
        assert ("thing_total", frozenset()) not in merged
        assert merged[("latency_count", frozenset())] == 1  # it was there first
        hidden = "shmetrics_collector_families_hidden"
        assert merged[(hidden, frozenset({("reason", "definition")}))] == 1
        assert merged[(hidden, frozenset({("reason", "sample_name")}))] == 1
        assert merged[(hidden, frozenset({("reason", "unfit")}))] == 0
        # By itself each has all of its own.
        assert collector.samples(path_of("a"))[("thing_total", frozenset())] == 5
        assert collector.samples(path_of("b"))[("latency_count", frozenset())] == 9


# ---- a label for each ----


def labelled(samples: expocheck.Samples, name: str) -> Dict[Any, float]:
    return {labels: value for (found, labels), value in samples.items() if found == name}


def test_labels_every_series_if_told_to(folder: Path) -> None:
    with (
        Writer(folder, "a") as a,
        Writer(folder, "b") as b,
        Collector(folder, "--segment.label") as collector,
    ):
        for writer, amount in ((a, 5), (b, 7)):
            writer.do(f"inc requests {amount} path=/x")
            writer.do(f"inc plain {amount}")
            writer.do("observe latency 1.5")
            writer.do("gauge busy 1")
        samples = collector.samples()
        assert labelled(samples, "requests_total") == {
            frozenset({("path", "/x"), ("segment", "a")}): 5,
            frozenset({("path", "/x"), ("segment", "b")}): 7,
        }
        assert labelled(samples, "plain_total") == {
            frozenset({("segment", "a")}): 5,
            frozenset({("segment", "b")}): 7,
        }
        assert {value for value in labelled(samples, "latency_count").values()} == {1}
        assert len(labelled(samples, "latency_bucket")) == 8
        single = collector.samples(path_of("a"))
        assert single.items() <= samples.items()
        assert all(("segment", "a") in labels for _, labels in single)


def test_renames_and_counts_a_label_of_that_name(folder: Path) -> None:
    with Writer(folder, "a") as a, Collector(folder, "--segment.label") as collector:
        a.do("inc routed 5 segment=eu")
        a.do("inc twice 6 segment=eu exported_segment=us")
        a.do("inc plain 7 segments=eu")
        samples = collector.samples()
        assert labelled(samples, "routed_total") == {
            frozenset({("exported_segment", "eu"), ("segment", "a")}): 5
        }
        assert labelled(samples, "twice_total") == {
            frozenset(
                {
                    ("exported_exported_segment", "eu"),
                    ("exported_segment", "us"),
                    ("segment", "a"),
                }
            ): 6
        }
        assert labelled(samples, "plain_total") == {
            frozenset({("segments", "eu"), ("segment", "a")}): 7
        }
        assert samples[("shmetrics_segment_renamed_labels", frozenset({("segment", "a")}))] == 2


@pytest.mark.races
def test_a_second_segment_changes_no_name(folder: Path) -> None:
    with Writer(folder, "a") as a, Collector(folder) as collector:
        a.do("inc requests 5")
        before = {key for key in collector.samples() if not is_own(key[0])}
        with Writer(folder, "b") as b:
            b.do("inc requests 1")
            collector.wait_for_value(6, "requests_total")
            assert {key for key in collector.samples() if not is_own(key[0])} == before


# ---- discovery ----


def targets_of(collector: Collector) -> List[Dict[str, Any]]:
    answer = collector.request("/api/v1/sd")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    found: List[Dict[str, Any]] = json.loads(answer.body)
    return found


def test_tells_a_prometheus_where_each_segment_is(folder: Path) -> None:
    (folder / "bad.smx1").write_bytes(b"x")
    with Writer(folder, "a"), Writer(folder, "b"), Collector(folder) as collector:
        collector.wait_for_value(0, "shmetrics_segment_up", segment="bad")
        here = [f"127.0.0.1:{collector.port}"]
        assert targets_of(collector) == [
            {"targets": here, "labels": {"__metrics_path__": OWN}},
            *(
                {"targets": here, "labels": {"__metrics_path__": path_of(name), "segment": name}}
                for name in ("a", "b", "bad")
            ),
        ]
    with Writer(folder, "a"), Collector(folder, "--segment=a", "--segment.label") as collector:
        wait_until(lambda: len(targets_of(collector)) == 2, "a is found")
        assert targets_of(collector)[1]["labels"] == {"__metrics_path__": path_of("a")}


NO_HOSTS = (
    ["", 'x"y', "x y", "<x>", "x/y", "a@b", "a,b", "a%20b", "a~b"]
    + [":", ":80", "a:", "a:b", "a:0", "a:65536", "a:-1", "a:1:2", "a:080808"]
    + ["::1", "[::1", "::1]", "[]", "[]:80", "[::1]x", "[::1]:", "[a.b]", "[1.2.3.4]", "[::1%25lo]"]
    + ["-", ".", "a..b", ".a", "-a", "a-", "a.-b", "a" * 64, ".".join(["a" * 50] * 6)]
)


@pytest.mark.parametrize("host", NO_HOSTS)
def test_believes_only_a_host_for_a_target(served: Collector, host: str) -> None:
    answer = served.exchange(
        f"GET /api/v1/sd HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "host",
    ["metrics.example:9798", "metrics", "metrics.", "a-b.c_d:1", "127.0.0.1", "127.0.0.1:65535"]
    + ["[::1]", "[::1]:9798", "[::ffff:1.2.3.4]:80", "a" * 63, "1", "xn--mnchen-3ya.example"],
)
def test_names_the_target_by_which_it_was_reached(served: Collector, host: str) -> None:
    answer = served.request("/api/v1/sd", headers={"Host": host})
    assert json.loads(answer.body)[0]["targets"] == [host]


CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
  - job_name: segments
    http_sd_configs: [{{url: "http://127.0.0.1:{port}/api/v1/sd", refresh_interval: 1s}}]
"""


@pytest.fixture
def collector(folder: Path) -> Iterator[Collector]:
    with Collector(folder) as running:
        yield running


@pytest.fixture
def prometheus(collector: Collector, tmp_path: Path) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("there is no prometheus; on Debian: apt-get install prometheus")
    port = free_port()
    (tmp_path / "prometheus.yml").write_text(CONFIGURATION.format(port=collector.port))
    with subprocess.Popen(
        [
            program,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
    ) as process:
        try:
            yield Prometheus(port)
        finally:
            process.terminate()


def test_a_prometheus_discovers_and_scrapes_each_segment(
    folder: Path, collector: Collector, prometheus: Prometheus
) -> None:
    with Writer(folder, "a") as a, Writer(folder, "b") as b:
        a.do("inc requests 5")
        b.do("inc requests 7")
        for name, count in (("a", 5), ("b", 7)):
            wait_until(
                lambda: prometheus.value(f'requests_total{{segment="{name}"}}') == count,
                f"{name} is discovered and scraped",
            )
        wait_until(lambda: prometheus.value("sum(up)") == 3, "the collector is a target too")
        assert prometheus.value("count(requests_total)") == 2
        wait_until(
            lambda: prometheus.value("count(shmetrics_build_info)") == 1,
            "the collector's own metrics are there, once",
        )
        metadata = {entry["metric"] for entry in prometheus.ask("targets/metadata")}
        assert {"requests", "shmetrics_segment_up"} <= metadata
        with Writer(folder, "late") as late:
            late.do("inc requests 1")
            wait_until(
                lambda: prometheus.value('requests_total{segment="late"}') == 1,
                "a segment that comes later is found",
            )


def test_lists_every_path_on_the_landing_page(folder: Path) -> None:
    with Writer(folder, "a"), Collector(folder) as collector:
        wait_until(lambda: collector.request(path_of("a")).status == 200, "a is served")
        page = collector.request("/").text
        for path in ("/metrics", OWN, "/api/v1/sd", path_of("a"), "/api/v1/segments"):
            assert f'href="{path}"' in page
        (segment,) = json.loads(collector.request("/api/v1/segments").body)["segments"]
        assert segment["metrics"] == path_of("a")


def test_keeps_the_telemetry_path_out_of_the_others(folder: Path) -> None:
    for path in ("/segments/x", "/segments/a/metrics", OWN, "/api/v1/sd"):
        with pytest.raises(AssertionError, match="ended with 2"):
            Collector(folder, f"--web.telemetry-path={path}")


def test_serves_openmetrics_of_one_segment_that_another_parser_takes(folder: Path) -> None:
    with Writer(folder, "a") as a, Collector(folder, "--segment.label") as collector:
        a.do("observe latency 1.5 segment=eu")
        collector.wait_for_value(1, "latency_count", segment="a", exported_segment="eu")
        independent.judge(collector.request(path_of("a"), headers=independent.ACCEPT).body)
