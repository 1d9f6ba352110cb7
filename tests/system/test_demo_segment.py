# SPDX-License-Identifier: MIT
"""test_demo_segment - the demo's segment has a limit that its volume has room for

Or the volume would be full long before SegmentNearlyFull fires: at 128 MiB the default limit is half used.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import serving
from command import SHMETRICS
from serving import DEMO

DEFAULT = 256 << 20
# The volume's size is what is said here, in blocks of 4 KiB.
DEMO_IN_A_VOLUME = """
import os, types
os.statvfs = lambda _: types.SimpleNamespace(f_frsize=4096, f_blocks={blocks})
import src.database
"""


def limit(segments: Path, scratch: Path, blocks: int, name: str) -> int:
    """Of the segment that the demo makes there."""
    env = {**serving.environment(segments, scratch), "SHMETRICS_SEGMENT": name}
    code = DEMO_IN_A_VOLUME.format(blocks=blocks)
    done = subprocess.run([sys.executable, "-c", code], cwd=DEMO, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    said = subprocess.run([SHMETRICS, "ls", "--json"], env=env, capture_output=True, text=True, check=True)
    (segment,) = json.loads(said.stdout)
    return int(segment["size_max_bytes"])


@pytest.mark.parametrize("by_path", [False, True])
def test_a_small_volume_is_three_quarters_of_it_and_a_large_one_the_default(
    by_path: bool, tmp_path: Path
) -> None:
    for blocks, expected in ((32_768, 96 << 20), (1 << 24, DEFAULT), (0, DEFAULT)):  # 0: no limit is known
        with serving.segment_folder() as segments:
            name = f"{segments}/app.smx1" if by_path else "app"
            assert limit(segments, tmp_path, blocks, name) == expected


def test_a_folder_that_is_not_there_is_left_to_shmetrics_to_say(tmp_path: Path) -> None:
    env = {**serving.environment(tmp_path / "nowhere", tmp_path), "SHMETRICS_SEGMENT": "app"}
    done = subprocess.run(
        [sys.executable, "-c", "import src.database"], cwd=DEMO, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "cannot make a file in" in done.stderr
