# SPDX-License-Identifier: MIT
"""recording - a Python process that has recorded into a segment and goes on living, for its collector

    with recording("kinds", CODE) as folder, Collector(folder) as collector:
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

from collector import segment_folder

WAIT = """
import sys
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def recording(segment: str, code: str) -> Iterator[Path]:
    """The folder of the segment that the code records into."""
    with segment_folder() as path:
        environment = {**os.environ, "SHMETRICS_DIR": str(path), "SHMETRICS_SEGMENT": segment}
        with subprocess.Popen(
            [sys.executable, "-c", code + WAIT],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout and process.stdin
            assert process.stdout.readline() == "ready\n"
            yield path
            process.stdin.close()
