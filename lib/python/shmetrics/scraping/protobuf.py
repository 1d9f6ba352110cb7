# SPDX-License-Identifier: MIT
"""protobuf - families as delimited protocol buffers, a MetricFamily of Prometheus for each

As the text format has them: an info and a state set are gauges.
"""

from __future__ import annotations

import math
import struct
from typing import Dict, Iterable, List, Optional, Tuple

from ..metrics_core import Metric, text_name
from ..samples import Exemplar, NativeHistogram, Sample
from .conflicts import leave_out
from .openmetrics import has_unit

# ---- the wire format ----

# Of NaN there is one, and it is the one that Prometheus makes of text: another marks the end of a
# series there.
_NAN = struct.pack("<Q", 0x7FF8000000000001)


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _double(field: int, value: float) -> bytes:
    value = float(value)  # the text formats take what can be one, too
    data = _NAN if math.isnan(value) else struct.pack("<d", value)
    return _varint(field << 3 | 1) + data


def _message(field: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode("utf-8", "replace"))


# ---- families ----

_GAUGE, _COUNTER, _SUMMARY, _UNTYPED, _HISTOGRAM = 2, 3, 4, 5, 7  # the fields of a Metric
_TYPES = {  # the number of the type, and the field
    "counter": (0, _COUNTER),
    "gauge": (1, _GAUGE),
    "info": (1, _GAUGE),
    "stateset": (1, _GAUGE),
    "summary": (2, _SUMMARY),
    "histogram": (4, _HISTOGRAM),
    "gaugehistogram": (5, _HISTOGRAM),
}
_UNKNOWN = (3, _UNTYPED)
_OWN_LABELS = {"summary": "quantile", "histogram": "le", "gaugehistogram": "le"}

_Labels = Tuple[Tuple[str, str], ...]


class _Unsayable(Exception):
    """A text would hold it, and this format has no place for it."""


def write(families: Iterable[Metric]) -> bytes:
    bodies = []
    for metric in families:
        try:
            body = _family(metric)
        except _Unsayable as error:
            leave_out(metric.name, f"protobuf has no {error}")
            continue
        except Exception as error:
            error.args = (error.args or ("",)) + (metric,)
            raise
        bodies.append(_varint(len(body)) + body)
    return b"".join(bodies)


def _family(metric: Metric) -> bytes:
    number, field = _TYPES.get(metric.type, _UNKNOWN)
    name = text_name(metric)
    parts = [_text(1, name)]
    if metric.documentation:
        parts.append(_text(2, metric.documentation))
    parts.append(_number(3, number))
    if field in (_GAUGE, _UNTYPED):
        for sample in metric.samples:
            if sample.name == name:
                value = [_double(1, sample.value)]
                parts.append(_metric(_labels(sample), field, value, [sample]))
    else:
        write = {_COUNTER: _counter, _SUMMARY: _summary, _HISTOGRAM: _histogram}[field]
        for labels, samples in _grouped(metric).items():
            parts.append(_metric(labels, field, write(metric, samples), samples))
    if has_unit(metric):
        parts.append(_text(5, metric.unit))
    return b"".join(parts)


def _labels(sample: Sample, own: Optional[str] = None) -> _Labels:
    """own: what is no label here, but a field."""
    return tuple(pair for pair in sample.labels.items() if pair[0] != own)


def _grouped(metric: Metric) -> Dict[_Labels, List[Sample]]:
    """The samples that are one metric, by its labels."""
    groups: Dict[_Labels, List[Sample]] = {}
    for sample in metric.samples:
        labels = tuple(sorted(_labels(sample, _OWN_LABELS.get(metric.type))))
        groups.setdefault(labels, []).append(sample)
    return groups


def _metric(labels: _Labels, field: int, value: List[bytes], samples: List[Sample]) -> bytes:
    parts = [_pair(name, text) for name, text in labels]
    parts.append(_message(field, *value))
    timestamp = samples[0].timestamp
    if timestamp is not None:
        milliseconds = _number(6, int(float(timestamp) * 1000))
        parts.insert(len(parts) if field < 6 else len(parts) - 1, milliseconds)
    return _message(4, *parts)


def _pair(name: str, value: str) -> bytes:
    return _message(1, _text(1, name), _text(2, value))


