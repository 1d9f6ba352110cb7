# SPDX-License-Identifier: MIT
"""test_collector_damage - no file that looks like a segment hurts shmetrics-collector

Attacks I8 (no bytes in a segment make a reader crash, hang or allocate without bound): a file that
cannot be served is shmetrics_segment_up 0 and one line in the log, and all others are still served.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from pathlib import Path
from typing import Callable, Dict, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Collector, Writer, wait_until  # noqa: E402


def truncate(size: int) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, size)


def overwrite(offset: int, size: int) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(random.Random(offset).randbytes(size or path.stat().st_size - offset))

    return damage


def make_holes(path: Path) -> None:
    size = path.stat().st_size
    os.truncate(path, 0)
    os.truncate(path, size)


def make_other_version(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(8)
        file.write((99).to_bytes(4, sys.byteorder))


def replace_by(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


DAMAGES: Dict[str, Callable[[Path], None]] = {
    "empty": truncate(0),
    "one_byte": truncate(1),
    "half_a_header": truncate(2048),
    "header_only": truncate(4096),
    "one_page_short": lambda path: os.truncate(path, path.stat().st_size - 4096),
    "random_bytes": overwrite(0, 0),
    "random_header": overwrite(0, 4096),
    "holes": make_holes,
    "other_version": make_other_version,
    "a_directory": replace_by(Path.mkdir),
    "a_pipe": replace_by(os.mkfifo),
    "a_symbolic_link": replace_by(lambda path: path.symlink_to("/etc/passwd")),
    "a_loop": replace_by(lambda path: path.symlink_to(path)),
    "writable_by_all": lambda path: path.chmod(0o666),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_says_what_is_wrong_with_a_file_and_serves_the_others(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    with Writer(folder, "good") as good, Writer(folder, "bad") as bad:
        good.do("inc requests 5")
        bad.do("inc other 5")
        bad.quit()
        damage(bad.path)
        with Collector(folder) as collector:
            for _ in range(3):
                samples = collector.samples()
                assert samples[("shmetrics_segment_up", frozenset({("segment", "bad")}))] == 0
                assert samples[("shmetrics_segment_up", frozenset({("segment", "good")}))] == 1
                assert samples[("requests_total", frozenset())] == 5
                assert ("other_total", frozenset()) not in samples
            assert len(collector.log_lines("cannot be served.*segment=bad .*reason=.")) == 1
            segments = {
                s["name"]: s
                for s in json.loads(collector.request("/api/v1/segments").body)["segments"]
            }
            assert segments["bad"]["up"] is False and segments["bad"]["reason"]
            assert segments["good"]["up"] is True and segments["good"]["series"] >= 1
            if bad.path.is_dir():
                bad.path.rmdir()
            else:
                bad.path.unlink()
            with Writer(folder, "bad") as repaired:
                repaired.do("inc other 7")
                collector.wait_for_value(7, "other_total")
                assert collector.value("shmetrics_segment_up", segment="bad") == 1


IN_PLACE = (
    "empty",
    "half_a_header",
    "header_only",
    "one_page_short",
    "random_bytes",
    "random_header",
    "holes",
)


@pytest.mark.parametrize("name", IN_PLACE)
def test_survives_damage_under_its_hands(folder: Path, name: str) -> None:
    """The file is damaged while it is mapped and scraped, its writer gone."""
    with (
        Collector(folder) as collector,
        Writer(folder, "good") as good,
        Writer(folder, "bad", "--counters", "500") as bad,
    ):
        good.do("inc requests 5")
        wait_until(
            lambda: collector.value("writer_steps_total", number="499") == 1,
            "the segment is served",
        )
        bad.quit()
        done = threading.Event()
        problems: List[str] = []

        def scrape() -> None:
            while not done.is_set():
                samples = collector.samples()
                if samples.get(("requests_total", frozenset())) != 5:
                    problems.append("the good segment is missing")
                if samples.get(("writer_steps_total", frozenset({("number", "1")}))) == 0:
                    problems.append("a counter went back to 0")

        thread = threading.Thread(target=scrape)
        thread.start()
        try:
            DAMAGES[name](bad.path)
            if name not in ("random_bytes", "random_header"):
                collector.wait_for_value(0, "shmetrics_segment_up", segment="bad")
        finally:
            done.set()
            thread.join()
        assert problems == []
        assert collector.value("requests_total") == 5
        lines = collector.log_lines("cannot be served.*segment=bad")
        reasons = [line.partition("reason=")[2] for line in lines]
        # One that is cut and then extended may be seen in both states; nothing is said twice.
        assert len(set(reasons)) == len(reasons) <= (2 if name == "holes" else 1)
        bad.path.unlink()
        collector.wait_for_value(None, "shmetrics_segment_up", segment="bad")


@pytest.mark.parametrize("name", ["header_only", "holes"])
def test_serves_no_zeros_of_a_file_that_shrinks_while_it_is_rendered(
    folder: Path, name: str
) -> None:
    """I4: a page that vanished reads as zeros, which for a counter would be a step back."""
    with Collector(folder) as collector, Writer(folder, "good") as good:
        good.do("inc requests 5")
        for _ in range(8):
            with Writer(folder, "bad", "--counters", "30000", "--series-max", "100000") as bad:
                bad.quit()
                collector.wait_for_value(1, "writer_steps_total", number="29999")
                done = threading.Event()
                bodies: List[bytes] = []

                def scrape() -> None:
                    while not done.is_set():
                        bodies.append(collector.request("/metrics?name[]=writer_steps_total").body)

                thread = threading.Thread(target=scrape)
                thread.start()
                DAMAGES[name](bad.path)
                collector.wait_for_value(0, "shmetrics_segment_up", segment="bad")
                done.set()
                thread.join()
                assert not [body for body in bodies if b"} 0\n" in body]
                bad.path.unlink()
                collector.wait_for_value(None, "shmetrics_segment_up", segment="bad")
        assert collector.value("requests_total") == 5


def test_tries_again_when_a_file_has_changed(folder: Path) -> None:
    with Writer(folder, "app") as writer:
        writer.do("inc requests 5")
        writer.path.chmod(0o666)
        with Collector(folder) as collector:
            assert collector.value("shmetrics_segment_up", segment="app") == 0
            writer.path.chmod(0o660)
            collector.wait_for_value(5, "requests_total")
            assert collector.value("shmetrics_segment_up", segment="app") == 1


def test_refuses_segments_that_may_grow_beyond_the_limit(folder: Path) -> None:
    with (
        Writer(folder, "small", "--size-max", "2097152"),
        Writer(folder, "large", "--size-max", "2101248"),
    ):
        with Collector(folder, "--segment.max-bytes=2MiB") as collector:
            assert collector.value("shmetrics_segment_up", segment="large") == 0
            assert collector.value("shmetrics_segment_up", segment="small") == 1
            assert collector.log_lines("segment=large .*limit")


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the owner of a file: needs root")
def test_serves_files_of_the_owner_it_is_told_to_trust(folder: Path) -> None:
    with Writer(folder, "app") as writer:
        writer.do("inc requests 5")
        os.chown(writer.path, 65534, -1)
        with Collector(folder) as collector:
            assert collector.value("shmetrics_segment_up", segment="app") == 0
        for owner in ("65534", "nobody"):
            with Collector(folder, f"--segment.owner={owner}") as collector:
                assert collector.value("shmetrics_segment_up", segment="app") == 1


class Storm:
    """Random things that happen to the files of a folder, the same ones for the same seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.writers: Dict[str, Writer] = {}

    def pick(self) -> Path:
        return self.folder / f"s{self.random.randrange(4)}.smx1"

    def start_a_writer(self, path: Path) -> None:
        self.stop_a_writer(path)
        try:
            count = str(self.random.choice([1, 100, 1000]))
            self.writers[path.name] = Writer(self.folder, path.stem, "--counters", count)
        except AssertionError:
            pass  # it would not take over a damaged file that is held

    def stop_a_writer(self, path: Path) -> None:
        writer = self.writers.pop(path.name, None)
        if writer:
            with writer:
                if self.random.random() < 0.5:
                    writer.quit()

    def truncate(self, path: Path) -> None:
        self.stop_a_writer(path)
        os.truncate(path, self.random.randrange(path.stat().st_size + 1))

    def scribble(self, path: Path) -> None:
        self.stop_a_writer(path)
        with path.open("r+b") as file:
            file.seek(self.random.randrange(max(1, path.stat().st_size)))
            file.write(self.random.randbytes(4000))

    def delete(self, path: Path) -> None:
        path.unlink()

    def rename(self, path: Path) -> None:
        path.rename(self.pick())

    def link(self, path: Path) -> None:
        target = self.folder / f"link-{self.random.randrange(3)}.smx1"
        target.unlink(missing_ok=True)
        os.link(path, target)

    def blow(self) -> None:
        things = [self.truncate, self.scribble, self.delete, self.rename, self.link]
        try:
            self.random.choice(4 * [self.start_a_writer] + things)(self.pick())
        except FileNotFoundError:
            pass

    def end(self) -> None:
        for name in list(self.writers):
            self.stop_a_writer(self.folder / name)


@pytest.mark.races
def test_every_scrape_parses_while_a_storm_goes_over_the_files(folder: Path) -> None:
    with Collector(folder) as collector, Writer(folder, "good") as good:
        good.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        done = threading.Event()
        values = set()

        def scrape() -> None:
            while not done.is_set():
                values.add(collector.samples().get(("requests_total", frozenset())))

        threads = [threading.Thread(target=scrape) for _ in range(2)]
        for thread in threads:
            thread.start()
        storm = Storm(folder, seed=8)
        try:
            for _ in range(200):
                storm.blow()
        finally:
            storm.end()
            done.set()
            for thread in threads:
                thread.join()
        assert values == {5}
