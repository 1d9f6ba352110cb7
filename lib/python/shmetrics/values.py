# SPDX-License-Identifier: MIT
"""values - the numbers of one series, for the tests of applications

They read counter._value.get() of prometheus_client, private as it is. Here it reads the segment, so
it is the total of all processes; of a gauge that is served once per process, this process's.
"""

from __future__ import annotations

import os

from . import _core
from .registry import collect_metric


class Value:
    """A sample of a metric, by the suffix of its name."""

    def __init__(self, metric: _core.Metric, suffix: str) -> None:
        self._metric = metric
        self._name = metric._name + suffix

    def get(self) -> float:
        """What a scrape would get; 0.0 if nothing was recorded."""
        given = zip(self._metric._labelnames, self._metric._labelvalues)
        labels = {name: value for name, value in given if value != ""}
        own = {**labels, "pid": str(os.getpid())}
        for family in collect_metric(self._metric._segment, [self._name]):
            for sample in family.samples:
                if sample.name == self._name and sample.labels in (labels, own):
                    return sample.value
        return 0.0
