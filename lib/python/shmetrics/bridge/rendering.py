# SPDX-License-Identifier: MIT
"""rendering - generate_latest() of registries that serve the segment, in C

Without the GIL, so a scrape of many series does not hold up the process's other threads; by way of
prometheus_client's samples it takes as long as from its files. It is for:

- a registry with a MultiProcessCollector and nothing else: what libraries make for each scrape in
  multiprocess mode;
- REGISTRY, unless it exports x_created, which only samples tell (disable_created_metrics() or
  PROMETHEUS_DISABLE_CREATED_SERIES), or a family of the segment is not to be shown by it. In the
  text format; the text of the other collectors follows.

Other registries, and other arguments, go prometheus_client's way.
"""

from __future__ import annotations

import functools
from typing import Any, Callable, Iterator, List, Optional

from .. import _core
from .. import segment as _segment
from . import families, reading
from .client import REGISTRY, exposition, metrics, openmetrics_exposition, prometheus_client


_ESCAPINGS = {
    "underscores": _core.ESCAPING_UNDERSCORES,
    "allow-utf-8": _core.ESCAPING_ALLOW_UTF8,
}
_FORMATS = {(_core.FORMAT_TEXT_004, _core.ESCAPING_ALLOW_UTF8): _core.FORMAT_TEXT_100}


def hook(is_active: Callable[[], bool]) -> None:
    for module in (exposition, openmetrics_exposition):
        original = module.generate_latest
        text_format = (
            _core.FORMAT_TEXT_004 if module is exposition else _core.FORMAT_OPENMETRICS_100
        )
        hooked = _hook(original, text_format, is_active)
        module.generate_latest = hooked
        if prometheus_client.generate_latest is original:
            prometheus_client.generate_latest = hooked


def _hook(
    original: Callable[..., bytes], text_format: int, is_active: Callable[[], bool]
) -> Callable[..., bytes]:
    @functools.wraps(original)
    def generate_latest(registry: Any = REGISTRY, *args: Any, **kwargs: Any) -> bytes:
        # By "dots" prometheus_client changes names of the older character set, too.
        escaping = _ESCAPINGS.get(kwargs.get("escaping", "underscores"))
        plain = not args and escaping is not None
        plain = plain and kwargs.get("version") in (None, "1.0.0")
        others = _others(registry) if plain and is_active() else None
        if escaping is None or others is None or others and text_format != _core.FORMAT_TEXT_004:
            return original(registry, *args, **kwargs)
        reading.call_functions()
        text = _segment.default_segment().render(
            None, format=_FORMATS.get((text_format, escaping), text_format), escaping=escaping
        )
        if text_format == _core.FORMAT_TEXT_004:
            # Whole numbers as prometheus_client writes them, which tests of applications look for.
            text = _core.client_text(text)
        return text + original(_Others(others), **kwargs) if others else text

    return generate_latest


class _Others:
    """What there is to collect beside the segment."""

    def __init__(self, collectors: List[Any]) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Any]:
        for collector in self._collectors:
            yield from collector.collect()


def _others(registry: Any) -> Optional[List[Any]]:
    """The collectors beside the segment; None where the segment is not served as it is."""
    if registry is not REGISTRY and registry not in reading.served_registries:
        return None
    if registry.get_target_info():
        return None
    collectors = list(registry._collector_to_names)
    if registry is not REGISTRY:
        alone = all(getattr(collector, "_shmetrics_serves", False) for collector in collectors)
        return [] if alone else None
    recorded = {metric._name for metric in collectors if reading.is_recorded(metric)}
    served = registry in reading.served_registries
    if metrics._use_created or served or families.defined_names - recorded:
        return None
    return [collector for collector in collectors if not reading.is_recorded(collector)]
