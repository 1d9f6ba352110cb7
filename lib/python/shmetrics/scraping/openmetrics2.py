# SPDX-License-Identifier: MIT
"""openmetrics2 - families in OpenMetrics 2.0 (release candidate 0), without the last line

As lib/text/composite.c: a family has the name of its samples, a histogram or a summary is one sample
whose value has fields, and when a series was made stands in its own line. An exemplar needs a time.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Tuple

from ..metrics_core import Metric, text_name
from ..samples import BucketSpan, NativeHistogram, Sample
from ..utils import floatToGoString
from . import openmetrics
from .conflicts import leave_out
from .spelling import PLAIN, SUFFIXES
from .text import sample_head

_OWN_LABELS = {"summary": "quantile", "histogram": "le", "gaugehistogram": "le"}
_NOT_WHOLE = "OpenMetrics 2.0 has no histogram without a sum, and no summary with a negative one"

Series = Dict[FrozenSet[Tuple[str, str]], List[Sample]]


def write(families: Iterable[Metric]) -> bytes:
    lines: List[str] = []
    for metric in families:
        try:
            lines.extend(openmetrics.head(metric, text_name(metric)))
            lines.extend(_lines(metric))
        except Exception as error:
            error.args = (error.args or ("",)) + (metric,)
            raise
    return "".join(lines).encode("utf-8", "replace")


def _number(value: float) -> str:
    text = floatToGoString(value)
    return text[:-2] if text.endswith(".0") else text


def _lines(metric: Metric) -> Iterator[str]:
    for samples in _series(metric).values():
        named = {sample.name[len(metric.name) :]: sample for sample in samples}
        has_start = "_created" in SUFFIXES.get(metric.type, PLAIN)
        created = named.pop("_created", None) if has_start else None
        start = f" st@{_number(created.value)}" if created else ""
        if metric.type in _OWN_LABELS:
            yield from _composite(metric, samples, named, start)
            continue
        for sample in samples:
            if sample is not created:
                value = _number(sample.value)
                yield f"{sample_head(sample)} {value}{_time(sample)}{start}{_notes(metric, [sample])}\n"


def _series(metric: Metric) -> Series:
    """The samples that are one metric, by its labels."""
    own = _OWN_LABELS.get(metric.type)
    series: Series = {}
    for sample in metric.samples:
        labels = frozenset(pair for pair in sample.labels.items() if pair[0] != own)
        series.setdefault(labels, []).append(sample)
    return series


def _time(sample: Sample) -> str:
    return "" if sample.timestamp is None else f" {sample.timestamp}"


def _notes(metric: Metric, samples: Iterable[Sample]) -> str:
    notes = []
    for sample in samples:
        native = getattr(sample, "native_histogram", None)
        if sample.exemplar:
            openmetrics.check_exemplar(metric, sample)
        for exemplar in [sample.exemplar, *((native and native.nh_exemplars) or ())]:
            if exemplar and exemplar.timestamp is not None:
                notes.append(openmetrics.exemplar_note(exemplar, _number))
    return "".join(notes)


# ---- composite values ----


def _composite(
    metric: Metric, samples: List[Sample], named: Dict[str, Sample], start: str
) -> Iterator[str]:
    value = _value(metric, samples, named)
    if value is None:
        leave_out(metric.name, _NOT_WHOLE)
        return
    own = _OWN_LABELS[metric.type]
    first = samples[0]
    labels = {name: text for name, text in first.labels.items() if name != own}
    head = sample_head(first._replace(name=metric.name, labels=labels))
    yield f"{head} {{{value}}}{_time(first)}{start}{_notes(metric, samples)}\n"


def _value(metric: Metric, samples: List[Sample], named: Dict[str, Sample]) -> Optional[str]:
    for sample in samples:
        native = getattr(sample, "native_histogram", None)
        if native is not None:
            buckets = _buckets(metric, samples)
            return _native(native) + (f",{buckets}" if buckets else "")
    before = "g" if metric.type == "gaugehistogram" else ""
    count, total = named.get(f"_{before}count"), named.get(f"_{before}sum")
    if count is None or total is None or metric.type == "summary" and not float(total.value) >= 0:
        return None
    buckets = _buckets(metric, samples)
    totals = f"{before}count:{_number(count.value)},{before}sum:{_number(total.value)}"
    return f"{totals},{buckets}" if buckets else None


def _buckets(metric: Metric, samples: Iterable[Sample]) -> str:
    is_summary = metric.type == "summary"
    name, label = (metric.name, "quantile") if is_summary else (metric.name + "_bucket", "le")
    pairs = [
        f"{sample.labels[label]}:{_number(sample.value)}"
        for sample in samples
        if sample.name == name and label in sample.labels
    ]
    if not pairs and not is_summary:
        return ""
    return f"{'quantile' if is_summary else 'bucket'}:[{','.join(pairs)}]"


def _native(histogram: NativeHistogram) -> str:
    parts = [
        f"count:{_number(histogram.count_value)}",
        f"sum:{_number(histogram.sum_value)}",
        f"schema:{histogram.schema}",
        f"zero_threshold:{_number(histogram.zero_threshold)}",
        f"zero_count:{_number(histogram.zero_count)}",
    ]
    parts += _side("negative", histogram.neg_spans, histogram.neg_deltas)
    parts += _side("positive", histogram.pos_spans, histogram.pos_deltas)
    return ",".join(parts)


def _side(
    side: str, spans: Optional[Sequence[BucketSpan]], deltas: Optional[Sequence[int]]
) -> List[str]:
    """Counts stand here as they are, not as differences."""
    if not spans:
        return []
    counts: List[int] = []
    for delta in deltas or ():
        counts.append(delta + (counts[-1] if counts else 0))
    return [
        f"{side}_spans:[{','.join(f'{offset}:{length}' for offset, length in spans)}]",
        f"{side}_buckets:[{','.join(map(_number, counts))}]",
    ]
