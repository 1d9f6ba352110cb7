# SPDX-License-Identifier: MIT
"""What the queries of the dashboards say in cases that a healthy system does not show, by promtool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deployment" / "grafana"))

import reading  # noqa: E402

DASHBOARDS = {dashboard.uid: dashboard for dashboard in reading.load_all()}
TARGET = 'job="convergeai-backend", instance="here"'
HOUR = {"eval_time": "1h"}
Samples = dict[str, float]


def series(name: str, labels: str = "", *, each: float = 0, start: float = 0) -> dict[str, str]:
    """A sample a quarter of a minute for an hour, growing by so much with each."""
    inner = f"{TARGET}, {labels}" if labels else TARGET
    return {"series": f"{name}{{{inner}}}", "values": f"{start:g}+{each:g}x240"}


def query(uid: str, title: str, letter: str = "A") -> str:
    """The first panel of this title."""
    dashboard = DASHBOARDS[uid]
    found = next(
        target.expr
        for panel in dashboard.panels()
        for target in panel.targets
        if (panel.title, target.letter) == (title, letter)
    )
    return reading.fill_in(found, dashboard.values(600, 60))


def judged(folder: Path, expr: str, given: list[dict[str, str]], wanted: Samples) -> str:
    """ "" if the expression has these values after an hour, by their labels, or what promtool says."""
    test = {
        "interval": "15s",
        "input_series": given,
        "promql_expr_test": [
            {
                "expr": expr,
                **HOUR,
                "exp_samples": [{"labels": labels, "value": value} for labels, value in wanted.items()],
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump({"evaluation_interval": "15s", "tests": [test]}))
    done = subprocess.run(
        ["promtool", "test", "rules", path], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


OVERVIEW, AGENTS, BUSINESS = "convergeai-overview", "convergeai-agents", "convergeai-business"
OK = series("http_requests_total", 'status_code="200"', each=15)
QUIET = series("http_requests_total", 'status_code="200"', start=100)
FAILING = series("http_requests_total", 'status_code="500"', each=5)
PROMPT = series("llm_tokens_used_total", 'model="small", token_type="prompt"', each=15_000)
COMPLETION = series("llm_tokens_used_total", 'model="large", token_type="completion"', each=15_000)


@pytest.mark.parametrize(
    "uid, title, given, wanted",
    [
        pytest.param(OVERVIEW, "Errors", [OK, FAILING], {"{}": 0.25}, id="a_share_is_of_all"),
        pytest.param(OVERVIEW, "Errors", [OK], {"{}": 0}, id="no_failure_is_0"),
        pytest.param(OVERVIEW, "Errors", [QUIET], {}, id="no_traffic_is_empty"),
        pytest.param(OVERVIEW, "Errors", [], {}, id="no_series_is_empty"),
        pytest.param(
            AGENTS,
            "Cost per hour by model",
            [PROMPT, COMPLETION],
            {'{model="small"}': 9.0, '{model="large"}': 36.0},
            id="a_type_of_token_that_a_model_lacks_costs_nothing",
        ),
        pytest.param(
            BUSINESS,
            "Users kept waiting",
            [
                series("http_request_duration_seconds_bucket", 'le="2.5"', each=11.25),
                series("http_request_duration_seconds_bucket", 'le="+Inf"', each=15),
                series("http_request_duration_seconds_count", each=15),
            ],
            {"{}": 0.25},
            id="who_waited_longer_than_the_bound",
        ),
        pytest.param(
            BUSINESS,
            "Bookings per chat",
            [series("bookings_created_total", each=15), series("chat_sessions_total", start=7)],
            {},
            id="no_chat_no_ratio",
        ),
    ],
)
def test_a_panel_shows(
    tmp_path: Path, uid: str, title: str, given: list[dict[str, str]], wanted: Samples
) -> None:
    assert judged(tmp_path, query(uid, title), given, wanted) == ""


WRITERS = f'shmetrics_segment_writers{{{TARGET}, segment="app", state="live"}}'
CREATED = f'shmetrics_segment_created_timestamp_seconds{{{TARGET}, segment="app"}}'


@pytest.mark.parametrize(
    "name, metric, values, marked",
    [
        ("Workers gone", WRITERS, "4x237 3x3", 1),
        ("Workers gone", WRITERS, "4x240", 0),
        ("Workers gone", WRITERS, "3x237 4x3", 0),
        ("Segment began anew", CREATED, "1000x238 2000x2", 1),
        ("Segment began anew", CREATED, "1000x240", 0),
    ],
)
def test_an_annotation_marks(tmp_path: Path, name: str, metric: str, values: str, marked: int) -> None:
    dashboard = DASHBOARDS[OVERVIEW]
    expr = reading.fill_in(dashboard.annotations[name], dashboard.values(600, 60))
    given = [{"series": metric, "values": values}]
    assert judged(tmp_path, f"count({expr})", given, {"{}": marked} if marked else {}) == ""


def test_what_is_not_so_is_found(tmp_path: Path) -> None:
    assert "got:" in judged(tmp_path, query(OVERVIEW, "Errors"), [OK, FAILING], {"{}": 0.3})
