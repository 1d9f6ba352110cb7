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
import threading
import weakref
from typing import Dict, Iterable, Iterator, List, Optional, Protocol, Set, Tuple

from . import _core
from ._core import Segment
from .created import use_created
from .metrics_core import Metric, text_name
from .openmetrics.escaping import ALLOWUTF8, DOTS, VALUES, escape_metric_name, escape_text
from .openmetrics.parser import text_string_to_metric_families
from .segment import default_segment, open_private
from .validation import _is_valid_legacy_metric_name


EOF = b"# EOF\n"


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


_SUFFIXES = {
    "counter": ("_total", "_created"),
    "summary": ("_sum", "_count", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    "info": ("_info",),
}


def sample_names(families: Iterable[Metric]) -> List[str]:
    """The names that families take: their own and those of their samples."""
    return [
        family.name + suffix
        for family in families
        for suffix in ("", *_SUFFIXES.get(family.type, ()))
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
        names: Optional[Iterable[str]] = None,
        escaping: str = ALLOWUTF8,
    ) -> bytes:
        """What the segment holds, of these sample names alone unless None."""
        segment = self._segment()
        for collector, own in self._collector_to_names.items():
            call = getattr(collector, "_call_functions", None)
            if call and (names is None or not own or own[0] in names):
                call()
        if self._dropped and not segment.path:
            taken = self._names_to_collectors
            names = [name for name in (taken if names is None else names) if name in taken]
        return render(segment, text_format, names, escaping)

    def _recorded(self, names: Optional[Iterable[str]] = None) -> Iterator[Metric]:
        return families_of(self._recorded_text(_core.FORMAT_OPENMETRICS_100, names))

    def _others(self, names: Optional[Set[str]] = None) -> Iterator[Metric]:
        """The families that the segment does not hold; of the holders of these names alone."""
        if self._target_info and (names is None or "target_info" in names):
            metric = Metric("target", "Target metadata", "info")
            metric.add_sample("target_info", self._target_info, 1)
            yield metric
        if names is None:
            collectors = list(self._collector_to_names)
        else:
            holders = self._names_to_collectors
            found = [holders[name] for name in holders if name in names]
            collectors = list(dict.fromkeys([*self._collectors_without_names, *found]))
        for collector in collectors:
            if not self._is_recorded(collector):
                yield from collector.collect()

    def _export(
        self, text_format: int, escaping: str, names: Optional[Set[str]] = None
    ) -> Tuple[bytes, List[Metric]]:
        """What is rendered already, and the families that have to be."""
        others = list(self._others(names))
        plain = text_format == _core.FORMAT_TEXT_004
        if escaping == DOTS or plain and use_created():
            # A segment has no text with "__" in all names, nor one in the text format with x_created.
            recorded = list(self._recorded(names))
            return b"", recorded + _not_among({m.name for m in recorded}, others)
        text = self._recorded_text(text_format, names, escaping)
        if text_format == _core.FORMAT_PROTOBUF:
            from .protobuf import family_names  # it imports this module

            written = None if escaping == ALLOWUTF8 else escaping
            return text, _not_among(set(family_names(text)), others, written)
        if others:
            others = _not_among(set(_core.family_names(text)), others, escaping)
        return _core.client_text(text if plain else text[: -len(EOF)]), others

    def collect(self) -> Iterator[Metric]:
        """The families as a scrape of this process would see them at this moment."""
        recorded = list(self._recorded())
        yield from recorded
        yield from _not_among({metric.name for metric in recorded}, self._others())

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


def _not_among(
    names: Set[str], families: Iterable[Metric], escaping: Optional[str] = None
) -> List[Metric]:
    """A family is served once: what the segment has wins over what a collector yields.

    names: those of the families in the segment, in either format; escaping: as they are written.
    """

    def written(name: str) -> str:
        if escaping is None:
            return name
        return escape_text(name) if escaping == ALLOWUTF8 else escape_metric_name(name, escaping)

    if escaping == VALUES:
        # In OpenMetrics a counter is named so that its "_total" comes out escaped, too.
        names = names | {name[:-1] for name in names if name.endswith("_")}
    return [
        family
        for family in families
        if written(family.name) not in names and written(text_name(family)) not in names
    ]


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

    def _export(self, text_format: int, escaping: str) -> Tuple[bytes, List[Metric]]:
        if not all(map(_is_valid_legacy_metric_name, self._name_set)):
            # What is escaped is not to be told from its text.
            return b"", list(self.collect())
        text, families = self._registry._export(text_format, escaping, self._name_set)
        restricted = (family._restricted_metric(self._name_set) for family in families)
        if text_format != _core.FORMAT_PROTOBUF:  # there a family is whole or not there
            text = _lines_of(text, self._name_set)
        return text, [family for family in restricted if family]


def _lines_of(text: bytes, names: Set[str]) -> bytes:
    """The samples of these names, each family after its comments."""
    wanted = {name.encode("utf-8", "replace") for name in names}
    kept: List[bytes] = []
    comments: List[bytes] = []  # of the family that is being read, until one of its samples is kept
    family = b""
    for line in text.split(b"\n")[:-1]:
        if line.startswith(b"#"):
            name = line.split(b" ", 3)[2]
            if name != family:
                comments, family = [], name
            comments.append(line)
        elif line.replace(b"{", b" ", 1).split(b" ", 1)[0] in wanted:
            kept += comments
            comments = []
            kept.append(line)
    return b"".join(line + b"\n" for line in kept)


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
) -> bytes:
    """What the segment holds, of these names alone unless None."""
    scheme = _ESCAPINGS.get(escaping, _core.ESCAPING_UNDERSCORES)
    if text_format == _core.FORMAT_TEXT_004 and scheme != _core.ESCAPING_UNDERSCORES:
        text_format = _core.FORMAT_TEXT_100
    return segment.render(
        names if names is None else list(names),
        format=text_format,
        escaping=scheme,
        created=use_created(),
    )


def families_of(text: bytes) -> Iterator[Metric]:
    """What a segment was rendered to in the OpenMetrics format."""
    return text_string_to_metric_families(text.decode("utf-8"))


def collect_metric(segment: Segment, names: Iterable[str]) -> List[Metric]:
    """The families with these names alone."""
    return list(families_of(render(segment, _core.FORMAT_OPENMETRICS_100, names)))