# ---- values of several samples ----


def _find(metric: Metric, samples: List[Sample], *suffixes: str) -> Optional[Sample]:
    for sample in samples:
        if sample.name in [metric.name + suffix for suffix in suffixes]:
            return sample
    return None


def _time(field: int, seconds: float) -> bytes:
    whole = math.floor(seconds)
    return _message(field, _number(1, whole), _number(2, int((seconds - whole) * 1e9)))


def _start(metric: Metric, samples: List[Sample], field: int) -> List[bytes]:
    created = _find(metric, samples, "_created")
    return [_time(field, float(created.value))] if created else []


def _exemplar(field: int, exemplar: Optional[Exemplar]) -> List[bytes]:
    if not exemplar:
        return []
    parts = [_pair(name, value) for name, value in exemplar.labels.items()]
    parts.append(_double(2, exemplar.value))
    if exemplar.timestamp is not None:
        parts.append(_time(3, float(exemplar.timestamp)))
    return [_message(field, *parts)]


def _counter(metric: Metric, samples: List[Sample]) -> List[bytes]:
    total = _find(metric, samples, "_total", "")
    value = [_double(1, total.value), *_exemplar(2, total.exemplar)] if total else []
    return value + _start(metric, samples, 3)


def _count(field: int, value: float) -> bytes:
    number = value if isinstance(value, int) else float(value)
    if not math.isfinite(number):
        raise _Unsayable(f"count that is {number}")
    return _number(field, int(number))


def _own_label(sample: Sample, label: str) -> float:
    """What is a number here, and a label elsewhere."""
    try:
        return float(sample.labels[label])
    except (KeyError, ValueError):
        has = sample.labels.get(label)
        raise _Unsayable(f"sample of {sample.name} whose {label} is {has!r}") from None


def _totals(metric: Metric, samples: List[Sample]) -> List[bytes]:
    count = _find(metric, samples, "_count", "_gcount")
    total = _find(metric, samples, "_sum", "_gsum")
    parts = [_count(1, count.value)] if count else []
    return parts + ([_double(2, total.value)] if total else [])


def _summary(metric: Metric, samples: List[Sample]) -> List[bytes]:
    quantiles = [
        _message(3, _double(1, _own_label(sample, "quantile")), _double(2, sample.value))
        for sample in samples
        if sample.name == metric.name and "quantile" in sample.labels
    ]
    return [*_totals(metric, samples), *quantiles, *_start(metric, samples, 4)]


def _histogram(metric: Metric, samples: List[Sample]) -> List[bytes]:
    parts = _totals(metric, samples)
    for sample in samples:
        if sample.name == metric.name + "_bucket":
            count = _count(1, sample.value), _double(2, _own_label(sample, "le"))
            parts.append(_message(3, *count, *_exemplar(3, sample.exemplar)))
    start = _start(metric, samples, 15)
    # Samples of an older prometheus_client have none.
    for native in (getattr(sample, "native_histogram", None) for sample in samples):
        if native:
            totals = [_number(1, int(native.count_value)), _double(2, native.sum_value)]
            return [*(parts or totals), *_native(native, start)]
    return parts + start


def _native(histogram: NativeHistogram, start: List[bytes]) -> List[bytes]:
    parts = [
        _number(5, _zigzag(histogram.schema)),
        _double(6, histogram.zero_threshold),
        _number(7, int(histogram.zero_count)),
    ]
    if histogram.neg_spans:
        parts += _side(9, histogram.neg_spans, histogram.neg_deltas or ())
    # Without any span it would be taken for a classic histogram.
    parts += _side(12, histogram.pos_spans or [(0, 0)], histogram.pos_deltas or ())
    for exemplar in histogram.nh_exemplars or ():
        start = start + _exemplar(16, exemplar)
    return parts + start


def _side(field: int, spans: Iterable[Tuple[int, int]], deltas: Iterable[int]) -> List[bytes]:
    parts = [
        _message(field, _number(1, _zigzag(offset)), _number(2, length)) for offset, length in spans
    ]
    packed = [_varint(_zigzag(delta)) for delta in deltas]
    return [*parts, _message(field + 1, *packed)] if packed else parts
