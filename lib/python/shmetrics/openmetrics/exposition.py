# SPDX-License-Identifier: MIT
"""exposition - families in the OpenMetrics text format"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, List

from .._core import FORMAT_OPENMETRICS_100
from ..metrics_core import Metric
from ..samples import Exemplar, NativeHistogram, Sample
from ..utils import floatToGoString, parse_version
from ..validation import _is_valid_legacy_metric_name
from .escaping import (
    ALLOWUTF8,
    DOTS,
    UNDERSCORES,
    VALUES,
    escape_label_name,
    escape_metric_name,
    escape_text,
)

if TYPE_CHECKING:
    from ..registry import Collector

CONTENT_TYPE_LATEST = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CONTENT_TYPE_LATEST_2_0 = "application/openmetrics-text; version=2.0.0; charset=utf-8"
ESCAPING_HEADER_TAG = "escaping"

EOF = b"# EOF\n"

__all__ = (
    "ALLOWUTF8",
    "CONTENT_TYPE_LATEST",
    "CONTENT_TYPE_LATEST_2_0",
    "DOTS",
    "ESCAPING_HEADER_TAG",
    "UNDERSCORES",
    "VALUES",
    "escape_label_name",
    "escape_metric_name",
    "generate_latest",
)


def generate_latest(
    registry: Collector, escaping: str = UNDERSCORES, version: str = "1.0.0"
) -> bytes:
    """What a registry collects, in the OpenMetrics text format.

    escaping: of names beyond the older character set. version: "2.0.0" also has native histograms.
    """
    export = getattr(registry, "_export", None)
    if export is None:
        return render(registry.collect(), escaping, version) + EOF
    text, families = export(FORMAT_OPENMETRICS_100, escaping)
    return bytes(text) + render(families, escaping, version) + EOF


def render(families: Iterable[Metric], escaping: str, version: str = "1.0.0") -> bytes:
    """The lines of the families, without the last one of a text."""
    native = parse_version(version) >= (2, 0, 0)
    lines: List[str] = []
    for metric in families:
        try:
            _render_family(metric, escaping, native, lines)
        except Exception as error:
            error.args = (error.args or ("",)) + (metric,)
            raise
    return "".join(lines).encode("utf-8", "replace")


def _render_family(metric: Metric, escaping: str, native: bool, lines: List[str]) -> None:
    name = escape_metric_name(metric.name, escaping)
    lines.append(f"# HELP {name} {escape_text(metric.documentation)}\n")
    lines.append(f"# TYPE {name} {metric.type}\n")
    if metric.unit:
        lines.append(f"# UNIT {name} {metric.unit}\n")
    for sample in metric.samples:
        # Samples of an older prometheus_client have none.
        histogram = getattr(sample, "native_histogram", None)
        if histogram and not native:
            continue
        if histogram:
            value = _native_histogram(histogram)
            exemplars = [*(histogram.nh_exemplars or ())]
        else:
            value = "" if sample.value is None else floatToGoString(sample.value)
            exemplars = []
        if sample.exemplar:
            exemplars.insert(0, sample.exemplar)
        time = "" if sample.timestamp is None else f" {sample.timestamp}"
        notes = "".join(_exemplar(metric, sample, exemplar) for exemplar in exemplars)
        lines.append(f"{sample_head(sample, escaping)} {value}{time}{notes}\n")


def sample_head(sample: Sample, escaping: str) -> str:
    """The name and the labels, as both text formats have them."""
    name = escape_metric_name(sample.name, escaping)
    labels = [
        f'{escape_label_name(key, escaping)}="{escape_text(value)}"'
        for key, value in sorted(sample.labels.items())
    ]
    if escaping == ALLOWUTF8 and not _is_valid_legacy_metric_name(sample.name):
        return "{" + ",".join([name, *labels]) + "}"
    return name + ("{" + ",".join(labels) + "}" if labels else "")


def _exemplar(metric: Metric, sample: Sample, exemplar: Exemplar) -> str:
    counts = metric.type == "counter" and sample.name.endswith("_total")
    buckets = metric.type in ("histogram", "gaugehistogram") and sample.name.endswith("_bucket")
    if not (counts or buckets or metric.type == "histogram" and sample.name == metric.name):
        raise ValueError(
            f"Metric {metric.name} has exemplars, but is not a histogram bucket or counter"
        )
    labels = ",".join(f'{key}="{escape_text(v)}"' for key, v in sorted(exemplar.labels.items()))
    time = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f" # {{{labels}}} {floatToGoString(exemplar.value)}{time}"


def _native_histogram(histogram: NativeHistogram) -> str:
    parts = [
        f"count:{histogram.count_value}",
        f"sum:{histogram.sum_value}",
        f"schema:{histogram.schema}",
        f"zero_threshold:{histogram.zero_threshold}",
        f"zero_count:{histogram.zero_count}",
    ]
    for sign, spans, deltas in (
        ("negative", histogram.neg_spans, histogram.neg_deltas),
        ("positive", histogram.pos_spans, histogram.pos_deltas),
    ):
        if spans:
            parts.append(f"{sign}_spans:[{','.join(f'{span[0]}:{span[1]}' for span in spans)}]")
            parts.append(f"{sign}_deltas:[{','.join(map(str, deltas or ()))}]")
    return "{" + ",".join(parts) + "}"
