# SPDX-License-Identifier: MIT
"""What is scraped in a test is judged: by itself, by the HTTP around it, and against the scrape before."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from expocheck import Violation  # noqa: E402
from judging import Judge  # noqa: E402

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
CREATED = 'shmetrics_segment_created_timestamp_seconds{segment="a"}'


def answer(body: str, content_type: str = TEXT, status: int = 200) -> SimpleNamespace:
    headers = {
        "Content-Type": content_type,
        "Vary": "Accept, Accept-Encoding",
        "Content-Length": str(len(body)),
    }
    return SimpleNamespace(status=status, headers=headers, body=body.encode())


def counter(value: int, created: int = 5) -> str:
    world = f"# TYPE shmetrics_segment_created_timestamp_seconds gauge\n{CREATED} {created}\n"
    return f"{world}# TYPE a_total counter\na_total {value}\n"


def scrape(judge: Judge, told: SimpleNamespace, path: str = "/metrics") -> None:
    with judge.scrape("GET", path, {}) as tell:
        tell(told)


def refused(judge: Judge, told: SimpleNamespace, path: str = "/metrics") -> str:
    with pytest.raises(Violation) as caught:
        scrape(judge, told, path)
    return caught.value.rule


def test_judges_what_is_served_wherever_it_is() -> None:
    judge = Judge("/odd")
    for path in ("/metrics", "/metrics?name[]=a", "/api/v1/metrics", "/odd", "/odd?name[]=a"):
        assert refused(judge, answer("a 1\n"), path) == "type-missing"
        assert refused(judge, answer("", "text/plain"), path) == "content-type"
    scrape(judge, answer("a 1\n"), "/health")
    scrape(judge, answer("a 1\n", status=503))
    assert judge.count == 0


def test_nothing_goes_back_in_either_format() -> None:
    judge = Judge()
    scrape(judge, answer(counter(5)))
    scrape(judge, answer("# TYPE a counter\na_total 2\n# EOF\n", OPENMETRICS))
    assert refused(judge, answer(counter(4))) == "went-back"
    assert refused(judge, answer("# TYPE a counter\na_total 1\n# EOF\n", OPENMETRICS)) == "went-back"
    scrape(judge, answer("", TEXT), "/metrics?name[]=nothing")
    judge.forget()
    scrape(judge, answer(counter(4)))
    assert judge.count == 6


def test_another_generation_may_begin_again() -> None:
    judge = Judge()
    scrape(judge, answer(counter(5)))
    scrape(judge, answer(counter(1, created=6)))
    assert refused(judge, answer(counter(0, created=6))) == "went-back"


def test_scrapes_at_once_are_not_compared() -> None:
    judge = Judge()
    scrape(judge, answer(counter(5)))
    with judge.scrape("GET", "/metrics", {}) as first, judge.scrape("GET", "/metrics", {}) as second:
        second(answer(counter(4)))
        first(answer(counter(3)))
    assert refused(judge, answer(counter(4))) == "went-back"


def test_what_stays_as_it_is_counts_as_much_the_second_time() -> None:
    judge = Judge()
    many = "# TYPE a_total counter\n" + "".join(f'a_total{{b="{i}"}} 5\n' for i in range(10000))
    own = "# TYPE shmetrics_b_total counter\nshmetrics_b_total {}\n"
    scrape(judge, answer(many + own.format(1)))
    scrape(judge, answer(many + own.format(2)))
    assert refused(judge, answer(many + own.format(1))) == "went-back"
    assert refused(judge, answer(many + own.format("x"))) == "value-form"
    twice = own.format(2) + "# TYPE a_total counter\n"
    assert refused(judge, answer(many + twice)) == "contiguous"
    assert refused(judge, answer(many.replace("} 5", "} 4") + own.format(2))) == "went-back"


def test_no_label_is_on_everything() -> None:
    lines = [f'# TYPE {name} gauge\n{name}{{x="1",y="{name}"}} 1\n' for name in "abcde"]
    assert refused(Judge(), answer("".join(lines))) == "label-everywhere"
    scrape(Judge(), answer("".join(lines[:4])))
    scrape(Judge(), answer("".join([*lines[:4], "# TYPE f gauge\nf 1\n"])))
