# SPDX-License-Identifier: MIT
"""rendering - which format a scraper gets, and a registry in that format

Servers let the library negotiate, as the collector does (lib/text/negotiate.c); choose_encoder() is
there for programs that serve by themselves, with prometheus_client's answers.
"""

from __future__ import annotations

import gzip
import re
from functools import partial
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import parse_qs

from . import _core, protobuf
from ._core import CONTENT_TYPE_TEXT_004, FORMAT_TEXT_004
from .openmetrics import exposition as openmetrics
from .openmetrics.escaping import ALLOWUTF8, DOTS, UNDERSCORES, VALUES
from .registry import REGISTRY, Collector
from .scraping.exposing import expose
from .utils import parse_version

CONTENT_TYPE_PLAIN_0_0_4 = CONTENT_TYPE_TEXT_004
CONTENT_TYPE_PLAIN_1_0_0 = "text/plain; version=1.0.0; charset=utf-8"
CONTENT_TYPE_LATEST = CONTENT_TYPE_PLAIN_1_0_0

# An exposition is mostly repetition: higher levels take many times longer and gain little.
_GZIP_LEVEL = 1
_GZIP_FROM_BYTES = 1000  # what is smaller does not get smaller
_NAMES_MAX = 256  # each is compared with each family

_ESCAPINGS = {
    _core.ESCAPING_UNDERSCORES: UNDERSCORES,
    _core.ESCAPING_DOTS: DOTS,
    _core.ESCAPING_VALUES: VALUES,
    _core.ESCAPING_ALLOW_UTF8: ALLOWUTF8,
}


def generate_latest(registry: Collector = REGISTRY, escaping: str = UNDERSCORES) -> bytes:
    """What a registry collects, in the Prometheus text format.

    Of REGISTRY that is the whole segment, the records of all processes in it, and what the custom
    collectors of this process yield. The segment is rendered while other threads run on.
    escaping: of names beyond the older character set, "allow-utf-8", "underscores", "dots" or
    "values".
    """
    return expose(registry, FORMAT_TEXT_004, escaping)


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
            version = "2.0.0" if numbers == (2, 0, 0) else "1.0.0"
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
    """Whether to answer in gzip: it, or else "*", is accepted, and identity is not preferred.

    By RFC 9110, 12.5.3; what is no quality is 0. As the collector does.
    """
    qualities: Dict[str, float] = {}
    for clause in (accept_encoding_header or "").lower().split(","):
        coding, *parameters = (part.strip() for part in clause.split(";"))
        found = [part[2:].strip() for part in parameters if part.startswith("q=")]
        quality = 1.0 if not found else float(found[0]) if _QUALITY.fullmatch(found[0]) else 0.0
        coding = "gzip" if coding == "x-gzip" else coding
        qualities[coding] = max(quality, qualities.get(coding, 0) if coding == "gzip" else 0)
    accepted = qualities.get("gzip", qualities.get("*", 0))
    return accepted > 0 and accepted >= qualities.get("identity", 0)


_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def query_parameters(query: str) -> Dict[str, List[str]]:
    """Those of a URL, as a server hands it over: a str of its bytes."""
    text = query.encode("latin-1", "replace").decode("utf-8", "replace")
    return parse_qs(text, keep_blank_values=True)


def bake_output(
    registry: Collector,
    accept_header: Optional[str],
    accept_encoding_header: Optional[str],
    params: Mapping[str, Sequence[str]],
    disable_compression: bool,
) -> Tuple[str, List[Tuple[str, str]], bytes]:
    """The status, headers and body of an answer. params: of the query; name[] chooses families."""
    names = params.get("name[]")
    if names is not None and len(names) > _NAMES_MAX:
        return _refusal(f"at most {_NAMES_MAX} name[] are taken\n")
    # A NUL, which some servers let through, ends what a library in C reads.
    text_format, escaping, content_type = _core.choose_format((accept_header or "").split("\0")[0])
    output = expose(
        registry, text_format, _ESCAPINGS[escaping], None if names is None else set(names)
    )
    headers = [("Content-Type", content_type), ("Vary", "Accept, Accept-Encoding")]
    wants_gzip = not disable_compression and gzip_accepted(accept_encoding_header)
    if wants_gzip and len(output) >= _GZIP_FROM_BYTES:
        output = gzip.compress(output, _GZIP_LEVEL)
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(output))))
    return "200 OK", headers, output


def _refusal(why: str) -> Tuple[str, List[Tuple[str, str]], bytes]:
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(why)))]
    return "400 Bad Request", headers, why.encode()
