# SPDX-License-Identifier: MIT
"""families - from a metric of prometheus_client to the family of the segment that it records into"""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, Set, Type

from .. import _core
from .. import segment as _segment


# What labels() of a family gives out. `owner` is the child of prometheus_client's that records into
# the series, so that the extension's cache of labels finds it.
@_core.own_methods
class CounterSeries(_core.Counter):
    __slots__ = ("owner",)
    owner: Any


@_core.own_methods
class GaugeSeries(_core.Gauge):
    __slots__ = ("owner",)
    owner: Any


@_core.own_methods
class HistogramSeries(_core.Histogram):
    __slots__ = ("owner",)
    owner: Any


@_core.own_methods
class SummarySeries(_core.Summary):
    __slots__ = ("owner",)
    owner: Any


class InfoSeries(_core.Info):
    __slots__ = ("owner",)
    owner: Any


class EnumSeries(_core.Enum):
    __slots__ = ("owner",)
    owner: Any


KINDS: Dict[str, Type[Any]] = {
    "counter": CounterSeries,
    "gauge": GaugeSeries,
    "histogram": HistogramSeries,
    "summary": SummarySeries,
    "info": InfoSeries,
    "stateset": EnumSeries,
}

# Names that this process records under, in whatever registry.
defined_names: Set[str] = set()

_said: Set[str] = set()


def say_once(message: str, *arguments: object) -> None:
    """One line of the logger "shmetrics", the first time."""
    line = message % arguments
    if line not in _said:
        _said.add(line)
        _segment.logger.warning("shmetrics: %s", line)


def is_multiprocess() -> bool:
    """Whether the environment asks for prometheus_client's multiprocess mode."""
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ or "prometheus_multiproc_dir" in os.environ


def current_segment() -> Optional[_core.Segment]:
    """The segment that all processes record into, opened by the first call; None: there is none."""
    if _segment._configured is None and not os.environ.get(_segment.ENVIRONMENT_VARIABLE):
        say_once(
            "no segment is named: prometheus_client goes on as without the bridge (set %s, start "
            'the program by "shmetrics run --bridge", or call shmetrics.configure())',
            _segment.ENVIRONMENT_VARIABLE,
        )
        return None
    # A private segment stands for a failure that has been told, or was asked for.
    segment = _segment.default_segment()
    return segment if segment.path else None


def define(segment: _core.Segment, metric: Any) -> Optional[Any]:
    """The family of a metric that has just been made and registered; None if it has none."""
    kind = KINDS.get(metric._type)
    if kind is None:
        return None
    family = kind()
    definition = [
        segment, metric._name, metric._documentation, metric._unit, metric._labelnames,
    ]  # fmt: skip
    if metric._type == "gauge":
        definition.append(metric._multiprocess_mode)
    elif metric._type == "histogram":
        definition.append(tuple(metric._upper_bounds))
    elif metric._type == "stateset":
        definition.append(tuple(metric._states))
    try:
        refusal = family._define(*definition)
    except Exception as error:  # whatever it is, the application has its metric
        say_once("%s stays the process's own: %s", metric._name, error)
        return None
    if refusal:
        say_once("%s is not recorded: %s", metric._name, refusal)
    defined_names.add(metric._name)
    return family
