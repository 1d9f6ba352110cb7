# SPDX-License-Identifier: MIT
"""parser - the OpenMetrics text format, back into metric families

Reads what is well-formed line by line; a line that is not, and what stands behind "# EOF", is a
ValueError. Whether the numbers make sense together it does not ask.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, Optional, TextIO, Tuple

from ..metrics_core import METRIC_TYPES, Metric
from ..parser import read_head, read_labels, read_number, unescape
from ..samples import Exemplar, Sample

__all__ = ("text_fd_to_metric_families", "text_string_to_metric_families")

_METADATA = re.compile(
    r'# (HELP|TYPE|UNIT) (?:"((?:[^"\\]|\\.)*)"|([a-zA-Z_:][a-zA-Z0-9_:]*)) (.*)$', re.DOTALL
)
_VALUES = re.compile(r" ([^ ]+)(?: ([^ #]+))?(?:$| # \{)")
_EXEMPLAR_VALUES = re.compile(r" ([^ ]+)(?: ([^ ]+))?$")
_SUFFIXES: Dict[str, Tuple[str, ...]] = {
    "counter": ("_total", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
    "histogram": ("", "_bucket", "_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "info": ("_info",),
}


def text_string_to_metric_families(text: str) -> Iterator[Metric]:
    """The families of an exposition, in its order."""
    lines = text.split("\n")
    if lines.pop():
        raise ValueError("the last line does not end in a newline")
    return _families(lines)


def text_fd_to_metric_families(fd: TextIO) -> Iterator[Metric]:
    """The families of an exposition in an open text file."""
    return text_string_to_metric_families(fd.read())


def _families(lines: Iterable[str]) -> Iterator[Metric]:
    family: Optional[Metric] = None
    ended = False
    for line in lines:
        if ended:
            raise ValueError(f"there is more behind # EOF: {line}")
        if line == "# EOF":
            ended = True
            continue
        metadata = _METADATA.match(line)
        if metadata:
            keyword, quoted, bare, rest = metadata.groups()
            name = bare if quoted is None else unescape(quoted)
            if family is None or name != family.name:
                if family is not None:
                    yield family
                family = Metric(name, "", "unknown")
            _describe(family, keyword, rest)
            continue
        sample = _sample(line)
        if family is None or not _belongs(sample.name, family):
            if family is not None:
                yield family
            family = Metric(sample.name, "", "unknown")
        family.samples.append(sample)
    if not ended:
        raise ValueError("# EOF is missing")
    if family is not None:
        yield family


def _describe(family: Metric, keyword: str, text: str) -> None:
    if keyword == "HELP":
        family.documentation = unescape(text)
    elif keyword == "UNIT":
        family.unit = text
    elif text in METRIC_TYPES:
        family.type = text
    else:
        raise ValueError(f"Invalid metric type: {text}")


def _belongs(name: str, family: Metric) -> bool:
    return any(name == family.name + suffix for suffix in _SUFFIXES.get(family.type, ("",)))


def _sample(line: str) -> Sample:
    name, labels, position = read_head(line)
    values = _VALUES.match(line, position)
    if not values:
        raise ValueError(f"Invalid line: {line}")
    exemplar = None
    if values.end() < len(line):
        _, exemplar_labels, position = read_labels(line, values.end())
        rest = _EXEMPLAR_VALUES.match(line, position)
        if not rest:
            raise ValueError(f"Invalid exemplar: {line}")
        exemplar = Exemplar(exemplar_labels, read_number(rest[1], line), _time(rest[2], line))
    return Sample(name, labels, read_number(values[1], line), _time(values[2], line), exemplar)


def _time(text: Optional[str], line: str) -> Optional[float]:
    return None if text is None else read_number(text, line)
