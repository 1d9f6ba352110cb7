# SPDX-License-Identifier: MIT
"""plot.py: numbers as people read them, gaps that stay gaps, and what is said where nothing can be drawn."""

from __future__ import annotations

import math
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "deployment" / "grafana"
sys.path.insert(0, str(GRAFANA))

import reading  # noqa: E402
from plotting import asking, units  # noqa: E402

OVERVIEW = next(one for one in reading.load_all() if one.uid == "convergeai-overview")
ERROR_RATE = next(panel for panel in OVERVIEW.panels() if panel.title == "Error rate")


@pytest.mark.parametrize(
    "value, unit, decimals, text",
    [
        (0.0, "s", None, "0 s"),
        (0.00025, "s", None, "250 µs"),
        (0.75, "s", None, "750 ms"),
        (90.0, "s", None, "1.5 min"),
        (7200.0, "s", 0, "2 h"),
        (1536.0, "bytes", None, "1.5 KiB"),
        (1048576.0, "Bps", None, "1 MiB/s"),
        (0.05, "percentunit", None, "5 %"),
        (12.5, "reqps", None, "12.5 req/s"),
        (1250.0, "short", None, "1.25 K"),
        (1250.0, "locale", 0, "1,250"),
        (1.5, "currencyUSD", None, "$1.50"),
        (0.00021, "currencyUSD", 5, "$0.00021"),
        (3.0, "none", None, "3"),
    ],
)
def test_a_number_is_said(value: float, unit: str, decimals: int | None, text: str) -> None:
    assert units.text(value, unit, decimals) == text


def test_a_time_is_said_from_now() -> None:
    assert units.ago(1000.0 * 1000, 1000 + 600) == "10 min ago"


def test_a_step_without_a_value_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus leaves it out; Grafana draws no line over it."""
    answer = [{"metric": {}, "values": [[0, "1"], [1, "2"], [4, "3"]]}]
    monkeypatch.setattr(asking.Window, "ask", lambda *_, **__: answer)
    (line,) = asking.lines(OVERVIEW, ERROR_RATE, asking.Window("http://nowhere", 4.9, 4, 1))
    assert line.times == [0, 1, 2, 3, 4]
    assert [value for value in line.values if not math.isnan(value)] == [1, 2, 3]
    assert math.isnan(line.values[2]) and math.isnan(line.values[3])


def test_the_range_of_rates_is_grafanas() -> None:
    assert asking.Window("", 0, 3600, 15).rate_interval == 60, "four scrapes"
    assert asking.Window("", 0, 86400, 15).rate_interval == 375, "a step and a scrape"


def test_a_variable_that_a_dashboard_lacks_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no variable region"):
        reading.fill_in('up{region="$region"}', OVERVIEW.values(60, 60))


def plot(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, GRAFANA / "plot.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_prometheus_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = plot("--prometheus", url, "--to", tmp_path, "convergeai-business")
    assert done.returncode == 1
    assert done.stderr == f"plot.py: {url}: <urlopen error [Errno 111] Connection refused>\n"
    assert list(tmp_path.iterdir()) == []


def test_a_dashboard_that_there_is_not_is_named() -> None:
    done = plot("convergeai-overveiw")
    assert done.returncode == 2
    assert "no dashboard convergeai-overveiw; there are convergeai-agents, " in done.stderr
