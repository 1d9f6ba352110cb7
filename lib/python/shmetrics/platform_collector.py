# SPDX-License-Identifier: MIT
"""platform_collector - python_info: which Python this is"""

from __future__ import annotations

import platform as _platform
from typing import Any, Dict, Iterable, List, Optional

from .metrics_core import GaugeMetricFamily, Metric
from .registry import REGISTRY, CollectorRegistry


class PlatformCollector:
    """The version and implementation of Python as labels. platform: instead of the module."""

    def __init__(
        self,
        registry: Optional[CollectorRegistry] = REGISTRY,
        platform: Optional[Any] = None,
    ) -> None:
        self._platform: Any = _platform if platform is None else platform
        if registry:
            registry.register(self)

    def _describe(self) -> List[Metric]:
        return [Metric("python_info", "", "gauge")]

    def collect(self) -> Iterable[Metric]:
        labels = self._labels()
        family = GaugeMetricFamily("python_info", "Python platform information", labels=[*labels])
        family.add_metric([*labels.values()], 1)
        return [family]

    def _labels(self) -> Dict[str, str]:
        platform = self._platform
        major, minor, patchlevel = platform.python_version_tuple()
        labels = {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "major": major,
            "minor": minor,
            "patchlevel": patchlevel,
        }
        if platform.system() == "Java":
            release, _, (vm_name, vm_release, vm_vendor), _ = platform.java_ver()
            labels.update(
                jvm_version=release, jvm_release=vm_release, jvm_vendor=vm_vendor, jvm_name=vm_name
            )
        return labels


PLATFORM_COLLECTOR = PlatformCollector()
"""Of this Python, on REGISTRY."""
