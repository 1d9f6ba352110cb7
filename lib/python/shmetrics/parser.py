# SPDX-License-Identifier: MIT
"""parser - the text format 0.0.4, back into metric families

Reads what the text format allows, not only what shmetrics writes. A line that is none is a
ValueError.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from .metrics_core import Metric

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(
    r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|(?=\}))', re.DOTALL
)
_SAMPLE = re.compile(rf"[ \t]*({_NAME})[ \t]*(\{{)?")
_LABELS_END = re.compile(r"[ \t]*\}")
_VALUES = re.compile(r"[ \t]*([^ \t]+)(?:[ \t]+(-?\d+))?[ \t]*$")
_COMMENT = re.compile(rf"#[ \t]*(HELP|TYPE)[ \t]+({_NAME})(?:[ \t](.*))?$")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}

_SUFFIXES = {
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}


def text_string_to_metric_families(text: str) -> Iterator[Metric]:
    """The families of an exposition, in its order."""
    return _families(text.split("\n"))


def text_bytes_to_metric_families(text: bytes) -> Iterator[Metric]:
    return text_string_to_metric_families(text.decode("utf-8"))


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[0]), text)


def _unescape_help(text: str) -> str:
    # In HELP a quotation mark is not escaped, so its backslash is its own.
    return _ESCAPE.sub(lambda match: match[0] if match[1] == '"' else _unescape(match[0]), text)


def _parse_labels(line: str, position: int) -> Tuple[Dict[str, str], int]:
    labels: Dict[str, str] = {}
    while True:
        end = _LABELS_END.match(line, position)
        if end:
            return labels, end.end()
        match = _LABEL.match(line, position)
        if not match:
            raise ValueError(f"Invalid labels: {line}")
        labels[match[1]] = _unescape(match[2])
        position = match.end()


def _parse_sample(line: str) -> Tuple[str, Dict[str, str], float, Optional[float]]:
    match = _SAMPLE.match(line)
    if not match:
        raise ValueError(f"Invalid line: {line}")
    labels: Dict[str, str] = {}
    position = match.end()
    if match[2]:
        labels, position = _parse_labels(line, position)
    values = _VALUES.match(line, position)
    if not values or "_" in values[1]:
        raise ValueError(f"Invalid value: {line}")
    timestamp = None if values[2] is None else int(values[2]) / 1000
    return match[1], labels, float(values[1]), timestamp


def _belongs(name: str, family: Metric, text_name: str) -> bool:
    return name == text_name or any(
        name == family.name + suffix for suffix in _SUFFIXES.get(family.type, ())
    )


def _families(lines: Iterable[str]) -> Iterator[Metric]:
    family: Optional[Metric] = None
    text_name = ""
    for line in lines:
        line = line.rstrip("\r")
        if not line.strip():
            continue
        comment = _COMMENT.match(line)
        if line.startswith("#") and not comment:
            continue
        if comment:
            keyword, name, rest = comment.groups(default="")
            if family is None or name != text_name:
                if family is not None:
                    yield family
                family, text_name = Metric(name, "", "unknown"), name
            if keyword == "HELP":
                family.documentation = _unescape_help(rest)
            else:
                family.type = {"untyped": "unknown"}.get(rest.strip(), rest.strip())
                if family.type == "counter" and name.endswith("_total"):
                    family.name = name[: -len("_total")]
            continue
        name, labels, value, timestamp = _parse_sample(line)
        if family is None or not _belongs(name, family, text_name):
            if family is not None:
                yield family
            family, text_name = Metric(name, "", "unknown"), name
        family.add_sample(name, labels, value, timestamp)
    if family is not None:
        yield family


__all__: List[str] = ["text_string_to_metric_families", "text_bytes_to_metric_families"]
