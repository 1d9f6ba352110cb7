# SPDX-License-Identifier: MIT
"""joining - which families of custom collectors are served, and under which names

A sample name belongs to one family, whether or not there is a sample of it: to one of the segment's
if it has it, else to the family that was collected first. Who goes without is left out whole; of two
families that are one and the same, the samples of both are served, each once.
"""

from __future__ import annotations

from typing import Collection, Dict, Iterable, List, Set, Tuple

from ..metrics_core import Metric
from .conflicts import leave_out
from .spelling import PLAIN, SUFFIXES, family_name, spell


def claims(metric: Metric) -> Set[str]:
    """The names that are a family's in any format, and those of its samples."""
    names = {metric.name + suffix for suffix in SUFFIXES.get(metric.type, PLAIN)}
    return names.union(sample.name for sample in metric.samples)


def is_asked_for(metric: Metric, names: Collection[str], escaping: str) -> bool:
    """Whether one of the names (name[]) is the family's, or a sample's, as it is or as written."""
    own = claims(metric)
    written = family_name(metric.name, metric.type, escaping)
    own.update(written + suffix for suffix in SUFFIXES.get(metric.type, PLAIN))
    return not own.isdisjoint(names)


def join(families: Iterable[Metric], escaping: str) -> List[Metric]:
    """The families as they are written, no name twice."""
    joined: Dict[str, Tuple[Metric, Metric]] = {}  # as collected and as written, by the latter
    taken: Dict[str, str] = {}  # whose the sample names are
    for metric in families:
        spelled = spell(metric, escaping)
        if spelled is None:
            leave_out(metric.name, "its labels begin with __, or cannot be told apart")
            continue
        own = claims(spelled)
        others = {taken[name] for name in own if name in taken} - {spelled.name}
        first, written = joined.get(spelled.name, (metric, spelled))
        if others or (first.name, first.type, first.unit) != (metric.name, metric.type, metric.unit):
            leave_out(metric.name, f"{min(others, default=first.name)} has one of its names")
            continue
        if written is not spelled:
            written.samples += spelled.samples
        joined[spelled.name] = first, written
        taken.update(dict.fromkeys(own, spelled.name))
    return [_without_duplicates(metric) for _, metric in joined.values()]


def without(
    families: Iterable[Metric], taken: Collection[str], copied: Collection[str]
) -> List[Metric]:
    """Those that claim none of the names, which the segment has.

    copied: what is there because sample_collectors() has brought it; of those nobody needs to learn
    that they are served from there.
    """
    kept = []
    for metric in families:
        clash = claims(metric).intersection(taken)
        if not clash:
            kept.append(metric)
        elif not clash.issubset(copied):
            leave_out(metric.name, "a metric of the segment has one of its names")
    return kept


def _without_duplicates(metric: Metric) -> Metric:
    seen = set()
    samples = []
    for sample in metric.samples:
        # Samples of an older prometheus_client have none.
        is_native = getattr(sample, "native_histogram", None) is not None
        key = sample.name, frozenset(sample.labels.items()), is_native
        if key in seen:
            leave_out(metric.name, f"there is a second sample {sample.name} of the same labels")
            continue
        seen.add(key)
        samples.append(sample)
    metric.samples = samples
    return metric
