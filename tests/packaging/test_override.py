# SPDX-License-Identifier: MIT
"""test_override - deployment/override.py: what it changes, what it makes shorter, and what it refuses"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

DEPLOYMENT = Path(__file__).resolve().parents[2] / "deployment"
sys.path.insert(0, str(DEPLOYMENT))

import override  # noqa: E402

PROMETHEUS = DEPLOYMENT / "prometheus"
VARIANTS = [PROMETHEUS / "discovery-file.yml", PROMETHEUS / "discovery-http.yml"]
REMOTE = sorted((PROMETHEUS / "remote-write").glob("*.yml"))


@pytest.mark.parametrize("factor", [1, 7, 60])
@pytest.mark.parametrize("changes", [[], *([one] for one in VARIANTS + REMOTE)], ids=str)
def test_what_it_writes_is_valid(changes: list[Path], factor: float, tmp_path: Path) -> None:
    command = [sys.executable, DEPLOYMENT / "override.py", PROMETHEUS / "prometheus.yml", *changes]
    said = subprocess.run(
        [*map(str, command), "--faster", str(factor), "--output", str(tmp_path / "new")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    written = Path(said.strip())
    assert written == tmp_path / "new" / "prometheus.yml"
    subprocess.run(["promtool", "check", "config", written], check=True, capture_output=True)
    jobs = [job["job_name"] for job in yaml.safe_load(written.read_text())["scrape_configs"]]
    assert jobs == ["convergeai-backend"], "a change takes the place of the job that it names"


def test_without_pyyaml_it_says_what_to_install(tmp_path: Path) -> None:
    command = [sys.executable, "-S", DEPLOYMENT / "override.py", PROMETHEUS / "prometheus.yml"]
    done = subprocess.run(
        [*map(str, command), "--output", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "override: PyYAML is missing; on Debian: apt-get install python3-yaml\n"


def test_a_change_is_merged_by_name_and_replaces_the_rest() -> None:
    base = {
        "global": {"a": 1, "b": 2},
        "scrape_configs": [{"job_name": "x", "static_configs": [1]}, {"job_name": "y"}],
        "list": [1, 2],
    }
    change = {
        "global": {"b": 3},
        "scrape_configs": [{"job_name": "x", "file_sd_configs": [2]}, {"job_name": "z"}],
        "list": [3],
    }
    assert override.merge(base, change) == {
        "global": {"a": 1, "b": 3},
        "scrape_configs": [{"job_name": "x", "file_sd_configs": [2]}, {"job_name": "y"}, {"job_name": "z"}],
        "list": [3],
    }


@pytest.mark.parametrize(
    ("expression", "shorter"),
    [
        ("rate(x[5m])", "rate(x[10s])"),
        ("rate(x[1m])", "rate(x[5s])"),  # no shorter: a rate needs some scrapes
        ("rate(x[3s])", "rate(x[3s])"),  # nor longer than it was
        ("rate(x[1h30m])", "rate(x[180s])"),
        ("max_over_time(x[10m:1m])", "max_over_time(x[20s:1s])"),
        ("x offset 1h", "x offset 120s"),
        ('x{range="[5m]"} > 5', 'x{range="[5m]"} > 5'),
        ("job:x:rate5m > 0.05", "job:x:rate5m > 0.05"),
    ],
)
def test_ranges_and_offsets_of_expressions_are_divided(expression: str, shorter: str) -> None:
    assert override.shorten_expression(expression, 30) == shorter


def test_durations_are_divided_and_intervals_stay_a_second() -> None:
    config = {
        "global": {"scrape_interval": "15s", "scrape_timeout": "10s", "resolve_timeout": "5m"},
        "route": {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"},
        "groups": [{"name": "5m", "rules": [{"alert": "5m", "for": "1m30s", "labels": {"x": "5m"}}]}],
    }
    assert override.shorten(config, 30) == {
        "global": {"scrape_interval": "1s", "scrape_timeout": "900ms", "resolve_timeout": "10s"},
        "route": {"group_wait": "1s", "group_interval": "10s", "repeat_interval": "480s"},
        "groups": [{"name": "5m", "rules": [{"alert": "5m", "for": "3s", "labels": {"x": "5m"}}]}],
    }


@pytest.mark.parametrize(
    ("text", "faster", "message"),
    [
        ("a: [", 1, "prometheus.yml: not YAML"),
        ("just words", 1, "prometheus.yml: neither a mapping nor a list"),
        ("rule_files: [r/*.yml]", 1, "r/*.yml: the configuration names it, and there is no such file"),
        ("a: 1", 0.5, "--faster 0.5: time can be made shorter only"),
    ],
)
def test_what_cannot_be_done_is_said(text: str, faster: float, message: str, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text(text)
    with pytest.raises(override.Wrong) as wrong:
        override.override(config, [], faster, tmp_path / "new")
    assert message in str(wrong.value)
    with pytest.raises(override.Wrong, match="that is where prometheus.yml itself is"):
        override.override(config, [], 1, tmp_path)
    with pytest.raises(override.Wrong, match="absent.yml: No such file"):
        override.override(tmp_path / "absent.yml", [], 1, tmp_path / "new")
