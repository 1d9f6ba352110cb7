# SPDX-License-Identifier: MIT
"""test_collector - which segments shmetrics-collector serves, and when

Attacks I4 (counters stay, gauges forget the dead by the next scrape), I6 (nothing twice) and I12
(whatever is served parses; every scrape here goes through the strict checker). What damaged files can
do to it is in test_collector_damage.py, what clients can in test_collector_clients.py.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
from collector import Collector, Writer, wait_until  # noqa: E402


# ---- segments come and go ----


def test_serves_a_segment_that_was_there_before_it(folder: Path) -> None:
    with Writer(folder, "app") as writer:
        writer.do("inc requests 5 path=/a")
        with Collector(folder) as collector:
            assert collector.value("requests_total", path="/a") == 5
            assert collector.value("shmetrics_segment_up", segment="app") == 1
            assert collector.value("shmetrics_segment_writers", segment="app", state="live") == 1


def test_serves_a_segment_that_appears_later_and_is_ready_only_then(folder: Path) -> None:
    with Collector(folder) as collector:
        assert collector.request("/-/ready").status == 503
        assert collector.request("/-/healthy").status == 200
        assert "shmetrics_build_info" in collector.request("/metrics").text
        with Writer(folder, "app") as writer:
            writer.do("inc requests 5")
            collector.wait_for_value(5, "requests_total")
            assert collector.request("/-/ready").status == 200


def test_sees_what_is_recorded_at_once(folder: Path) -> None:
    with Writer(folder, "app") as writer, Collector(folder) as collector:
        for count in range(1, 20):
            writer.do(f"inc series_{count} 1")
            writer.do("observe latency 1.5")
            writer.do(f"gauge level {count}")
            samples = collector.samples()
            assert samples[(f"series_{count}_total", frozenset())] == 1
            assert samples[("latency_count", frozenset())] == count
            assert samples[("latency_sum", frozenset())] == 1.5 * count
            assert samples[("level", frozenset())] == count


def test_waits_for_a_folder_that_does_not_exist_yet(folder: Path) -> None:
    deep = folder / "run" / "metrics"
    with Collector(deep) as collector:
        collector.wait_for_line("folder cannot be read")
        for _ in range(2):  # it may also vanish and come back
            deep.mkdir(parents=True)
            with Writer(deep, "app") as writer:
                writer.do("inc requests 5")
                collector.wait_for_value(5, "requests_total")
            shutil.rmtree(folder / "run")
            collector.wait_for_value(None, "shmetrics_segment_up", segment="app")


def test_serves_the_same_after_it_was_killed_and_started_again(folder: Path) -> None:
    with Writer(folder, "app") as writer:
        writer.do("inc requests 5")
        with Collector(folder) as collector:
            assert collector.value("requests_total") == 5
            collector.stop(signal.SIGKILL)
        writer.do("inc requests 2")
        with Collector(folder) as collector:
            assert collector.value("requests_total") == 7


def test_keeps_the_counters_and_forgets_the_gauges_of_a_killed_writer(folder: Path) -> None:
    with (
        Collector(folder) as collector,
        Writer(folder, "app") as stays,
        Writer(folder, "app") as dies,
    ):
        for writer in (stays, dies):
            writer.do("inc requests 5")
            writer.do("gauge busy 1")
        collector.wait_for_value(10, "requests_total")
        assert collector.value("busy") == 2
        dies.kill()
        samples = collector.samples()
        assert samples[("requests_total", frozenset())] == 10
        assert samples[("busy", frozenset())] == 1
        assert collector.value("shmetrics_segment_writers", segment="app", state="live") == 1
        assert collector.value("shmetrics_segment_writers", segment="app", state="dead") == 1
        with Writer(folder, "app") as heir:  # takes over the slot, and is one more that came
            heir.do("inc requests 1")
            assert collector.value("shmetrics_segment_writers_started_total", segment="app") == 3
            assert collector.value("shmetrics_segment_writers", segment="app", state="dead") == 0


def test_serves_a_segment_without_live_writers_as_long_as_the_file_is_there(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        writer.quit()
        collector.process.send_signal(signal.SIGHUP)
        collector.wait_for_line("msg=rescanning")
        assert collector.value("requests_total") == 5
        writer.path.unlink()
        collector.wait_for_value(None, "requests_total")
        assert collector.value("shmetrics_segment_up", segment="app") is None


@pytest.mark.races
def test_serves_a_deleted_segment_until_its_last_writer_is_gone(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        writer.path.unlink()
        collector.wait_for_line("still served for its live writers")
        writer.do("inc requests 2")
        writer.do("inc late 1")
        samples = collector.samples()
        assert samples[("requests_total", frozenset())] == 7
        assert samples[("late_total", frozenset())] == 1
        writer.kill()
        collector.wait_for_value(None, "requests_total")
        assert collector.value("shmetrics_segment_up", segment="app") is None
        assert len(collector.log_lines("segment dropped")) == 1


def test_adds_up_a_replaced_segment_that_is_still_held_and_its_successor(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as old:
        old.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        old.path.unlink()
        with Writer(folder, "app") as new:
            new.do("inc requests 10")
            collector.wait_for_value(15, "requests_total")
            assert collector.value("shmetrics_segment_files", segment="app") == 2
            assert collector.value("shmetrics_segment_writers", segment="app", state="live") == 2
            assert collector.value("shmetrics_segment_up", segment="app") == 1
            old.do("inc requests 1")
            assert collector.value("requests_total") == 16
            old.kill()
            collector.wait_for_value(10, "requests_total")
            assert collector.value("shmetrics_segment_files", segment="app") == 1


def test_follows_a_new_generation(folder: Path) -> None:
    with Collector(folder) as collector:
        for round_number in range(1, 6):
            with Writer(folder, "app") as writer:
                writer.do(f"inc requests {round_number}")
                collector.wait_for_value(round_number, "requests_total")
                writer.quit()


@pytest.mark.races
def test_no_scrape_misses_live_writers_while_files_are_replaced(folder: Path) -> None:
    """C4: a replaced file and its successor change places in one publication."""
    with Collector(folder) as collector, Writer(folder, "app") as first:
        first.do("inc requests 1")
        collector.wait_for_value(1, "requests_total")
        done = threading.Event()
        seen: List[float] = []

        def scrape() -> None:
            while not done.is_set():
                seen.append(collector.samples()[("requests_total", frozenset())])

        thread = threading.Thread(target=scrape)
        thread.start()
        writers: List[Writer] = []
        try:
            for count in range(2, 8):
                first.path.unlink()
                writers.append(Writer(folder, "app"))
                writers[-1].do("inc requests 1")
                collector.wait_for_value(count, "requests_total")
        finally:
            done.set()
            thread.join()
            for writer in writers:
                writer.kill()
        assert seen == sorted(seen)


@pytest.mark.races
def test_a_page_shows_one_catalog_while_others_take_its_place(folder: Path) -> None:
    """C1 to C3: who looks at a catalog has it until the look ends, however soon the next is published."""
    with Writer(folder, "app"), Collector(folder) as collector:

        def names() -> List[str]:
            listed = json.loads(collector.request("/api/v1/segments").text)["segments"]
            return [segment["name"] for segment in listed]

        def look() -> None:
            while not done.is_set():
                assert names() in (["app"], ["app", "passing"])
                for path in ("/", "/-/ready", "/health", "/api/v1/sd"):
                    assert collector.request(path).status == 200

        wait_until(lambda: names() == ["app"], "the segment is shown")
        done = threading.Event()
        with ThreadPoolExecutor(4) as pool:
            looks = [pool.submit(look) for _ in range(4)]
            try:
                for _ in range(30):
                    passing = folder / "passing.smx1"
                    passing.touch()
                    wait_until(lambda: "passing" in names(), "it is shown")
                    passing.unlink()
                    wait_until(lambda: "passing" not in names(), "it is shown no more")
            finally:
                done.set()
            for one in looks:
                one.result()


def test_serves_one_file_with_two_names_once(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        os.link(writer.path, folder / "twin.smx1")
        collector.wait_for_value(0, "shmetrics_segment_up", segment="twin")
        assert collector.value("requests_total") == 5
        assert collector.log_lines("the same file as")


def test_follows_a_renamed_file_and_serves_it_once(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        writer.path.rename(folder / "other.smx1")
        collector.wait_for_value(1, "shmetrics_segment_up", segment="other")
        assert collector.value("shmetrics_segment_up", segment="app") is None
        assert collector.value("requests_total") == 5


def test_serves_what_the_flags_name_and_nothing_else(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    with (
        Writer(folder, "app-1") as one,
        Writer(folder, "app-2") as two,
        Writer(folder, "db") as other,
    ):
        with Writer(elsewhere, "far") as far, Writer(elsewhere, "nearby") as nearby:
            for index, writer in enumerate((one, two, other, far, nearby)):
                writer.do(f"inc number_{index} 1")
            flags = [
                "--segment=app-*",
                f"--segment={elsewhere}/f[a-b]r",
                f"--segment={elsewhere}/absent.smx1",
            ]
            with Collector(folder, *flags) as collector:
                text = collector.request("/metrics").text
                found = [index for index in range(5) if f"\nnumber_{index}_total" in "\n" + text]
                assert found == [0, 1, 3]
            with Collector(
                Path("/nonexistent"), f"--segment.dir={folder}", "--segment", "db"
            ) as collector:
                assert collector.value("number_2_total") == 1
                assert collector.value("number_0_total") is None


def test_ignores_files_that_are_no_segments(folder: Path) -> None:
    for name in ("app.smx2", "app.smx1.old", ".hidden.smx1", "a b.smx1", ".smx1", "plain"):
        (folder / name).write_bytes(b"x" * 8192)
    with Collector(folder) as collector:
        assert "shmetrics_segment_up{" not in collector.request("/metrics").text
        assert collector.request("/-/ready").status == 503


def test_serves_a_bounded_number_of_segments(folder: Path) -> None:
    for number in range(300):
        (folder / f"junk-{number}.smx1").write_bytes(b"x")
    with Collector(folder) as collector:
        samples = collector.samples()
        assert sum(1 for name, _ in samples if name == "shmetrics_segment_up") == 256
        assert samples[("shmetrics_collector_segments_ignored", frozenset())] == 44
        assert len(collector.log_lines("too many segments")) == 1
        for number in range(300):
            (folder / f"junk-{number}.smx1").unlink()
        with Writer(folder, "app") as writer:
            writer.do("inc requests 5")
            collector.wait_for_value(5, "requests_total")
            collector.wait_for_value(0, "shmetrics_collector_segments_ignored")


# ---- its own metrics ----


def test_leaves_process_metrics_to_the_application(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "app") as writer:
        own = collector.value("process_cpu_seconds_total")
        assert own is not None and own < 1000
        writer.do("inc process_cpu_seconds 5000")
        collector.judge.forget()  # from here on the family is the application's
        collector.wait_for_value(5000, "process_cpu_seconds_total")
        assert collector.value("process_open_fds") is not None


def test_is_clean_for_promtool(folder: Path) -> None:
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    with Writer(folder, "app", "--counters", "3") as writer, Collector(folder) as collector:
        writer.do("inc requests 5 path=/a")
        writer.do("observe latency_seconds 1.5")
        writer.do("gauge busy 1")
        text = collector.request("/metrics").body
        result = subprocess.run(
            ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
        )
        assert result.returncode == 0, result.stderr


def test_shows_what_was_refused(folder: Path) -> None:
    with (
        Writer(folder, "app", "--series-max", "100", "--counters", "150") as writer,
        Collector(folder) as collector,
    ):
        writer.do("inc requests -1 path=/a")
        samples = collector.samples()

        def of_app(name: str, **labels: str) -> float:
            return samples[(name, frozenset({("segment", "app"), *labels.items()}))]

        assert of_app("shmetrics_segment_series_limit") == 100
        assert of_app("shmetrics_segment_dropped_total", reason="series_cap") >= 50
        assert of_app("shmetrics_segment_dropped_total", reason="negative") == 1
        parts = [
            of_app("shmetrics_segment_bytes", state=state)
            for state in ("used", "free", "unallocated")
        ]
        assert sum(parts) == 256 * 1024 * 1024
        assert parts[0] + parts[1] == writer.path.stat().st_size
        assert of_app("shmetrics_segment_damaged_records") == 0


def test_leaves_out_its_own_metrics_on_request(folder: Path) -> None:
    with (
        Writer(folder, "app") as writer,
        Collector(folder, "--web.disable-exporter-metrics") as collector,
    ):
        writer.do("inc requests 5")
        names = {name for name, _ in collector.samples()}
        assert not [name for name in names if name.startswith(("process_", "shmetrics_collector_"))]
        assert {"requests_total", "shmetrics_segment_up", "shmetrics_build_info"} <= names


def test_the_strict_checker_would_notice() -> None:
    """The scrapes above prove something only if the checker can fail."""
    with pytest.raises(expocheck.Violation):
        expocheck.parse("a 1\na 1\n")
