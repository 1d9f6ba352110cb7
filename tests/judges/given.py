# SPDX-License-Identifier: MIT
"""given - random families, what render_given is told of them, and what must be read of them again

    world = random_world(random.Random(seed))
    bodies = render(world, [expocheck.Text004, ...])       the program's answers
    expected = samples(world, expocheck.Text004)           {(name, labels): int or float}
"""

from __future__ import annotations

import math
import os
import random
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from expocheck import (  # noqa: E402
    Labels,
    OpenMetrics,
    OpenMetrics2,
    OpenMetrics2Utf8,
    OpenMetricsUtf8,
    Protobuf,
    ProtobufUtf8,
    Text004,
    Text100,
    canonical_float,
)

BUILD = Path(os.environ.get("SMX_BUILD", ROOT / "build" / "dev")).resolve()
PROGRAM = BUILD / "tests" / "unit" / "render_given"
LOCALES = BUILD / "tests" / "unit" / "locales"  # made by text.cmake

COUNTER, GAUGE, HISTOGRAM, NATIVE, SUMMARY, INFO, STATE_SET = KINDS = (1, 2, 3, 4, 5, 6, 7)  # of smx_kind
SUFFIX = {COUNTER: "_total", INFO: "_info"}
# Of smx_format and smx_escaping.
FORMATS = {Text004: "1.0", OpenMetrics: "2.0", OpenMetrics2: "4.0", Protobuf: "5.0"}
# With names of any UTF-8, and what they are otherwise.
FORMATS |= {Text100: "3.3", OpenMetricsUtf8: "2.3", OpenMetrics2Utf8: "4.3", ProtobufUtf8: "5.3"}
PLAIN: dict[type[Text004], type[Text004]] = {
    Text100: Text004,
    OpenMetricsUtf8: OpenMetrics,
    OpenMetrics2Utf8: OpenMetrics2,
    ProtobufUtf8: Protobuf,
}

U64_MAX = 2**64 - 1
WHOLE = (0, 1, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, U64_MAX)
REAL = (
    0.0,
    -0.0,
    1.0,
    0.1,
    5e-324,
    2.225073858507201e-308,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    2.0**53 - 1,
    2.0**53 + 2,
    1e21,
    1e22,
    123456789.125,
    math.inf,
    -math.inf,
    math.nan,
)
# What parsers have stumbled over: quotes and their escapes, line ends of every kind, what looks like syntax.
SNAGS = '"\\\n\r\t\0\x0b\x85\u2028\ufeff\u200e\u0301 {},=#_0aZ:\x7f\u00df\U0001f600\U0010ffff\ue000\ufffd'


@dataclass
class Series:
    values: list[str]
    numbers: list[int] = field(default_factory=list)
    reals: list[float] = field(default_factory=list)
    natives: list[int] = field(default_factory=list)  # counts in ascending order of value
    own: list[tuple[str, str]] = field(default_factory=list)  # an info's labels, or the exemplar's


@dataclass
class Family:
    kind: int
    name: str
    help: str
    unit: str
    labels: list[str]
    bounds: list[float] = field(default_factory=list)
    native: list[int] = field(default_factory=list)  # schema, first, side, whether negative
    states: list[str] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)


World = list[Family]

# ---- at random ----


def random_character(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(SNAGS)
    if kind < 0.75:
        return chr(rng.randrange(0x20, 0x250))
    code = rng.randrange(0x110000)
    return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)


def random_text(rng: random.Random, most: int = 12) -> str:
    return "".join(random_character(rng) for _ in range(rng.randrange(most)))


def random_name(rng: random.Random, characters: str = "abyzABYZ0189_") -> str:
    return rng.choice("abcXYZ_") + "".join(rng.choices(characters, k=rng.randrange(8))) + "x"


def random_real(rng: random.Random) -> float:
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(REAL)
    if kind < 0.5:
        return float(rng.randrange(-1000000, 1000000)) / rng.choice((1, 8, 10, 1000))
    return struct.unpack("<d", rng.randbytes(8))[0]  # any of them at all


def random_whole(rng: random.Random) -> int:
    return rng.choice(WHOLE) if rng.random() < 0.4 else rng.getrandbits(rng.randrange(1, 65))


def random_labels(rng: random.Random, count: int, taken: set[str]) -> list[str]:
    names: list[str] = []
    while len(names) < count:
        name = random_name(rng)
        if name not in taken and not name.startswith("__"):
            taken.add(name)
            names.append(name)
    return names


