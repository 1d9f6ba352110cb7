# SPDX-License-Identifier: MIT
"""expowire - strict decoding of protobuf's wire format, for the messages of io.prometheus.client

    message = decode(FAMILY, body)      message.one("name"), message.all("metric")

It refuses what a lenient decoder lets pass: a field that nobody knows, a wire type that is another's, a
field twice that may be there once, a varint longer than it need be. It shares no code with what writes them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Union

from exporules import Violation

VARINT, FIXED64, LENGTH = 0, 1, 2
WIRE_TYPES = {
    "double": FIXED64,
    "uint32": VARINT,
    "uint64": VARINT,
    "int32": VARINT,
    "int64": VARINT,
    "sint32": VARINT,
    "sint64": VARINT,
    "enum": VARINT,
    "string": LENGTH,
}
BITS = {"uint32": 32, "sint32": 32, "enum": 31}


@dataclass(frozen=True)
class Field:
    name: str
    kind: Union[str, "Schema"]
    repeated: bool = False


Schema = dict[int, Field]

LABEL: Schema = {1: Field("name", "string"), 2: Field("value", "string")}
TIMESTAMP: Schema = {1: Field("seconds", "int64"), 2: Field("nanos", "int32")}
EXEMPLAR: Schema = {
    1: Field("label", LABEL, True),
    2: Field("value", "double"),
    3: Field("timestamp", TIMESTAMP),
}
GAUGE: Schema = {1: Field("value", "double")}
COUNTER: Schema = {
    1: Field("value", "double"),
    2: Field("exemplar", EXEMPLAR),
    3: Field("start_timestamp", TIMESTAMP),
}
QUANTILE: Schema = {1: Field("quantile", "double"), 2: Field("value", "double")}
SUMMARY: Schema = {
    1: Field("sample_count", "uint64"),
    2: Field("sample_sum", "double"),
    3: Field("quantile", QUANTILE, True),
    4: Field("start_timestamp", TIMESTAMP),
}
BUCKET: Schema = {
    1: Field("cumulative_count", "uint64"),
    2: Field("upper_bound", "double"),
    3: Field("exemplar", EXEMPLAR),
}
SPAN: Schema = {1: Field("offset", "sint32"), 2: Field("length", "uint32")}
HISTOGRAM: Schema = {
    1: Field("sample_count", "uint64"),
    2: Field("sample_sum", "double"),
    3: Field("bucket", BUCKET, True),
    5: Field("schema", "sint32"),
    6: Field("zero_threshold", "double"),
    7: Field("zero_count", "uint64"),
    9: Field("negative_span", SPAN, True),
    10: Field("negative_delta", "sint64", True),
    12: Field("positive_span", SPAN, True),
    13: Field("positive_delta", "sint64", True),
    15: Field("start_timestamp", TIMESTAMP),
    16: Field("exemplars", EXEMPLAR, True),
}
METRIC: Schema = {
    1: Field("label", LABEL, True),
    2: Field("gauge", GAUGE),
    3: Field("counter", COUNTER),
    4: Field("summary", SUMMARY),
    5: Field("untyped", GAUGE),
    6: Field("timestamp_ms", "int64"),
    7: Field("histogram", HISTOGRAM),
}
FAMILY: Schema = {
    1: Field("name", "string"),
    2: Field("help", "string"),
    3: Field("type", "enum"),
    4: Field("metric", METRIC, True),
    5: Field("unit", "string"),
}


@dataclass
class Message:
    values: dict[str, list[Any]] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def all(self, name: str) -> list[Any]:
        return self.values.get(name, [])

    def one(self, name: str, default: Any = None) -> Any:
        return self.values[name][0] if name in self.values else default


def take_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value = shift = 0
    while True:
        if at == len(data):
            raise Violation(0, "proto-varint", "a number is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    if value >= 1 << 64:
        raise Violation(0, "proto-varint", f"{value} has more than 64 bits")
    if byte == 0 and shift:
        raise Violation(0, "proto-varint", f"{value} is written in more bytes than it takes")
    return value, at


def split_delimited(body: bytes) -> Iterator[bytes]:
    """The messages of a stream, each behind its length."""
    at = 0
    while at < len(body):
        size, at = take_varint(body, at)
        if size > len(body) - at:
            raise Violation(0, "proto-length", f"a message of {size} bytes, and {len(body) - at} follow")
        yield body[at : at + size]
        at += size


def _from_zigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _scalar(kind: str, raw: Any) -> Any:
    if kind == "double":
        return struct.unpack("<d", raw)[0]
    if kind == "string":
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Violation(0, "utf8", f"{raw!r} is no UTF-8") from None
        if "\0" in text:
            raise Violation(0, "nul", f"a NUL byte in {text!r}")
        return text
    if raw >> BITS.get(kind, 64):
        raise Violation(0, "proto-varint", f"{raw} is no {kind}")
    if kind in ("sint32", "sint64"):
        return _from_zigzag(raw)
    return _signed(raw) if kind in ("int32", "int64") else raw


def _take(wire: int, data: bytes, at: int) -> tuple[Any, int]:
    if wire == VARINT:
        return take_varint(data, at)
    size = 8
    if wire == LENGTH:
        size, at = take_varint(data, at)
    elif wire != FIXED64:
        raise Violation(0, "proto-wire", f"wire type {wire}")
    if size > len(data) - at:
        raise Violation(0, "proto-length", f"a field of {size} bytes, and {len(data) - at} follow")
    return data[at : at + size], at + size


def _unpack(kind: str, data: bytes) -> Iterator[Any]:
    """Numbers that share one field."""
    at = 0
    while at < len(data):
        raw, at = _take(WIRE_TYPES[kind], data, at)
        yield _scalar(kind, raw)


def decode(schema: Schema, data: bytes) -> Message:
    message = Message()
    at = 0
    while at < len(data):
        key, at = take_varint(data, at)
        number, wire = key >> 3, key & 7
        raw, at = _take(wire, data, at)
        about = schema.get(number)
        if about is None:
            raise Violation(0, "proto-field", f"field {number} (wire type {wire})")
        if not about.repeated and about.name in message:
            raise Violation(0, "proto-once", f"{about.name} twice")
        values = message.values.setdefault(about.name, [])
        if not isinstance(about.kind, str):
            if wire != LENGTH:
                raise Violation(0, "proto-wire", f"{about.name} has wire type {wire}")
            values.append(decode(about.kind, raw))
        elif wire == WIRE_TYPES[about.kind]:
            values.append(_scalar(about.kind, raw))
        elif about.repeated and wire == LENGTH:
            values.extend(_unpack(about.kind, raw))
        else:
            raise Violation(0, "proto-wire", f"{about.name} has wire type {wire}")
    return message
