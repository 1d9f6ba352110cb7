# SPDX-License-Identifier: MIT
"""openmetrics - families in OpenMetrics 1.0, without the last line of an exposition

Numbers and labels are written as prometheus_client does, headers in the order of the segment's.
"""

from __future__ import annotations

import re
from typing import Callable, Iterable, List

from ..metrics_core import Metric
from ..openmetrics.escaping import escape_text
from ..samples import Exemplar, Sample
from ..utils import floatToGoString
from .spelling import is_plain_metric, quoted
from .text import sample_head

_UNIT = re.compile(r"[a-zA-Z0-9_:]+")


def write(families: Iterable[Metric]) -> bytes:
    lines: List[str] = []
    for metric in families:
        try:
            lines.extend(head(metric, metric.name))
            lines.extend(_line(metric, sample) for sample in metric.samples if _is_written(sample))
        except Exception as error:
            error.args = (error.args or ("",)) + (metric,)
            raise
    return "".join(lines).encode("utf-8", "replace")


def head(metric: Metric, name: str) -> List[str]:
    """The comments of a family. name: as they have it."""
    written = quoted(name, is_plain_metric(name))
    lines = [f"# TYPE {written} {metric.type}\n"]
    if has_unit(metric):
        lines.append(f"# UNIT {written} {metric.unit}\n")
    lines.append(f"# HELP {written} {escape_text(metric.documentation)}\n")
    return lines


def has_unit(metric: Metric) -> bool:
    """Whether it may be told: one that the name does not end in would cost the whole scrape."""
    if not metric.unit or metric.type in ("info", "stateset"):
        return False
    return metric.name.endswith("_" + metric.unit) and _UNIT.fullmatch(metric.unit) is not None


def _is_written(sample: Sample) -> bool:
    return getattr(sample, "native_histogram", None) is None  # samples of an older client have none


def _line(metric: Metric, sample: Sample) -> str:
    time = "" if sample.timestamp is None else f" {sample.timestamp}"
    note = ""
    if sample.exemplar:
        check_exemplar(metric, sample)
        note = exemplar_note(sample.exemplar, floatToGoString)
    return f"{sample_head(sample)} {floatToGoString(sample.value)}{time}{note}\n"


def check_exemplar(metric: Metric, sample: Sample) -> None:
    counts = metric.type == "counter" and sample.name.endswith("_total")
    buckets = metric.type in ("histogram", "gaugehistogram") and sample.name.endswith("_bucket")
    if not (counts or buckets or metric.type == "histogram" and sample.name == metric.name):
        raise ValueError(
            f"Metric {metric.name} has exemplars, but is not a histogram bucket or counter"
        )


def exemplar_note(exemplar: Exemplar, number: Callable[[float], str]) -> str:
    labels = ",".join(f'{key}="{escape_text(v)}"' for key, v in sorted(exemplar.labels.items()))
    time = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f" # {{{labels}}} {number(exemplar.value)}{time}"