def random_series(rng: random.Random, family: Family, values: list[str]) -> Series:
    series = Series(values)
    if family.kind == COUNTER:
        fraction = 0.0 if rng.random() < 0.6 else abs(random_real(rng))
        series.numbers, series.reals = [random_whole(rng)], [0.0 if math.isnan(fraction) else fraction]
    elif family.kind == HISTOGRAM:
        most = rng.choice((3, 2**53 // 8, U64_MAX // (len(family.bounds) + 1)))
        series.numbers = [rng.randrange(most) for _ in range(len(family.bounds) + 1)]
        series.reals = [random_real(rng)]
    elif family.kind == NATIVE:
        _, _, side, negative = family.native
        most = rng.choice((2, 9, 2**53))
        counts = [rng.randrange(most) * rng.randrange(2) for _ in range(side * (1 + negative) + 1)]
        series.natives, series.numbers, series.reals = counts, [sum(counts)], [random_real(rng)]
    elif family.kind == SUMMARY:
        series.numbers, series.reals = [random_whole(rng)], [random_real(rng)]
    elif family.kind == STATE_SET:
        series.numbers = [rng.randrange(len(family.states))]
    elif family.kind == INFO:
        names = random_labels(rng, rng.randrange(4), set(family.labels))
        series.own = [(name, random_text(rng)) for name in sorted(names)]
    else:
        series.reals = [random_real(rng)]
    if family.kind in (COUNTER, HISTOGRAM) and rng.random() < 0.3:
        add_exemplar(rng, family, series)
    return series


def add_exemplar(rng: random.Random, family: Family, series: Series) -> None:
    """In the last bucket, which holds something then."""
    if family.kind == HISTOGRAM and series.numbers[-1] == 0:
        return
    least = max(family.bounds, default=-1e9)
    value = rng.choice((math.inf, math.nextafter(least, math.inf), max(least, 0) * 2 + 1))
    series.reals += [value, rng.randrange(1, 2**33) + rng.randrange(8) / 8]
    names = random_labels(rng, rng.randrange(4), set())
    series.own = [(name, random_text(rng).replace("\0", "")) for name in names]


def random_bounds(rng: random.Random) -> list[float]:
    bounds = {random_real(rng) + 0.0 for _ in range(rng.randrange(6))}
    return sorted(bound for bound in bounds if math.isfinite(bound))


def random_family(rng: random.Random, number: int, series_max: int) -> Family:
    kind = rng.choice(KINDS)
    unit = rng.choice(("", "", "seconds", "bytes"))
    characters = "abAB01_" if kind == STATE_SET else "abAB01_:"  # its name is a label's too
    name = f"s{random_name(rng, characters)}_{number}z" + (f"_{unit}" if unit else "")
    family = Family(kind, name, random_text(rng, 40), unit, [])
    family.labels = random_labels(rng, rng.randrange(5), {name})
    if kind == HISTOGRAM:
        family.bounds = random_bounds(rng)
    if kind == NATIVE:
        family.native = [rng.randrange(-4, 9), rng.randrange(-20, 20), rng.randrange(2, 30), rng.randrange(2)]
    if kind == STATE_SET:
        states = {clean(random_text(rng)) for _ in range(4)} - {""}
        family.states = sorted(states) or ["on"]
    identities: set[frozenset[tuple[str, str]]] = set()
    for _ in range(rng.randrange(1, series_max) if family.labels else 1):
        values = [random_text(rng) for _ in family.labels]
        identity = shown(zip(family.labels, values))
        if identity not in identities:
            identities.add(identity)
            family.series.append(random_series(rng, family, values))
    return family


def random_world(rng: random.Random, families: int = 40, series_max: int = 100) -> World:
    return [random_family(rng, number, series_max) for number in range(families)]


def with_names_of_any_utf8(rng: random.Random, world: World) -> World:
    for family in world:
        family.name = "é" + clean(random_text(rng, 6)) + family.name
        family.labels = ["ö" + clean(random_text(rng, 4)) + name for name in family.labels]
    return world


# ---- to the program and back ----


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data


def _many(kind: str, values: list[float] | list[int]) -> bytes:
    return struct.pack(f"<I{len(values)}{kind}", len(values), *values)


def _texts(texts: list[str]) -> bytes:
    return struct.pack("<I", len(texts)) + b"".join(map(_text, texts))


def told(world: World) -> bytes:
    """What render_given reads."""
    parts = [struct.pack("<I", len(world))]
    for family in world:
        parts.append(struct.pack("<I", family.kind))
        parts += map(_text, (family.name, family.help, family.unit))
        parts += [_texts(family.labels), _many("d", family.bounds), _many("i", family.native)]
        parts.append(_texts(family.states))
        parts.append(struct.pack("<I", len(family.series)))
        for series in family.series:
            parts += map(_text, series.values)
            parts += [_many("Q", series.numbers), _many("d", series.reals), _many("Q", series.natives)]
            parts.append(struct.pack("<I", len(series.own)))
            parts += [_text(part) for pair in series.own for part in pair]
    return b"".join(parts)


def render(world: World, parsers: list[type[Text004]], locale: str = "") -> list[bytes]:
    """What is served of it, in the format of each parser. locale: one with a decimal comma, or ours."""
    command = [PROGRAM, *(["--decimal-comma"] if locale else []), *(FORMATS[parser] for parser in parsers)]
    environment = {**os.environ, "LOCPATH": str(LOCALES), "LC_ALL": locale} if locale else None
    done = subprocess.run(command, input=told(world), stdout=subprocess.PIPE, env=environment, check=True)
    bodies, at = [], 0
    for _ in parsers:
        size = struct.unpack_from("<Q", done.stdout, at)[0]
        bodies.append(done.stdout[at + 8 : at + 8 + size])
        at += 8 + size
    assert at == len(done.stdout)
    return bodies


# ---- what must come out ----


def clean(text: str) -> str:
    return text.replace("\0", "\ufffd")


def shown(labels: zip[tuple[str, str]] | list[tuple[str, str]]) -> Labels:
    """An empty label is an absent one."""
    return frozenset((name, clean(value)) for name, value in labels if value)


Number = float | int  # an int is to be read digit by digit
Expected = dict[tuple[str, Labels], Number]


def samples(world: World, parser: type[Text004]) -> Expected:
    expected: Expected = {}
    parser = PLAIN.get(parser, parser)
    for family in world:
        for series in family.series:
            labels = shown(list(zip(family.labels, series.values)))
            for suffix, more, value in _of_series(family, series, parser):
                expected[family.name + suffix, labels | more] = value
    return expected


def _of_series(
    family: Family, series: Series, parser: type[Text004]
) -> list[tuple[str, Labels, Number]]:
    none: Labels = frozenset()
    numbers, reals = series.numbers, series.reals
    if family.kind == COUNTER:
        return [("_total", none, numbers[0] if reals[0] == 0 else float(numbers[0]) + reals[0])]
    if family.kind == INFO:
        return [("_info", shown(series.own), 1)]
    if family.kind == STATE_SET:
        states = enumerate(family.states)
        return [("", frozenset({(family.name, name)}), int(at == numbers[0])) for at, name in states]
    if family.kind not in (HISTOGRAM, NATIVE, SUMMARY):
        return [("", none, reals[0])]
    # In OpenMetrics a sum is what a counter is; in 2.0 that of a histogram is not, and a summary has one.
    negative = bool(family.native and family.native[3]) or any(bound < 0 for bound in family.bounds)
    counted = parser in (Text004, Protobuf) or (parser is OpenMetrics2 and family.kind != SUMMARY)
    counted = counted or (reals[0] >= 0 and not negative)
    if not counted and parser is OpenMetrics2:
        return []
    found: list[tuple[str, Labels, Number]] = [("_sum", none, reals[0])] if counted else []
    if counted or family.kind == SUMMARY:
        found.append(("_count", none, sum(numbers)))
    count = 0
    for bound, number in zip([*family.bounds, math.inf], [] if family.kind == SUMMARY else numbers):
        count += number
        found.append(("_bucket", frozenset({("le", canonical_float(bound))}), count))
    return found


def natives(world: World, parser: type[Text004]) -> dict[tuple[str, Labels], tuple[object, ...]]:
    """Schema, zero bucket, and the buckets of each sign that hold something."""
    expected: dict[tuple[str, Labels], tuple[object, ...]] = {}
    for family in world if PLAIN.get(parser, parser) in (OpenMetrics2, Protobuf) else ():
        for series in family.series if family.kind == NATIVE else ():
            schema, first, side, negative = family.native
            zero = side if negative else 0
            signs = (series.natives[zero + 1 :], series.natives[:zero][::-1])
            sides = [{first + at: n for at, n in enumerate(counts) if n} for counts in signs]
            labels = shown(list(zip(family.labels, series.values)))
            expected[family.name, labels] = (schema, series.natives[zero], *sides)
    return expected


Exemplars = dict[tuple[str, Labels], tuple[Labels, float, float]]  # labels, value, time


def exemplars(world: World) -> Exemplars:
    expected = {}
    for family in world:
        for series in family.series:
            if len(series.reals) == 3:
                labels = shown(list(zip(family.labels, series.values)))
                if family.kind == HISTOGRAM:
                    labels |= {("le", "+Inf")}
                name = family.name + ("_bucket" if family.kind == HISTOGRAM else "_total")
                expected[name, labels] = (shown(series.own), series.reals[1], series.reals[2])
    return expected
