# SPDX-License-Identifier: MIT
"""judging - the strict checker on every scrape that a test makes, whatever the test looks at

    judge = Judge()                     of a collector; Judge(form=expoclient.of): of the Python package
    with judge.scrape(method, path, headers) as told:      told(answer) when it is there
        ...

Every exposition is judged by itself, with the HTTP around it. One of everything (no name[]) is judged
against the ones before in the same format too, except where that proves nothing: when scrapes overlapped,
and when the collector says that its segments are others than before, or that definitions conflict. A test
that takes away what was served says so: `judge.forget()`.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import expohttp
from expohistory import ScrapeHistory
from expoparser import Exposition, Labels, Text004
from expoprotobuf import Protobuf
from exporules import Violation

SCRAPED = re.compile(r"(?:/.*)?/metrics(?:\?.*)?")
# What these are when a scrape is made says which state of the world it is of.
WORLD = (
    "shmetrics_segment_created_timestamp_seconds",
    "shmetrics_segment_up",
    "shmetrics_segment_files",
    "shmetrics_segment_conflicts",
)
FAMILIES_MIN = 5  # in fewer, a label that all have proves nothing


class Answer(Protocol):
    status: int
    headers: Mapping[str, str]
    body: bytes


# The collector's own families come last. What stands before them is parsed once while it stays as it is:
# scrapes of 100,000 series would otherwise take the tests' time.
OWN = re.compile(rb"^# (?:HELP|TYPE) shmetrics_", re.MULTILINE)
LARGE_BYTES = 100_000


class _Ticket:
    alone = True


class Reader:
    """Parses the expositions of one target in one format."""

    def __init__(self, parser: type[Text004]) -> None:
        self._parser = parser
        self._head = b""
        self._known = Exposition()  # of the head

    def parse(self, body: bytes) -> Exposition:
        own = OWN.search(body, LARGE_BYTES) if not issubclass(self._parser, Protobuf) else None
        at = own.start() if own else 0
        if at and self._head == body[:at]:
            exposition = self._parser().parse(body[at:])
            if not exposition.families.keys() & self._known.families.keys():
                exposition.samples.update(self._known.samples)
                exposition.families.update(self._known.families)
                return exposition
        exposition = self._parser().parse(body)
        if at:
            self._remember(body[:at], exposition)
        return exposition

    def _remember(self, head: bytes, exposition: Exposition) -> None:
        """Exemplars and the like are not kept: nobody compares them."""
        lines = head.count(b"\n")
        self._head, self._known = head, Exposition()
        for family in exposition.families.values():
            if family.line <= lines:
                self._known.families[family.name] = family
                self._known.samples.update((key, exposition.samples[key]) for key in family.samples)


def check_labels_everywhere(exposition: Exposition) -> None:
    """No label that is the same on all there is: it would say something of the target, not of a series."""
    if sum(bool(family.samples) for family in exposition.families.values()) < FAMILIES_MIN:
        return
    labels = [labels for _, labels in exposition.samples]
    everywhere = labels[0].intersection(*labels)
    if everywhere:
        raise Violation(0, "label-everywhere", f"{dict(everywhere)} on each of {len(labels)} samples")


class Judge:
    """Of one collector. Scrapes may be made by several threads."""

    def __init__(
        self,
        telemetry_path: str = "/metrics",
        form: Callable[[type[Text004]], type[Text004]] = lambda parser: parser,
    ) -> None:
        self.count = 0
        self._telemetry_path = telemetry_path
        self._form = form  # of what is scraped, in each format
        self._lock = threading.Lock()
        self._running: list[_Ticket] = []
        self._readers: dict[type[Text004], Reader] = {}
        self._histories: dict[type[Text004], ScrapeHistory] = {}
        self._worlds: dict[type[Text004], frozenset[tuple[str, Labels, float]]] = {}

    def forget(self) -> None:
        """What was served before may be gone: the test has seen to it."""
        with self._lock:
            self._histories.clear()

    def is_scrape(self, path: str) -> bool:
        return bool(SCRAPED.fullmatch(path)) or path.partition("?")[0] == self._telemetry_path

    @contextlib.contextmanager
    def scrape(
        self, method: str, path: str, headers: Mapping[str, str]
    ) -> Iterator[Callable[[Answer], None]]:
        ticket = _Ticket()
        with self._lock:
            for other in self._running:
                other.alone = ticket.alone = False
            self._running.append(ticket)

        def told(answer: Answer) -> None:
            if answer.status == 200 and method in ("GET", "HEAD") and self.is_scrape(path):
                self._judge(ticket, method, path, headers, answer)

        try:
            yield told
        finally:
            with self._lock:
                self._running.remove(ticket)

    def _judge(
        self, ticket: _Ticket, method: str, path: str, headers: Mapping[str, str], answer: Answer
    ) -> None:
        parser, body = expohttp.judge(method, headers, answer.headers, answer.body)
        parser = self._form(parser)
        if method == "HEAD":
            return
        with self._lock:
            exposition = self._readers.setdefault(parser, Reader(parser)).parse(body)
            self.count += 1
        if "?" in path:
            return
        check_labels_everywhere(exposition)
        with self._lock:
            if ticket.alone and path == self._telemetry_path:
                self._compare(parser, exposition)

    def _compare(self, parser: type[Text004], exposition: Exposition) -> None:
        world = frozenset(
            (*key, value) for key, value in exposition.samples.items() if key[0] in WORLD
        )
        if self._worlds.get(parser) != world:
            self._histories.pop(parser, None)
        self._worlds[parser] = world
        self._histories.setdefault(parser, ScrapeHistory(parser)).add_exposition(exposition)
