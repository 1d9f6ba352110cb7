# SPDX-License-Identifier: MIT
"""exposing - a registry as one answer

What a registry has in its segment is rendered in C without the interpreter's lock, whatever is asked
for; only the families of custom collectors are written here, behind it.
"""

from __future__ import annotations

from typing import Callable, Collection, Dict, Iterable, List, Optional

from .. import _core
from ..metrics_core import Metric
from . import openmetrics, openmetrics2, protobuf, text
from .joining import is_asked_for, join
from .spelling import known_escaping

WRITERS: Dict[int, Callable[[Iterable[Metric]], bytes]] = {
    _core.FORMAT_TEXT_004: text.write,
    _core.FORMAT_TEXT_100: text.write,
    _core.FORMAT_OPENMETRICS_100: openmetrics.write,
    _core.FORMAT_OPENMETRICS_200: openmetrics2.write,
    _core.FORMAT_PROTOBUF: protobuf.write,
}
EOF = b"# EOF\n"
ENDS = {_core.FORMAT_OPENMETRICS_100: EOF, _core.FORMAT_OPENMETRICS_200: EOF}


def expose(
    registry: object, text_format: int, escaping: str, names: Optional[Collection[str]] = None
) -> bytes:
    """A whole exposition of a registry, or of anything that has collect().

    text_format: one of _core.FORMAT_*. names: the families with one of these as their name or a
    sample's, as it is or as it is written, and no others.
    """
    escaping = known_escaping(escaping)
    export = getattr(registry, "_export", None)
    if export is None:
        body, families = b"", join(_collected(registry, escaping, names), escaping)
    else:
        body, families = export(text_format, escaping, names)
    return b"".join((body, WRITERS[text_format](families), ENDS.get(text_format, b"")))


def _collected(
    registry: object, escaping: str, names: Optional[Collection[str]]
) -> List[Metric]:
    families: Iterable[Metric] = registry.collect()  # type: ignore[attr-defined]
    if names is None:
        return list(families)
    return [family for family in families if is_asked_for(family, names, escaping)]
