# SPDX-License-Identifier: MIT
"""dockerfile - the instructions of deployment's Dockerfiles, each on one line"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Dict, List

CONTAINERS = Path(__file__).resolve().parents[2] / "deployment" / "containers"


class Dockerfile:
    """NAME.Dockerfile."""

    def __init__(self, name: str) -> None:
        self.path = CONTAINERS / f"{name}.Dockerfile"
        text = self.path.read_text().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        self.instructions = [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]

    def of(self, word: str) -> List[str]:
        return [rest for name, rest in self.instructions if name == word]

    def words(self, name: str) -> List[str]:
        (rest,) = self.of(name)
        found: List[str] = json.loads(rest.partition("CMD ")[2] if name == "HEALTHCHECK" else rest)
        return found

    def environment(self) -> Dict[str, str]:
        pairs = [pair for line in self.of("ENV") for pair in shlex.split(line)]
        return dict(pair.partition("=")[::2] for pair in pairs)
