# SPDX-License-Identifier: MIT
"""Whatever is recorded is read again, to the digit, by independent parsers, in every format and locale (I12)

Random families with labels of all of Unicode and numbers of every kind are rendered by the C library and read
by the strict checker and by prometheus_client's parsers. A case is one series in one format. SMX_SEED=number
tries others; what fails says its seed.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor

import given
import pytest
from expocheck import Native, OpenMetrics, OpenMetrics2, Protobuf, Samples, Text004, Text100
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

CASES_MIN = 100_000  # in each locale
SEED = int(os.environ.get("SMX_SEED", "1"))
WORLDS = 24
TIME_TOLERANCE = 1e-6  # seconds since 1970 have no more digits in a double
PARSERS: list[type[Text004]] = [Text004, OpenMetrics, OpenMetrics2, Protobuf]
CLIENT: dict[type[Text004], Callable[[str], Iterable[Metric]]] = {
    Text004: parse_text,
    OpenMetrics: parse_openmetrics,
}


class Exact(float):
    """A number that remembers how it was written."""

    text = ""


def exact(parser: type[Text004]) -> type[Text004]:
    class Remembering(parser):  # type: ignore[misc, valid-type]
        def _parse_value(self, text: str) -> float:
            value = Exact(super()._parse_value(text))
            value.text = text
            return value

    return Remembering


UTF8_PARSERS = list(given.PLAIN)
EXACT = {parser: exact(parser) for parser in [*PARSERS, *UTF8_PARSERS]}


def is_same(expected: given.Number, found: float) -> bool:
    if isinstance(expected, int):
        return getattr(found, "text", str(expected)) == str(expected) and found == float(expected)
    # The sign of a zero is lost where values are added up.
    return expected == found or (math.isnan(expected) and math.isnan(found))


def compare(expected: given.Expected, found: Samples) -> None:
    missing, other = expected.keys() - found.keys(), found.keys() - expected.keys()
    if missing or other:
        few = [sorted(keys, key=str)[:2] for keys in (missing, other)]
        raise AssertionError(f"{len(missing)} missing: {few[0]}, {len(other)} others: {few[1]}")
    for key, value in expected.items():
        if not is_same(value, found[key]):
            raise AssertionError(f"{key}: {value!r}, read as {found[key]!r}")


def compare_exemplars(expected: given.Exemplars, found: given.Exemplars) -> None:
    for key in expected.keys() | found.keys():
        one, other = expected.get(key), found.get(key)
        if not one or not other or one[:2] != other[:2] or abs(one[2] - other[2]) > TIME_TOLERANCE:
            raise AssertionError(f"{key}: {one}, read as {other}")


def compare_natives(expected: dict[object, object], found: dict[object, Native]) -> None:
    read = {
        key: (
            native.schema,
            native.zero_count,
            {index: count for index, count in native.positive.items() if count},
            {index: count for index, count in native.negative.items() if count},
        )
        for key, native in found.items()
    }
    for key in expected.keys() | read.keys():
        if expected.get(key) != read.get(key):
            raise AssertionError(f"{key}: {expected.get(key)}, read as {read.get(key)}")


def of_client(parser: type[Text004], body: bytes) -> Samples:
    """As prometheus_client reads it; without exemplars, in which it does not know an escaped quote."""
    found: Samples = {}
    for family in CLIENT[parser](body.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{key} twice"
            found[key] = float(sample.value)
    return found


def check_headers(world: given.World, parser: type[Text004], exposition: object) -> None:
    parser = given.PLAIN.get(parser, parser)
    for family in world:
        suffix = given.SUFFIX.get(family.kind, "") if parser is not OpenMetrics else ""
        header = exposition.families[family.name + suffix]  # type: ignore[attr-defined]
        help_text = given.clean(family.help).replace("\r", " ")
        assert (header.help or "").replace("\r", " ") == help_text, family.name
        has_unit = parser is not Text004 and family.kind not in (given.INFO, given.STATE_SET)
        assert header.unit == (family.unit if has_unit else ""), family.name


def without_exemplars(world: given.World) -> given.World:
    for family in world:
        for series in family.series:
            if len(series.reals) == 3:
                series.reals, series.own = series.reals[:1], []
    return world


def check_strictly(world: given.World, parsers: list[type[Text004]], locale: str) -> int:
    """How many cases there were."""
    bodies = dict(zip(parsers, given.render(world, parsers, locale)))
    cases = 0
    for parser, body in bodies.items():
        exposition = EXACT[parser]().parse(body)
        compare(given.samples(world, parser), exposition.samples)
        check_headers(world, parser, exposition)
        has_exemplars = parser not in (Text004, Text100)
        compare_exemplars(given.exemplars(world) if has_exemplars else {}, exposition.exemplars)
        compare_natives(given.natives(world, parser), exposition.natives)
        cases += sum(len(family.series) for family in world)
    return cases


def check_world(seed: int, locale: str) -> int:
    rng = random.Random(seed)
    world = given.random_world(rng)
    cases = check_strictly(world, PARSERS, locale)
    plain = without_exemplars(world)
    for parser, body in zip(CLIENT, given.render(plain, list(CLIENT), locale)):
        compare(given.samples(plain, parser), of_client(parser, body))
    named = given.with_names_of_any_utf8(rng, given.random_world(rng, 10))
    return cases + check_strictly(named, UTF8_PARSERS, locale)


def run_world(argument: tuple[int, str]) -> tuple[int, int, str]:
    try:
        return argument[0], check_world(*argument), ""
    except Exception as error:  # noqa: BLE001  (the seed is what matters, whatever went wrong)
        return argument[0], 0, f"{type(error).__name__}: {error}"[:2000]


@pytest.mark.parametrize("locale", ["", "de_DE.UTF-8"], ids=["C", "German"])
def test_what_is_recorded_is_read_again(locale: str) -> None:
    first = SEED * 100_000 + (WORLDS if locale else 0)
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(run_world, [(first + number, locale) for number in range(WORLDS)]))
    wrong = [f"seed {seed}: {message}" for seed, _, message in results if message]
    assert not wrong, "\n".join(wrong)
    assert sum(cases for _, cases, _ in results) >= CASES_MIN
