# SPDX-License-Identifier: MIT
"""test_collector_bytes - HTTP by the byte: the scripts in http/ for varnishtest, and curl

One script a theme; ${collector} is a running collector with the segment `app`, whose gauge `busy` is 1.
Refusing what other servers would understand differently keeps proxies and this one of one mind.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
from collector import Collector, Writer, segment_folder, wait_until  # noqa: E402

SCRIPTS = sorted((Path(__file__).resolve().parent / "http").glob("*.vtc"))


@pytest.fixture(scope="module")
def served() -> Iterator[Collector]:
    with segment_folder() as path, Writer(path, "app", "--counters", "100") as writer:
        writer.do("gauge busy 1")
        with Collector(path) as collector:
            wait_until(lambda: collector.value("busy") == 1, "the segment is served")
            yield collector


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"there is no {name}; on Debian: apt-get install {package}")
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_answers_as_the_script_says(served: Collector, script: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            program("varnishtest", "varnish"),
            f"-Dcollector=127.0.0.1:{served.port}",
            str(script),
        ],
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert served.request("/-/healthy").status == 200


# ---- curl ----


def curl(served: Collector, path: str, *arguments: str) -> bytes:
    command: List[str] = [program("curl", "curl"), "--silent", "--show-error", "--globoff"]
    url = f"http://127.0.0.1:{served.port}{path}"
    done = subprocess.run([*command, *arguments, url], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_gets_what_it_asks_for(served: Collector) -> None:
    plain = curl(served, "/metrics?name[]=writer_steps_total")
    assert len(expocheck.parse(plain)) == 100
    assert curl(served, "/metrics?name[]=writer_steps_total", "--compressed") == plain
    packed = curl(served, "/metrics?name[]=writer_steps_total", "-H", "Accept-Encoding: gzip")
    assert gzip.decompress(packed) == plain
    assert curl(served, "/metrics?name[]=writer_steps_total", "--range", "0-9") == plain
    assert curl(served, "/metrics?name[]=writer_steps_total", "--http1.0") == plain
    assert curl(served, "/metrics?name[]=writer_steps_total", "--http2") == plain  # it falls back


def test_curl_sees_the_same_head_as_get(served: Collector) -> None:
    def lines(*arguments: str) -> List[bytes]:
        head = curl(served, "/metrics?name[]=writer_steps_total", *arguments).splitlines()
        return [line for line in head if not line.startswith(b"Date:")]

    for coding in ("identity", "gzip"):
        accept = ("-H", f"Accept-Encoding: {coding}")
        head = lines("--head", *accept)
        got = lines("--dump-header", "-", "--output", "/dev/null", *accept)
        assert head == got
        assert any(line.startswith(b"Content-Length: ") for line in head)
