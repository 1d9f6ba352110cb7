# SPDX-License-Identifier: MIT
"""wire - protobuf by hand, right or wrong: what the tests of its judges feed to them

    family("a", GAUGE, metric(gauge(1.0), x="1"))           a message with its length before it
"""

from __future__ import annotations

import struct

COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM = range(5)


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def nested(field: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def label(name: str, value: str | bytes) -> bytes:
    return nested(1, nested(1, name) + nested(2, value))


def metric(value: bytes, *more: bytes, **labels: str) -> bytes:
    """Field 4 of a family."""
    return nested(4, b"".join(label(*pair) for pair in labels.items()) + value + b"".join(more))


def gauge(value: float) -> bytes:
    return nested(2, double(1, value))


def untyped(value: float) -> bytes:
    return nested(5, double(1, value))


def counter(value: float, *more: bytes) -> bytes:
    return nested(3, double(1, value) + b"".join(more))


def summary(count: int, total: float, *more: bytes) -> bytes:
    return nested(4, number(1, count) + double(2, total) + b"".join(more))


def histogram(count: int, total: float, *more: bytes) -> bytes:
    return nested(7, number(1, count) + double(2, total) + b"".join(more))


def bucket(count: int, bound: float, *more: bytes) -> bytes:
    return nested(3, number(1, count) + double(2, bound) + b"".join(more))


def timestamp(field: int, seconds: int, nanos: int = 0) -> bytes:
    return nested(field, number(1, seconds) + number(2, nanos))


def exemplar(field: int, value: float, stamp: bytes = timestamp(3, 5), **labels: str) -> bytes:
    pairs = b"".join(label(*pair) for pair in labels.items())
    return nested(field, pairs + double(2, value) + stamp)


def span(field: int, offset: int, length: int) -> bytes:
    return nested(field, number(1, zigzag(offset)) + number(2, length))


def deltas(field: int, *values: int) -> bytes:
    return b"".join(number(field, zigzag(value)) for value in values)


def native(schema: int, threshold: float, zeros: int) -> bytes:
    return number(5, zigzag(schema)) + double(6, threshold) + number(7, zeros)


def delimited(message: bytes) -> bytes:
    return varint(len(message)) + message


def family(name: str | bytes, type_: int, *metrics: bytes, help: str = "", unit: str = "") -> bytes:
    head = nested(1, name) + nested(2, help) + number(3, type_)
    return delimited(head + b"".join(metrics) + (nested(5, unit) if unit else b""))
