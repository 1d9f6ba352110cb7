# SPDX-License-Identifier: MIT
"""test_discovery - each way of naming targets finds this stack's collector, by promtool's own discovery"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import override
import pytest
from configured import DEPLOYMENT
from running import SEGMENT, Stack

PROMETHEUS = DEPLOYMENT / "prometheus"
JOB = "convergeai-backend"


def discovered(config: Path) -> list[dict[str, str]]:
    """The labels of the targets after relabelling. It looks until the time is over."""
    check = ["promtool", "check", "service-discovery", "--timeout=3s", str(config), JOB]
    said = subprocess.run(check, check=True, capture_output=True, text=True).stdout
    found: list[dict[str, Any]] = json.loads(said)
    return [target["labels"] for target in found]


@pytest.mark.parametrize("way", ["discovery-file", "discovery-http"])
def test_the_collector_is_found(stack: Stack, way: str, tmp_path: Path) -> None:
    changes = [PROMETHEUS / f"{way}.yml"]
    config = override.override(PROMETHEUS / "prometheus.yml", changes, 1, tmp_path)
    address = stack.collector.removeprefix("http://")
    for path in (config, *tmp_path.glob("targets/*.yml")):
        path.write_text(path.read_text().replace("collector:9798", address))
    found = discovered(config)
    assert {target["__address__"] for target in found} == {address}
    assert {target["job"] for target in found} == {JOB}
    paths = {target["__metrics_path__"] for target in found}
    if way == "discovery-http":
        assert paths == {f"/segments/{SEGMENT}/metrics", "/collector/metrics"}
        assert {target.get("segment", "") for target in found} == {SEGMENT, ""}
    else:
        assert paths == {"/metrics"}
