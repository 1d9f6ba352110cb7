# SPDX-License-Identifier: MIT
"""The strict checker for what the Python package serves refuses the forms that its answers must not mix."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
import expoclient  # noqa: E402

TEXT = expoclient.of(expocheck.Text004)
OPENMETRICS = expoclient.of(expocheck.OpenMetrics)
COUNTER = "# TYPE a counter\n# HELP a A.\n"
EOF = "# EOF\n"


def test_the_form_of_the_package_is_accepted() -> None:
    gauge = '# TYPE a gauge\na{le_="1",pid="2"} 2.0\na{le_="1",pid="3"} 1e+06\na 9007199254740993.0\n'
    assert len(expocheck.parse(gauge, TEXT)) == 3
    exemplar = COUNTER + 'a_total 2.0 # {t="1"} 1.0 1700000000.0\n' + EOF
    assert list(expocheck.parse(exemplar, OPENMETRICS).values()) == [2]
    buckets = "".join(f'h_bucket{{a="x",le="{le}",z="y"}} 1.0\n' for le in ("1.0", "+Inf"))
    totals = 'h_sum{a="x",z="y"} 0.5\nh_count{a="x",z="y"} 1.0\n'
    assert len(expocheck.parse("# TYPE h histogram\n" + buckets + totals, TEXT)) == 4


@pytest.mark.parametrize(
    "text, rule",
    [
        ("# TYPE a gauge\na 2\n", "value-form"),
        ("# TYPE a gauge\na -2\n", "value-form"),
        ("# TYPE a gauge\na 2.50\n", "value-shortest"),
        ('# TYPE a gauge\na{b="1",a="2"} 1.0\n', "label-order"),
        ('# TYPE h histogram\nh_bucket{z="1",le="+Inf"} 1.0\n', "label-order"),
    ],
)
def test_another_form_is_refused(text: str, rule: str) -> None:
    with pytest.raises(expocheck.Violation) as caught:
        expocheck.parse(text, TEXT)
    assert caught.value.rule == rule


@pytest.mark.parametrize("note", ['{t="1"} 1 5.5', '{t="1"} 1.0 5'])
def test_an_exemplar_has_the_form_of_its_sample(note: str) -> None:
    with pytest.raises(expocheck.Violation) as caught:
        expocheck.parse(f"{COUNTER}a_total 2.0 # {note}\n{EOF}", OPENMETRICS)
    assert caught.value.rule == "value-form"


def test_what_has_no_form_of_its_own_is_judged_as_ever() -> None:
    for parser in (expocheck.OpenMetrics2, expocheck.Protobuf):
        assert expoclient.of(parser) is parser
