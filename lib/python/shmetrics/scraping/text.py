# SPDX-License-Identifier: MIT
"""text - families in the Prometheus text format, as prometheus_client writes them

What OpenMetrics has and this format has not stands as gauges of their own.
"""

from __future__ import annotations

from typing import Dict, Iterable, List

from ..metrics_core import Metric, text_name
from ..openmetrics.escaping import escape_text
from ..samples import Sample
from ..utils import floatToGoString
from .spelling import is_plain_label, is_plain_metric, quoted

_SEPARATE_SUFFIXES = ("_created", "_gsum", "_gcount")
_TYPES = {
    "info": "gauge",
    "stateset": "gauge",
    "gaugehistogram": "histogram",
    "unknown": "untyped",
}


def write(families: Iterable[Metric]) -> bytes:
    lines: List[str] = []
    for metric in families:
        try:
            _write_family(metric, lines)
        except Exception as error:
            error.args = (error.args or ("",)) + (metric,)
            raise
    return "".join(lines).encode("utf-8", "replace")


def _write_family(metric: Metric, lines: List[str]) -> None:
    separate: Dict[str, List[str]] = {}
    _write_head(text_name(metric), metric, _TYPES.get(metric.type, metric.type), lines)
    for sample in metric.samples:
        if getattr(sample, "native_histogram", None) is not None:
            continue  # of which there is no text
        time = ""
        if sample.timestamp is not None:
            time = f" {int(float(sample.timestamp) * 1000)}"
        line = f"{sample_head(sample)} {floatToGoString(sample.value)}{time}\n"
        suffix = sample.name[len(metric.name) :]
        if suffix in _SEPARATE_SUFFIXES and sample.name.startswith(metric.name):
            separate.setdefault(suffix, []).append(line)
        else:
            lines.append(line)
    for suffix, others in sorted(separate.items()):
        _write_head(metric.name + suffix, metric, "gauge", lines)
        lines.extend(others)


def _write_head(name: str, metric: Metric, typ: str, lines: List[str]) -> None:
    written = quoted(name, is_plain_metric(name))
    documentation = metric.documentation.replace("\\", r"\\").replace("\n", r"\n")
    lines.append(f"# HELP {written} {documentation}\n# TYPE {written} {typ}\n")


def sample_head(sample: Sample) -> str:
    """The name and the labels, as all text formats have them."""
    labels = [
        f'{quoted(name, is_plain_label(name))}="{escape_text(value)}"'
        for name, value in sorted(sample.labels.items())
    ]
    if not is_plain_metric(sample.name):
        return "{" + ",".join([quoted(sample.name, False), *labels]) + "}"
    return sample.name + ("{" + ",".join(labels) + "}" if labels else "")
