# SPDX-License-Identifier: MIT
"""scrape.py - what does a scrape of 10,000 series cost, against prometheus_client's collector?

Four worker processes on each side have recorded the same (fixture.h) and are alive. Compared in
turn are walk + render in a C process (scrape.c) with MultiProcessCollector + generate_latest in
this one, and shmetrics-collector with prometheus_client's own server, both over HTTP, on one
connection where the server keeps it. Before anything is timed, both texts are parsed and must hold
the same numbers.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import defaultdict
from statistics import median

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from harness import Coprocess, emit, fail, is_quick
from server import PEERS, Scraper, collector

SERIES = 10_000
WORKERS = 4
OURS_A_ROUND = 10
SEGMENT = "bench-scrape"


def totals(text: str) -> dict[tuple[str, str], tuple[int, float]]:
    """The samples of the application by name and `le`: how many, and their sum."""
    found: dict[tuple[str, str], tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("app_"):
                key = (sample.name, sample.labels.get("le", ""))
                count, total = found[key]
                found[key] = (count + 1, total + sample.value)
    return found


def check_equal(ours: str, theirs: str, what: str) -> None:
    mine, peer = totals(ours), totals(theirs)
    if mine.keys() != peer.keys():
        fail(f"{what}: the samples differ: {sorted(mine.keys() ^ peer.keys())[:4]}")
    for key, (count, total) in mine.items():
        if count != peer[key][0] or abs(total - peer[key][1]) > 1e-6 * max(1.0, abs(total)):
            fail(f"{what}: {key} is {count}, {total} here and {peer[key]} there")


def peer_scrape_ns(directory: str) -> tuple[float, str]:
    begin = time.thread_time_ns()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=directory)
    text = generate_latest(registry)
    return time.thread_time_ns() - begin, text.decode()


def in_process(directory: str, native: Coprocess, text_path: str, rounds: int) -> None:
    native.ask(f"text {text_path}")
    with open(text_path, encoding="utf-8") as file:
        ours_text = file.read()
    check_equal(ours_text, peer_scrape_ns(directory)[1], "rendered")
    ours, theirs, ratio = [], [], []
    for _ in range(rounds):
        ours.append(median(float(native.ask("scrape")) for _ in range(OURS_A_ROUND)))
        theirs.append(peer_scrape_ns(directory)[0])
        ratio.append(theirs[-1] / ours[-1])
    lines = ours_text.count("\n")
    emit("lines of the text", lines, "")
    emit("walk + render", median(ours) / 1e6, "ms")
    emit("walk + render, a line", median(ours) / lines, "ns")
    emit("prometheus_client, collect + generate_latest", median(theirs) / 1e6, "ms")
    emit("prometheus_client / ours", median(ratio), "x", at_least=50)


def over_http(binary: str, server: Coprocess, rounds: int) -> None:
    with collector(binary, SEGMENT) as port:
        mine, peer = Scraper(port), Scraper(int(server.read()))
        check_equal(mine.get()[1].decode(), peer.get()[1].decode(), "served")
        ours, theirs, ratio = [], [], []
        for _ in range(rounds):
            ours.append(median(mine.scrape_ns() for _ in range(OURS_A_ROUND)))
            theirs.append(peer.scrape_ns())
            ratio.append(theirs[-1] / ours[-1])
    emit("shmetrics-collector over HTTP", median(ours) / 1e6, "ms")
    emit("prometheus_client over HTTP", median(theirs) / 1e6, "ms")
    emit("prometheus_client / ours, over HTTP", median(ratio), "x", at_least=50)


def main() -> None:
    directory = os.environ["BENCH_MULTIPROC_DIR"]
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
    rounds = 2 if is_quick() else 3
    with contextlib.ExitStack() as stack:

        def start(*command: str) -> Coprocess:
            child = Coprocess(*command)
            stack.callback(child.close)
            return child

        workers = [
            start(sys.executable, str(PEERS / "multiprocess_worker.py"), str(SERIES))
            for _ in range(WORKERS)
        ]
        for worker in workers:
            worker.read()
        native = start(os.environ["BENCH_SCRAPE"], "serve", SEGMENT, str(SERIES), str(WORKERS))
        first_ns = float(native.read())
        in_process(directory, native, os.path.join(directory, "ours.txt"), rounds)
        emit("the first scrape, with attaching", first_ns / 1e6, "ms")
        server = start(sys.executable, str(PEERS / "multiprocess_server.py"))
        over_http(os.environ["BENCH_COLLECTOR"], server, rounds)


if __name__ == "__main__":
    main()
