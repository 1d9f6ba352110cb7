# SPDX-License-Identifier: MIT
"""registry - which names a process has taken, and the segment behind them

A registry stands for a segment. REGISTRY records into the segment of the application, so what it
collects is the total of all processes; any other registry has a private segment unless it is given
one. What a registry collects is read from the text that a scrape would get (the one with the most in
it, OpenMetrics), so the two never differ.

Custom collectors, and metrics that record elsewhere, are asked when this process collects; the
segment does not hold what they yield unless sample_collectors() brings it there.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from typing import (
    Collection,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Protocol,
    Sequence,
    Set,
    Tuple,
)

from . import _core
from ._core import Segment
from .created import use_created
from .metrics_core import Metric
from .openmetrics.escaping import ALLOWUTF8, DOTS, VALUES
from .openmetrics.parser import text_string_to_metric_families
from .scraping import joining, spelling
from .segment import default_segment, open_private


class Collector(Protocol):
    """What a registry takes. It may also have describe(), which says what collect() will yield."""

    def collect(self) -> Iterable[Metric]:
        """The families as they are now."""


class DuplicateTimeseries(ValueError):
    """A metric has a name, or a name of its samples, that another metric of the registry has."""

    def __init__(self, duplicates: Set[str]) -> None:
        super().__init__(f"Duplicated timeseries in CollectorRegistry: {duplicates}")
        self.duplicates = duplicates


class _TargetInfo:
    """Holds the name target_info while the registry has one."""

    def collect(self) -> Iterable[Metric]:
        return []


def sample_names(families: Iterable[Metric]) -> List[str]:
    """The names that families take: their own and those of their samples."""
    return [
        family.name + suffix
        for family in families
        for suffix in spelling.SUFFIXES.get(family.type, spelling.PLAIN)
    ]


class CollectorRegistry:
    """A set of metrics and collectors with names that do not clash.

    auto_describe: a collector without describe() is asked by collect() which names it takes.
    target_info: labels of the target, served as the metric target_info.
    support_collectors_without_names: a restricted registry asks those without names too.
    segment: where its metrics record to; a private one if None.
    """

    def __init__(
        self,
        auto_describe: bool = False,
        target_info: Optional[Dict[str, str]] = None,
        support_collectors_without_names: bool = False,
        *,
        segment: Optional[Segment] = None,
    ) -> None:
        self._lock = threading.Lock()
        # Replaced, never changed: a fork in the middle finds the one or the other.
        self._collector_to_names: Dict[Collector, List[str]] = {}
        self._names_to_collectors: Dict[str, Collector] = {}
        self._auto_describe = auto_describe
        self._support_collectors_without_names = support_collectors_without_names
        self._target_info: Optional[Dict[str, str]] = None
        self._dropped: Set[str] = set()  # families of metrics that were unregistered
        self._sampled: Set[str] = set()  # sample names that sample_collectors() writes
        self._segment_opened = segment
        _registries.add(self)
        self.set_target_info(target_info)

    # ---- the segment ----

    def _segment(self) -> Segment:
        if self._segment_opened is None:
            # Not under the lock: opening may log, and a log handler may have metrics.
            opened = self._open_segment()
            with self._lock:
                if self._segment_opened is None:
                    self._segment_opened = opened
        return self._segment_opened

    def _open_segment(self) -> Segment:
        return open_private()

    def _renew(self, segment: Segment) -> None:
        """Metrics to come record here; those that are there stay where they are."""
        with self._lock:
            self._segment_opened = segment
            self._dropped = set()

    def _is_recorded(self, collector: Collector) -> bool:
        """Whether the segment of this registry has what the collector yields."""
        if not isinstance(collector, _core.Metric):
            return False
        try:
            return collector._segment is self._segment_opened
        except RuntimeError:  # its name is taken, and another thread is about to define it
            return True

    # ---- names ----

    def register(self, collector: Collector) -> None:
        """Take the names of a collector or metric; DuplicateTimeseries if one is taken.

        A metric goes on recording into the segment it was defined in.
        """
        describe = getattr(collector, "describe", None)
        if describe is None and self._auto_describe:
            # Our own collectors know their names without looking.
            describe = getattr(collector, "_describe", collector.collect)
        self._take(collector, sample_names(describe()) if describe else [])

    def _take(self, collector: Collector, names: List[str]) -> None:
        with self._lock:
            duplicates = set(self._names_to_collectors).intersection(names)
            if duplicates:
                raise DuplicateTimeseries(duplicates)
            self._names_to_collectors = {
                **self._names_to_collectors,
                **dict.fromkeys(names, collector),
            }
            self._collector_to_names = {**self._collector_to_names, collector: names}

    def unregister(self, collector: Collector) -> None:
        """Give the names of a collector back; KeyError if it is not registered.

        A registry of its own no longer shows it, and another metric of the name starts anew. In the
        segment of the application a metric stays, for other processes may be using it, and who
        defines it again goes on with its numbers.
        """
        self._give_back(collector)
        if isinstance(collector, _core.Metric) and self._is_recorded(collector):
            self._dropped = self._dropped | {collector._name}

    def _give_back(self, collector: Collector) -> None:
        with self._lock:
            left = dict(self._collector_to_names)
            names = set(left.pop(collector))
            self._collector_to_names = left
            self._names_to_collectors = {
                name: holder
                for name, holder in self._names_to_collectors.items()
                if name not in names
            }

    @property
    def _collectors_without_names(self) -> List[Collector]:
        if not self._support_collectors_without_names:
            return []
        return [collector for collector, names in self._collector_to_names.items() if not names]

    def set_target_info(self, labels: Optional[Dict[str, str]]) -> None:
        """Serve these labels as target_info; none: no longer."""
        with self._lock:
            names = dict(self._names_to_collectors)
            if labels:
                if not self._target_info and "target_info" in names:
                    raise ValueError("CollectorRegistry already contains a target_info metric")
                names["target_info"] = _TargetInfo()
            elif self._target_info:
                del names["target_info"]
            self._names_to_collectors = names
            self._target_info = labels

    def get_target_info(self) -> Optional[Dict[str, str]]:
        """The labels that set_target_info() was given."""
        return self._target_info

    def restricted_registry(self, names: Iterable[str]) -> RestrictedRegistry:
        """Something to collect from that has only the samples of these names."""
        return RestrictedRegistry(names, self)

    # ---- collecting ----

    def _recorded_text(
        self,
        text_format: int,
        escaping: str,
        names: Optional[Collection[str]] = None,
        others: Sequence[str] = (),
    ) -> Tuple[bytes, List[str]]:
        """What the segment holds; of these names alone unless None. And which `others` it has."""
        segment = self._segment()
        for collector, own in self._collector_to_names.items():
            call = getattr(collector, "_call_functions", None)
            if call and (names is None or not own or _is_any_of(own, names, escaping)):
                call()
        if self._dropped and not segment.path:
            taken, asked_for = self._names_to_collectors, names
            names = [
                name for name in taken if asked_for is None or _is_any_of([name], asked_for, escaping)
            ]
        return render(segment, text_format, names, escaping, others)

    def _recorded(self, names: Optional[Collection[str]] = None) -> Iterator[Metric]:
        return families_of(self._recorded_text(_core.FORMAT_OPENMETRICS_100, ALLOWUTF8, names)[0])

    def _others(
        self, names: Optional[Collection[str]] = None, escaping: str = ALLOWUTF8
    ) -> Iterator[Metric]:
        """The families that the segment does not hold; of the holders of these names alone."""
        if self._target_info and (names is None or "target_info" in names):
            metric = Metric("target", "Target metadata", "info")
            metric.add_sample("target_info", self._target_info, 1)
            yield metric
        if names is None:
            collectors = list(self._collector_to_names)
        else:
            holders = self._names_to_collectors
            found = [holders[name] for name in holders if _is_any_of([name], names, escaping)]
            collectors = list(dict.fromkeys([*self._collectors_without_names, *found]))
        for collector in collectors:
            if not self._is_recorded(collector):
                yield from collector.collect()

    def _export(
        self,
        text_format: int,
        escaping: str,
        names: Optional[Collection[str]] = None,
        samples: Optional[Collection[str]] = None,
    ) -> Tuple[bytes, List[Metric]]:
        """What is rendered already, without an end, and the families that have to be, as written.

        names: the families that have one of these. samples: of collectors' families these alone.
        """
        others: Iterable[Metric] = self._others(names, escaping)
        if samples is not None:
            others = filter(None, (family._restricted_metric(samples) for family in others))
        elif names is not None:
            asked_for = names
            others = (
                family
                for family in others
                if joining.is_asked_for(family, asked_for, escaping)
            )
        joined = joining.join(others, escaping)
        claims = [name for family in joined for name in joining.claims(family)]
        text, taken = self._recorded_text(text_format, escaping, names, claims)
        copied = {spelling.metric_name(name, escaping) for name in self._sampled}
        return without_end(text, text_format), joining.without(joined, taken, copied)

    def collect(self) -> Iterator[Metric]:
        """The families as a scrape of this process would see them at this moment."""
        recorded = list(self._recorded())
        yield from recorded
        taken = {name for metric in recorded for name in joining.claims(metric)}
        yield from (other for other in self._others() if taken.isdisjoint(joining.claims(other)))

    def get_sample_value(
        self, name: str, labels: Optional[Dict[str, str]] = None
    ) -> Optional[float]:
        """The value of a sample, or None. For tests: it reads the whole segment.

        Of a gauge that is served once per process (the mode liveall), labels without a pid mean
        this process.
        """
        wanted = _present(labels or {})
        own = {"pid": str(os.getpid()), **wanted}
        value = None
        for metric in self._recorded([name]):
            for sample in metric.samples:
                if sample.name != name:
                    continue
                if sample.labels == wanted:
                    return sample.value
                if metric.type == "gauge" and sample.labels == own:
                    value = sample.value
        if value is not None:
            return value
        for metric in self._others():
            for sample in metric.samples:
                if sample.name == name and _present(sample.labels) == wanted:
                    return sample.value
        return None


def _present(labels: Dict[str, str]) -> Dict[str, str]:
    """An empty label value and an absent label are the same to Prometheus."""
    return {key: value for key, value in labels.items() if value != ""}


def _is_any_of(own: Iterable[str], names: Collection[str], escaping: str) -> bool:
    """Whether one of the sample names is asked for, as it is or as it is written."""
    return any(
        name in names
        or not spelling.is_plain_metric(name)
        and not set(spelling.sample_names(name, escaping)).isdisjoint(names)
        for name in own
    )


class RestrictedRegistry:
    """The samples of some names, of another registry."""

    def __init__(self, names: Iterable[str], registry: CollectorRegistry) -> None:
        self._name_set = set(names)
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """The families with the samples of these names alone."""
        registry, names = self._registry, self._name_set
        for metric in (*registry._recorded(names), *registry._others(names)):
            restricted = metric._restricted_metric(names)
            if restricted:
                yield restricted

    def _export(
        self, text_format: int, escaping: str, names: Optional[Collection[str]] = None
    ) -> Tuple[bytes, List[Metric]]:
        wanted = self._name_set if names is None else self._name_set.intersection(names)
        if text_format in _WHOLE_FORMATS:
            return self._registry._export(text_format, escaping, wanted)
        text, families = self._registry._export(text_format, escaping, wanted, wanted)
        written = [name for one in wanted for name in spelling.sample_names(one, escaping)]
        return _lines_of(text, written), families


# A family is one message, or a series one sample: whole or not there.
_WHOLE_FORMATS = (_core.FORMAT_PROTOBUF, _core.FORMAT_OPENMETRICS_200)


def _lines_of(text: bytes, names: Iterable[str]) -> bytes:
    """The samples of these names, as they are written, each family after its comments."""
    heads = {
        spelling.quoted(name, spelling.is_plain_metric(name)).encode("utf-8", "replace")
        for name in names
    }
    kept: List[bytes] = []
    comments: List[bytes] = []  # of the family that is being read, until one of its samples is kept
    family = b""
    for line in text.split(b"\n")[:-1]:
        if line.startswith(b"# "):
            name = _name_in(line[len("# HELP ") :])
            if name != family:
                comments, family = [], name
            comments.append(line)
        elif _name_in(line[line.startswith(b"{") :]) in heads:
            kept += comments
            comments = []
            kept.append(line)
    return b"".join(line + b"\n" for line in kept)


_NAME = re.compile(rb'"(?:[^"\\]|\\.)*"|[^ {]*')


def _name_in(line: bytes) -> bytes:
    """The name that a line begins with, in its quotes if it has some."""
    found = _NAME.match(line)
    return found.group() if found else b""


class _DefaultRegistry(CollectorRegistry):
    def _open_segment(self) -> Segment:
        return default_segment()


_registries: "weakref.WeakSet[CollectorRegistry]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    # Another thread may have held it; what it protects is never seen half changed.
    for registry in list(_registries):
        registry._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

REGISTRY: CollectorRegistry = _DefaultRegistry(auto_describe=True)


_ESCAPINGS = {
    ALLOWUTF8: _core.ESCAPING_ALLOW_UTF8,
    DOTS: _core.ESCAPING_DOTS,
    VALUES: _core.ESCAPING_VALUES,
}


def render(
    segment: Segment,
    text_format: int,
    names: Optional[Iterable[str]] = None,
    escaping: str = ALLOWUTF8,
    others: Sequence[str] = (),
) -> Tuple[bytes, List[str]]:
    """What the segment holds, of these names alone unless None. And which `others` it has."""
    scheme = _ESCAPINGS.get(escaping, _core.ESCAPING_UNDERSCORES)
    if text_format == _core.FORMAT_TEXT_004 and scheme != _core.ESCAPING_UNDERSCORES:
        text_format = _core.FORMAT_TEXT_100
    text, taken = segment.render_beside(
        others,
        names if names is None else list(names),
        format=text_format,
        escaping=scheme,
        created=use_created(),
    )
    return (_core.client_text(text) if text_format in _CLIENT_FORMATS else text), taken


# Where whole numbers and labels are written as prometheus_client does, which applications' tests know.
_CLIENT_FORMATS = (_core.FORMAT_TEXT_004, _core.FORMAT_TEXT_100, _core.FORMAT_OPENMETRICS_100)
_ENDS = {_core.FORMAT_OPENMETRICS_100: b"# EOF\n", _core.FORMAT_OPENMETRICS_200: b"# EOF\n"}


def without_end(text: bytes, text_format: int) -> bytes:
    """A rendered text that more is to follow."""
    return text[: len(text) - len(_ENDS.get(text_format, b""))]


def families_of(text: bytes) -> Iterator[Metric]:
    """What a segment was rendered to in the OpenMetrics format."""
    return text_string_to_metric_families(text.decode("utf-8"))


def collect_metric(segment: Segment, names: Iterable[str]) -> List[Metric]:
    """The families with these names alone."""
    return list(families_of(render(segment, _core.FORMAT_OPENMETRICS_100, names)[0]))
