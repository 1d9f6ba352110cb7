# SPDX-License-Identifier: MIT
"""test_missing_modules - programs that need more than Python has say what to install, in one line"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GRAFANA = Path(__file__).resolve().parents[2] / "deployment" / "grafana"


@pytest.mark.parametrize(
    ("program", "requirements"),
    [("generate", "requirements.txt"), ("plot", "plotting-requirements.txt")],
)
def test_it_says_what_to_install(program: str, requirements: str) -> None:
    # -S: as if nothing were installed.
    command = [sys.executable, "-S", str(GRAFANA / f"{program}.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{program}: ")
    assert "in a virtual environment: pip install" in line and f"-r {GRAFANA / requirements}" in line
