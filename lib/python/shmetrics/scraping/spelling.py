# SPDX-License-Identifier: MIT
"""spelling - the names in a family, as a scraper with this escaping gets them

A name of the older character set is the same for everybody. The suffix that is part of the name of a
counter or an info is escaped with it, so that x.y_total comes back whole: the "_" before it is one of
two then. Labels that an escaping makes one and the same are written by "values", all of the family.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Collection, Dict, List, Optional, Tuple

from ..metrics_core import Metric
from ..openmetrics.escaping import (
    ALLOWUTF8,
    DOTS,
    UNDERSCORES,
    VALUES,
    escape_label_name,
    escape_metric_name,
    escape_text,
)
from ..samples import Sample
from ..utils import floatToGoString
from ..validation import METRIC_LABEL_NAME_RE, METRIC_NAME_RE

SUFFIXES: Dict[str, Tuple[str, ...]] = {
    "counter": ("", "_total", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
    "histogram": ("", "_bucket", "_sum", "_count", "_created"),
    "gaugehistogram": ("", "_bucket", "_gsum", "_gcount"),
    "info": ("", "_info"),
}
PLAIN: Tuple[str, ...] = ("",)

_OWN_LABELS = {"summary": "quantile", "histogram": "le", "gaugehistogram": "le"}


def known_escaping(escaping: str) -> str:
    """What every scraper understands where it is none."""
    return escaping if escaping in (ALLOWUTF8, DOTS, VALUES) else UNDERSCORES


# Samples come by the thousand, their names do not.
_names_kept = lru_cache(maxsize=4096)


@_names_kept
def is_plain_metric(name: str) -> bool:
    return METRIC_NAME_RE.fullmatch(name) is not None


@_names_kept
def is_plain_label(name: str) -> bool:
    return METRIC_LABEL_NAME_RE.fullmatch(name) is not None


def metric_name(name: str, escaping: str) -> str:
    """The name of a family or sample by itself."""
    if is_plain_metric(name):
        return name
    return _utf8(name) if escaping == ALLOWUTF8 else escape_metric_name(name, escaping)


def label_name(name: str, escaping: str) -> str:
    if is_plain_label(name):
        return name
    return _utf8(name) if escaping == ALLOWUTF8 else escape_label_name(name, escaping)


def _utf8(name: str) -> str:
    """As it is written: a surrogate, which UTF-8 has not, is a question mark there."""
    return name.encode("utf-8", "replace").decode("utf-8")


def quoted(name: str, is_plain: bool) -> str:
    """As it stands in a text."""
    return name if is_plain else f'"{escape_text(name)}"'


def family_name(name: str, typ: str, escaping: str) -> str:
    """The name of a family, without the suffixes of its samples."""
    if typ == "stateset":  # which OpenMetrics knows by its label
        return label_name(name, escaping)
    doubled = typ in ("counter", "info") and escaping in (DOTS, VALUES)
    return metric_name(name, escaping) + ("_" if doubled and not is_plain_metric(name) else "")


def sample_names(name: str, escaping: str) -> List[str]:
    """All that a sample of this name may be written as, whatever family it is of."""
    names = [name]
    for scheme in (escaping, VALUES):
        names.append(metric_name(name, scheme))
        for typ, suffixes in SUFFIXES.items():
            for suffix in suffixes[1:]:
                if name.endswith(suffix):
                    names.append(family_name(name[: -len(suffix)], typ, scheme) + suffix)
    return names


def spell(metric: Metric, escaping: str) -> Optional[Metric]:
    """The family with its names as they are written; None if its labels are not fit to be served.

    Labels without a value are absent ones, and bounds are written in their one form.
    """
    used = {
        name for sample in metric.samples for name, value in sample.labels.items() if value != ""
    }
    for by in (escaping, VALUES):
        labels = {name: label_name(name, by) for name in used}
        if _are_fit(labels.values()):
            break
    else:
        return None
    spelled = Metric.__new__(Metric)
    spelled.name = family_name(
        metric.name, metric.type, by if metric.type == "stateset" else escaping
    )
    spelled.documentation, spelled.type = metric.documentation, metric.type
    spelled.unit = metric.unit
    own = _OWN_LABELS.get(metric.type, "")
    names = {
        name: _sample_name(metric, spelled.name, name, escaping)
        for name in {sample.name for sample in metric.samples}
    }
    if own not in used and _are_kept(names) and _are_kept(labels) and not _has_empty_label(metric):
        spelled.samples = list(metric.samples)  # most of them: a copy of each takes its time
        return spelled
    spelled.samples = [
        sample._replace(name=names[sample.name], labels=_labels(sample, labels, own))
        for sample in metric.samples
    ]
    return spelled


def _are_kept(written: Dict[str, str]) -> bool:
    return all(name == as_written for name, as_written in written.items())


def _has_empty_label(metric: Metric) -> bool:
    return any("" in sample.labels.values() for sample in metric.samples)


def _are_fit(labels: Collection[str]) -> bool:
    """Whether they can be told apart, and none is one of Prometheus' own."""
    return len(set(labels)) == len(labels) and not any(name.startswith("__") for name in labels)


def _sample_name(metric: Metric, family: str, sample: str, escaping: str) -> str:
    suffix = sample[len(metric.name) :]
    if sample.startswith(metric.name) and suffix in SUFFIXES.get(metric.type, PLAIN):
        return family + suffix
    return metric_name(sample, escaping)


def _labels(sample: Sample, names: Dict[str, str], own: str) -> Dict[str, str]:
    labels = {names[name]: value for name, value in sample.labels.items() if value != ""}
    if isinstance(labels.get(own), str):
        labels[own] = _bound(labels[own])
    return labels


def _bound(text: str) -> str:
    """Of "1" and "1.0", which a Prometheus takes for two series, the latter."""
    try:
        return floatToGoString(text)
    except ValueError:  # whoever reads it says so
        return text
