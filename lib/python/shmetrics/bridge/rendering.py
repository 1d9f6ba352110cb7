# SPDX-License-Identifier: MIT
"""rendering - generate_latest() of a registry that has a MultiProcessCollector and nothing else

That is what libraries make for each scrape in multiprocess mode. Its text comes from C, without the
GIL, so a scrape of many series does not hold up the process's other threads; by way of
prometheus_client's samples it would take as long as from its files. Other registries, and other
arguments, go that way.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from .. import _core
from .. import segment as _segment
from . import reading
from .client import REGISTRY, exposition, openmetrics_exposition, prometheus_client


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
        # Names in the segment are of the older character set, which only dots would escape.
        plain = not args and kwargs.get("escaping") in (None, "underscores", "allow-utf-8")
        plain = plain and kwargs.get("version") in (None, "1.0.0")
        if not plain or not is_active() or not _serves_segment_alone(registry):
            return original(registry, *args, **kwargs)
        reading.call_functions()
        text = _segment.default_segment().render(None, format=text_format)
        # Whole numbers as prometheus_client writes them, which tests of applications look for.
        return _core.pointed(text) if text_format == _core.FORMAT_TEXT_004 else text

    return generate_latest


def _serves_segment_alone(registry: Any) -> bool:
    if registry not in reading.served_registries or registry.get_target_info():
        return False
    return all(
        getattr(collector, "_shmetrics_serves", False)
        for collector in list(registry._collector_to_names)
    )
