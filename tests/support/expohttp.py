# SPDX-License-Identifier: MIT
"""expohttp - what the HTTP answer around an exposition must keep

    parser, body = expohttp.judge(method, request_headers, answer_headers, raw_body)
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping

from expoopenmetrics import OpenMetrics, OpenMetricsUtf8
from expoopenmetrics2 import OpenMetrics2, OpenMetrics2Utf8
from expoparser import Text004, Text100
from expoprotobuf import Protobuf, ProtobufUtf8
from exporules import Violation

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
CONTENT_TYPES: dict[str, type[Text004]] = {
    "text/plain; version=0.0.4; charset=utf-8": Text004,
    "text/plain; version=1.0.0; charset=utf-8": Text100,
    "application/openmetrics-text; version=1.0.0; charset=utf-8": OpenMetrics,
    "application/openmetrics-text; version=2.0.0; charset=utf-8": OpenMetrics2,
    PROTOBUF: Protobuf,
}
# With ; escaping=allow-utf-8 names may be anything; with another scheme they are as ever.
WITH_UTF8 = {
    Text100: Text100,
    OpenMetrics: OpenMetricsUtf8,
    OpenMetrics2: OpenMetrics2Utf8,
    Protobuf: ProtobufUtf8,
}
ESCAPING = re.compile(r"; escaping=(underscores|dots|values|allow-utf-8)$")
GZIP_FROM = 1000  # what is smaller does not get smaller


def parser_of(content_type: str) -> type[Text004]:
    """The parser for what has this Content-Type, which must be exact. Raises Violation."""
    plain = ESCAPING.sub("", content_type)
    parser = CONTENT_TYPES.get(plain)
    if parser is None or (parser is Text004 and plain != content_type):
        raise Violation(0, "content-type", f"{content_type!r}")
    if plain != content_type and content_type.endswith("=allow-utf-8"):
        return WITH_UTF8[parser]
    return parser


def check_length(headers: Mapping[str, str], body: bytes) -> None:
    length, coding = headers.get("Content-Length"), headers.get("Transfer-Encoding")
    if (length is None) == (coding is None):
        raise Violation(0, "length", f"Content-Length {length!r}, Transfer-Encoding {coding!r}")
    if coding is not None and coding != "chunked":
        raise Violation(0, "length", f"Transfer-Encoding {coding!r}")
    if length is not None and int(length) != len(body):
        raise Violation(0, "length", f"Content-Length {length}, and {len(body)} bytes")


def check_vary(headers: Mapping[str, str]) -> None:
    if headers.get("Vary") != "Accept, Accept-Encoding":
        raise Violation(0, "vary", f"{headers.get('Vary')!r}")


def takes_gzip(accept_encoding: str) -> bool:
    """Whether gzip may be answered to this Accept-Encoding (RFC 9110, section 12.5.3)."""
    qualities: dict[str, float] = {}
    for clause in accept_encoding.lower().split(","):
        coding, _, parameter = clause.replace(" ", "").partition(";")
        quality = parameter.removeprefix("q=") or "1"
        qualities[coding] = float(quality) if re.fullmatch(r"[01](\.[0-9]*)?", quality) else 0
    return max(qualities.get("gzip", qualities.get("*", 0)), qualities.get("x-gzip", 0)) > 0


def check_encoding(request: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> bytes:
    """The body as it was before Content-Encoding."""
    coding = headers.get("Content-Encoding")
    if coding is None:
        return body
    if coding != "gzip" or not takes_gzip(_field(request, "Accept-Encoding")):
        raise Violation(0, "encoding", f"{coding!r} for {_field(request, 'Accept-Encoding')!r}")
    try:
        plain = gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise Violation(0, "encoding", f"{error}") from None
    if len(plain) < GZIP_FROM:
        raise Violation(0, "encoding-size", f"{len(plain)} bytes are compressed")
    return plain


def _field(headers: Mapping[str, str], name: str) -> str:
    return ",".join(value for key, value in headers.items() if key.lower() == name.lower())


def judge(
    method: str, request: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> tuple[type[Text004], bytes]:
    """How to parse an exposition that was answered with 200, and it. Raises Violation."""
    parser = parser_of(headers.get("Content-Type", ""))
    check_vary(headers)
    if method == "HEAD":
        if body:
            raise Violation(0, "head", f"{len(body)} bytes in answer to HEAD")
        return parser, body
    check_length(headers, body)
    return parser, check_encoding(request, headers, body)
