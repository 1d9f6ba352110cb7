# SPDX-License-Identifier: MIT
"""install - puts the hooks into prometheus_client, if it is one that the bridge knows

All hooks are at class level and few, and each passes on to what it replaces for a metric that does
not record into the segment. What they rely on is checked first: a version that is otherwise is left
alone as a whole, with a warning that names it, because half a bridge would record half.
"""

from __future__ import annotations

import inspect
from typing import Any, List, Optional, Tuple

from . import families, reading, recording, rendering
from .client import REGISTRY, PrivateValue, metrics, multiprocess, registry, values, version

# Class, method, the names of its arguments.
_EXPECTED: Tuple[Tuple[str, str, List[str]], ...] = (
    ("MetricWrapperBase", "labels", ["labelvalues", "labelkwargs"]),
    ("MetricWrapperBase", "collect", []),
    ("MetricWrapperBase", "_get_metric", []),
    ("Counter", "inc", ["amount", "exemplar"]),
    ("Gauge", "inc", ["amount"]),
    ("Gauge", "dec", ["amount"]),
    ("Gauge", "set", ["value"]),
    ("Gauge", "set_function", ["f"]),
    ("Histogram", "observe", ["amount", "exemplar"]),
    ("Summary", "observe", ["amount"]),
    ("Info", "info", ["val"]),
    ("Enum", "state", ["state"]),
)
_INIT = [
    "name", "documentation", "labelnames", "namespace", "subsystem", "unit", "registry",
    "_labelvalues",
]  # fmt: skip

_active = False


def is_active() -> bool:
    """Whether a metric of this process has found a segment to record into, or could."""
    return _active or _activate(REGISTRY) is not None


def _activate(on: Any) -> Optional[Any]:
    """The segment for a metric on this registry; with the first one the values change."""
    global _active
    recorded = (
        on is REGISTRY
        or families.is_multiprocess()
        or (on is not None and on in reading.served_registries)
    )
    segment = families.current_segment() if recorded else None
    if segment is not None and not _active:
        _active = True
        # No files: what a metric of the process's own needs is a number in its memory.
        values.ValueClass = PrivateValue
    return segment


def _arguments(function: Any) -> List[str]:
    return list(inspect.signature(function).parameters)[1:]


def _differences() -> List[str]:
    """What the installed prometheus_client has otherwise than the hooks need it."""
    found = []
    for class_name, method, arguments in _EXPECTED:
        function = getattr(getattr(metrics, class_name, None), method, None)
        if function is None or _arguments(function) != arguments:
            found.append(f"{class_name}.{method}()")
    if _arguments(metrics.MetricWrapperBase.__init__) != _INIT:
        found.append("MetricWrapperBase()")
    for name in ("_validate_exemplar", "_use_created"):
        if not hasattr(metrics, name):
            found.append(f"metrics.{name}")
    made = registry.CollectorRegistry()
    if not isinstance(getattr(made, "_collector_to_names", None), dict):
        found.append("CollectorRegistry._collector_to_names")
    probe: Any = metrics.Histogram("probe", "", ["label"], registry=None)
    if not isinstance(getattr(probe, "_metrics", None), dict) or not hasattr(probe, "_lock"):
        found.append("Histogram._metrics")
    if not hasattr(probe, "_upper_bounds") or probe._labelvalues != ():
        found.append("Histogram._upper_bounds")
    return found


def _hook_values() -> None:
    original_class, original_maker = values.get_value_class, values.MultiProcessValue

    def get_value_class() -> Any:
        return PrivateValue if _active else original_class()

    def multi_process_value(*args: Any, **kwargs: Any) -> Any:
        """Whatever tells the processes apart there: the segment knows them."""
        return PrivateValue if is_active() else original_maker(*args, **kwargs)

    values.get_value_class = get_value_class
    values.MultiProcessValue = multi_process_value


def install() -> None:
    """Once. A warning, and nothing changed, if this is not a prometheus_client that it knows."""
    if hasattr(metrics.MetricWrapperBase, "_shmetrics"):
        return
    differences = _differences()
    if differences:
        families.say_once(
            "prometheus_client %s is not bridged, nothing of it is recorded or sped up: it differs "
            "in %s",
            version(),
            ", ".join(differences),
        )
        return
    earlier = [
        collector
        for collector in list(REGISTRY._collector_to_names)
        if isinstance(collector, metrics.MetricWrapperBase)
    ]
    if earlier:
        families.say_once(
            "%d metrics, such as %s, were made before shmetrics.bridge was imported: they stay the "
            "process's own",
            len(earlier),
            earlier[0]._name,
        )
    recording.hook_base(metrics.MetricWrapperBase, _activate)
    recording.hook_counter(metrics.Counter)
    recording.hook_gauge(metrics.Gauge)
    recording.hook_histogram(metrics.Histogram)
    recording.hook_summary(metrics.Summary)
    recording.hook_info(metrics.Info)
    recording.hook_enum(metrics.Enum)
    reading.hook_metric(metrics.MetricWrapperBase)
    reading.hook_registry(registry.CollectorRegistry, is_active)
    reading.hook_multiprocess(multiprocess, is_active)
    rendering.hook(is_active)
    _hook_values()
