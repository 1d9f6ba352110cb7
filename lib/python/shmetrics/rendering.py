# SPDX-License-Identifier: MIT
"""rendering - which format a scraper gets, and a registry in that format

What a registry has in its segment is rendered in C without the interpreter's lock; only the
families of custom collectors are rendered here.
"""

from __future__ import annotations

import gzip
from functools import partial
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import protobuf
from ._core import CONTENT_TYPE_TEXT_004, FORMAT_TEXT_004
from .metrics_core import Metric, text_name
from .openmetrics import exposition as openmetrics
from .openmetrics.escaping import ALLOWUTF8, DOTS, UNDERSCORES, VALUES, escape_metric_name
from .registry import REGISTRY, Collector
from .utils import floatToGoString, parse_version

CONTENT_TYPE_PLAIN_0_0_4 = CONTENT_TYPE_TEXT_004
CONTENT_TYPE_PLAIN_1_0_0 = "text/plain; version=1.0.0; charset=utf-8"
CONTENT_TYPE_LATEST = CONTENT_TYPE_PLAIN_1_0_0

# An exposition is mostly repetition: higher levels take many times longer and gain little.
_GZIP_LEVEL = 1


def generate_latest(registry: Collector = REGISTRY, escaping: str = UNDERSCORES) -> bytes:
    """What a registry collects, in the Prometheus text format.

    Of REGISTRY that is the whole segment, the records of all processes in it, and what the custom
    collectors of this process yield. The segment is rendered while other threads run on.
    escaping: of names beyond the older character set, "allow-utf-8", "underscores", "dots" or
    "values".
    """
    export = getattr(registry, "_export", None)
    if export is None:
        return render(registry.collect(), escaping)
    text, families = export(FORMAT_TEXT_004, escaping)
    return bytes(text) + render(families, escaping)


# ---- families of custom collectors ----

# What OpenMetrics has and the text format has not stands there as gauges of their own.
_SEPARATE_SUFFIXES = ("_created", "_gsum", "_gcount")
_TEXT_TYPES = {
    "info": "gauge",
    "stateset": "gauge",
    "gaugehistogram": "histogram",
    "unknown": "untyped",
}


def render(families: Iterable[Metric], escaping: str) -> bytes:
    """Families in the text format."""
    lines: List[str] = []
    for metric in families:
        try:
            _render_family(metric, escaping, lines)
        except Exception as error:
            error.args = (error.args or ("",)) + (metric,)
            raise
    return "".join(lines).encode("utf-8", "replace")


def _render_family(metric: Metric, escaping: str, lines: List[str]) -> None:
    separate: Dict[str, List[str]] = {}
    typ = _TEXT_TYPES.get(metric.type, metric.type)
    _render_head(text_name(metric), metric, typ, escaping, lines)
    for sample in metric.samples:
        time = ""
        if sample.timestamp is not None:
            time = f" {int(float(sample.timestamp) * 1000)}"
        head = openmetrics.sample_head(sample, escaping)
        line = f"{head} {floatToGoString(sample.value)}{time}\n"
        suffix = sample.name[len(metric.name) :]
        if suffix in _SEPARATE_SUFFIXES and sample.name.startswith(metric.name):
            separate.setdefault(suffix, []).append(line)
        else:
            lines.append(line)
    for suffix, others in sorted(separate.items()):
        _render_head(metric.name + suffix, metric, "gauge", escaping, lines)
        lines.extend(others)


def _render_head(name: str, metric: Metric, typ: str, escaping: str, lines: List[str]) -> None:
    escaped = escape_metric_name(name, escaping)
    documentation = metric.documentation.replace("\\", r"\\").replace("\n", r"\n")
    lines.append(f"# HELP {escaped} {documentation}\n# TYPE {escaped} {typ}\n")


# ---- what a scraper wants ----


class _Clause(NamedTuple):
    """One of the alternatives of an Accept or Accept-Encoding header."""

    name: str
    parameters: Mapping[str, str]
    quality: float


def _clauses(header: Optional[str]) -> List[_Clause]:
    """The acceptable ones, best first; those alike in the order of the header."""
    clauses = []
    for clause in (header or "").split(","):
        name, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(
            (key.strip().lower(), value.strip().strip('"'))
            for key, separator, value in (part.partition("=") for part in rest)
            if separator
        )
        try:
            quality = float(parameters.get("q", 1))
        except ValueError:
            quality = 1.0
        if quality > 0:
            clauses.append(_Clause(name.lower(), parameters, quality))
    return sorted(clauses, key=lambda clause: -clause.quality)


def choose_encoder(accept_header: Optional[str]) -> Tuple[Callable[[Collector], bytes], str]:
    """The function that writes what the scraper likes best, and its Content-Type.

    The clauses of the header count by their q; whoever accepts none gets the text format 0.0.4.
    """
    for clause in _clauses(accept_header):
        version = clause.parameters.get("version", "")
        escaping = clause.parameters.get("escaping", UNDERSCORES)
        if escaping not in (ALLOWUTF8, UNDERSCORES, DOTS, VALUES):
            escaping = UNDERSCORES
        numbers = parse_version(version)
        modern = all(isinstance(number, int) for number in numbers) and numbers >= (1, 0, 0)
        if clause.name == "application/openmetrics-text" and (modern or not version):
            if not version:
                return openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST
            version = ".".join(map(str, numbers))
            return (
                partial(openmetrics.generate_latest, escaping=escaping, version=version),
                f"application/openmetrics-text; version={version}; charset=utf-8; "
                f"escaping={escaping}",
            )
        if protobuf.is_asked_for(clause.name, clause.parameters):
            named = "" if escaping == UNDERSCORES else f"; escaping={escaping}"
            encoder = partial(protobuf.generate_latest, escaping=escaping)
            return encoder, protobuf.CONTENT_TYPE_LATEST + named
        if clause.name == "text/plain":
            if not modern:
                break
            return (
                partial(generate_latest, escaping=escaping),
                f"{CONTENT_TYPE_PLAIN_1_0_0}; escaping={escaping}",
            )
    return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


def gzip_accepted(accept_encoding_header: Optional[str]) -> bool:
    """Whether gzip is among the accepted encodings."""
    return any(clause.name == "gzip" for clause in _clauses(accept_encoding_header))


def bake_output(
    registry: Collector,
    accept_header: Optional[str],
    accept_encoding_header: Optional[str],
    params: Mapping[str, Sequence[str]],
    disable_compression: bool,
) -> Tuple[str, List[Tuple[str, str]], bytes]:
    """The status, headers and body of an answer. params: of the query; name[] chooses samples."""
    encoder, content_type = choose_encoder(accept_header)
    if "name[]" in params:
        registry = registry.restricted_registry(params["name[]"])  # type: ignore[attr-defined]
    output = encoder(registry)
    headers = [("Content-Type", content_type)]
    if not disable_compression and gzip_accepted(accept_encoding_header):
        output = gzip.compress(output, _GZIP_LEVEL)
        headers.append(("Content-Encoding", "gzip"))
    return "200 OK", headers, output
