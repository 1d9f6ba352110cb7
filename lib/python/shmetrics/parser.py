# SPDX-License-Identifier: MIT
"""parser - the text format 0.0.4, back into metric families

Reads what the text format allows, not only what shmetrics writes. A line that is none is a
ValueError.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, Optional, TextIO, Tuple

from .metrics_core import Metric

__all__ = (
    "text_bytes_to_metric_families",
    "text_fd_to_metric_families",
    "text_string_to_metric_families",
)

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_ITEM = re.compile(
    rf"[ \t]*(?:{_QUOTED}|([a-zA-Z_][a-zA-Z0-9_]*))[ \t]*(?:=[ \t]*{_QUOTED})?[ \t]*(,|(?=\}}))",
    re.DOTALL,
)
_SAMPLE = re.compile(rf"[ \t]*({_NAME})?[ \t]*(\{{)?")
_NO_ITEMS = re.compile(r"[ \t]*,?[ \t]*\}")
_END = re.compile(r"[ \t]*\}")
_VALUES = re.compile(r"[ \t]*([^ \t]+)(?:[ \t]+(-?\d+))?[ \t]*$")
_COMMENT = re.compile(
    rf"#[ \t]*(HELP|TYPE)[ \t]+(?:{_QUOTED}|({_NAME}))(?:[ \t]+(.*))?$", re.DOTALL
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}
_SUFFIXES = {
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}


def text_string_to_metric_families(text: str) -> Iterator[Metric]:
    """The families of an exposition, in its order."""
    return _families(text.split("\n"))


def text_fd_to_metric_families(fd: TextIO) -> Iterator[Metric]:
    """The families of an exposition in an open text file."""
    return _families(line.rstrip("\n") for line in fd)


def text_bytes_to_metric_families(text: bytes) -> Iterator[Metric]:
    """The families of an exposition, in its order."""
    return text_string_to_metric_families(text.decode("utf-8"))


def unescape(text: str) -> str:
    """What stands for a newline, a backslash or a quotation mark, in a label value."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[0]), text)


def _unescape_help(text: str) -> str:
    # In HELP a quotation mark is not escaped, so its backslash is its own.
    return _ESCAPE.sub(lambda match: match[0] if match[1] == '"' else unescape(match[0]), text)


def read_head(line: str) -> Tuple[str, Dict[str, str], int]:
    """The name and the labels at the beginning of a sample, and where they end."""
    match = _SAMPLE.match(line)
    if not match or match[2] is None:
        if not match or match[1] is None:
            raise ValueError(f"Invalid line: {line}")
        return match[1], {}, match.end(1)
    name, labels, position = read_labels(line, match.end())
    if (name is None) == (match[1] is None):
        raise ValueError(f"Invalid line: {line}")
    return name or match[1], labels, position


def read_labels(line: str, position: int) -> Tuple[Optional[str], Dict[str, str], int]:
    """What stands in braces, from behind the first: a name or none, the labels, the end."""
    name: Optional[str] = None
    labels: Dict[str, str] = {}
    end = _NO_ITEMS.match(line, position)
    while not end:
        item = _ITEM.match(line, position)
        if not item:
            raise ValueError(f"Invalid labels: {line}")
        quoted, bare, value, _ = item.groups()
        if value is not None:
            labels[bare if quoted is None else unescape(quoted)] = unescape(value)
        elif quoted is not None and name is None and not labels:
            name = unescape(quoted)
        else:
            raise ValueError(f"Invalid labels: {line}")
        position = item.end()
        end = _END.match(line, position)
    return name, labels, end.end()


def read_number(text: str, line: str) -> float:
    if "_" in text:  # Python takes 1_000
        raise ValueError(f"Invalid value: {line}")
    return float(text)


def _parse_sample(line: str) -> Tuple[str, Dict[str, str], float, Optional[float]]:
    name, labels, position = read_head(line)
    values = _VALUES.match(line, position)
    if not values:
        raise ValueError(f"Invalid value: {line}")
    timestamp = None if values[2] is None else int(values[2]) / 1000
    return name, labels, read_number(values[1], line), timestamp


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
            keyword, quoted, bare, rest = comment.groups()
            name = bare if quoted is None else unescape(quoted)
            if family is None or name != text_name:
                if family is not None:
                    yield family
                family, text_name = Metric(name, "", "unknown"), name
            if keyword == "HELP":
                family.documentation = _unescape_help(rest or "")
            else:
                typ = (rest or "").strip()
                family.type = {"untyped": "unknown"}.get(typ, typ)
                if family.type == "counter" and name.endswith("_total"):
                    family.name = name[: -len("_total")]
            continue
        name, labels, value, timestamp = _parse_sample(line)
        if family is None or not _belongs(name, family, text_name):
            if family is not None:
                yield family
            family, text_name = Metric(name, "", "unknown"), name
        if family.type == "counter" and name == family.name:
            name += "_total"
        family.add_sample(name, labels, value, timestamp)
    if family is not None:
        yield family
