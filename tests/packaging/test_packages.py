# SPDX-License-Identifier: MIT
"""What pip installs: an sdist, a wheel from it, the programs on PATH, served metrics; less where less is.

Everything happens outside the tree, in environments without any other package, as at a user's.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 60.0
LIBRARIES = "apt-get install pkg-config libmicrohttpd-dev liburcu-dev libdeflate-dev"
INSIST = ("--config-settings", "cmake.define.SMX_BUILD_COLLECTOR=ON")

APP = """
import shmetrics, sys
shmetrics.Counter("orders", "Orders taken", ["kind"]).labels("book").inc(3)
print("recorded", shmetrics.__file__, flush=True)
sys.stdin.read()
"""

PROCESS_LOCAL = """
import os, shmetrics
counter = shmetrics.Counter("x", "X.", ["a"])
counter.labels("1").inc(2)
gauge = shmetrics.Gauge("g", "")
gauge.set(4)
histogram = shmetrics.Histogram("h", "")
histogram.observe(0.3)
value = shmetrics.REGISTRY.get_sample_value
if os.fork() == 0:
    counter.labels("1").inc()
    gauge.inc()
    assert value("x_total", {"a": "1"}) == 3
    os._exit(0)
assert os.wait()[1] == 0
assert value("x_total", {"a": "1"}) == 2 and value("g") == 4 and value("h_sum") == 0.3
"""


def run(*command: object, **environment: str) -> str:
    """Both outputs of a command that must end well."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd="/",
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def build_wheel(source: Path, folder: Path, *options: str, **environment: str) -> tuple[Path, str]:
    """A wheel made as by `pip install`, and what was said meanwhile."""
    said = run(
        sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "-w", folder, *options, source, **environment
    )
    (wheel,) = folder.glob("*.whl")
    return wheel, said


def scripts(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name.rpartition("/")[2] for name in archive.namelist() if ".data/scripts/" in name}


class Environment:
    """A fresh virtual environment with one wheel in it."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        venv.create(folder, with_pip=True)
        self.programs = folder / "bin"
        run(self.programs / "pip", "install", "--no-index", wheel)
        # Nothing else on PATH that could stand in for a program that is missing.
        self.variables = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "SHMETRICS_DIR": str(folder),
        }


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--sdist", "--outdir", folder, ROOT)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def scrape(url: str) -> str:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        with urllib.request.urlopen(url, timeout=10) as answer:
            text: str = answer.read().decode()
        expocheck.parse(text)
        if "orders_total" in text:
            return text
        assert time.monotonic() < deadline, text
        time.sleep(0.02)


def test_the_sdist_is_the_source_without_what_was_built(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "collector/main.c", "lib/python/ext/module.c"} <= names
    assert not [name for name in names if name.startswith(("build/", "dist/"))]


def test_a_wheel_from_the_sdist_serves_metrics(sdist: Path, tmp_path: Path) -> None:
    wheel, _ = build_wheel(sdist, tmp_path / "wheel", *INSIST)
    assert scripts(wheel) == {"shmetrics", "shmetrics-collector"}
    with zipfile.ZipFile(wheel) as archive:  # what `run --bridge` needs
        assert any(n.endswith("/share/shmetrics/bridge/sitecustomize.py") for n in archive.namelist())
    environment = Environment(tmp_path / "venv", wheel)
    version = run(environment.programs / "shmetrics-collector", "--version")
    assert run(environment.programs / "shmetrics", "--version").split()[-1] in version
    (tmp_path / "app.py").write_text(APP)
    with subprocess.Popen(
        ["shmetrics", "run", "--listen", "127.0.0.1:0", "--", "python", str(tmp_path / "app.py")],
        executable=environment.programs / "shmetrics",
        env=environment.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout and running.stdin and running.stderr
            assert str(tmp_path / "venv") in running.stdout.readline()
            said = iter(running.stderr.readline, "")
            found = next(filter(None, (re.search(r"http://\S+/metrics", line) for line in said)))
            assert 'orders_total{kind="book"} 3' in scrape(found.group())
            running.stdin.close()
            assert running.wait(timeout=DEADLINE_SECONDS) == 0
        finally:
            running.kill()


def test_without_the_collectors_libraries_the_rest_is_installed(sdist: Path, tmp_path: Path) -> None:
    wheel, said = build_wheel(sdist, tmp_path / "wheel", PKG_CONFIG_LIBDIR="/nowhere")
    assert scripts(wheel) == {"shmetrics"}
    (line,) = [line for line in said.splitlines() if "left out" in line]
    assert LIBRARIES in line
    environment = Environment(tmp_path / "venv", wheel)
    done = subprocess.run(
        ["shmetrics", "run", "--", "python", "-c", "import shmetrics; shmetrics.Counter('x', '').inc()"],
        executable=environment.programs / "shmetrics",
        env=environment.variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "no shmetrics-collector" in done.stderr and "libmicrohttpd" in done.stderr


def test_who_insists_on_the_collector_is_told_what_is_missing(sdist: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="\\s+".join(LIBRARIES.split())):  # CMake folds it
        build_wheel(sdist, tmp_path, *INSIST, PKG_CONFIG_LIBDIR="/nowhere")


def test_without_tls_the_collector_says_so(sdist: Path, tmp_path: Path) -> None:
    """As deployment/wheels builds it: better no start than plain HTTP where TLS was asked for."""
    wheel, _ = build_wheel(
        sdist, tmp_path / "wheel", *INSIST, "--config-settings", "cmake.define.SMX_WEB_CONFIG=OFF"
    )
    environment = Environment(tmp_path / "venv", wheel)
    (tmp_path / "web.yml").write_text("")
    done = subprocess.run(
        [environment.programs / "shmetrics-collector", f"--web.config.file={tmp_path}/web.yml"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"shmetrics-collector: {tmp_path}/web.yml: this shmetrics-collector was built without TLS and users, "
        "for want of GnuTLS, libyaml or libxcrypt\n"
    )


def test_other_systems_get_the_package_without_programs(sdist: Path, tmp_path: Path) -> None:
    wheel, _ = build_wheel(sdist, tmp_path / "wheel", "--config-settings", "cmake.define.SMX_PORTABLE=ON")
    assert scripts(wheel) == set()
    environment = Environment(tmp_path / "venv", wheel)
    done = subprocess.run(
        [environment.programs / "python", "-c", PROCESS_LOCAL],
        env={**environment.variables, "SHMETRICS_SEGMENT": "test"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1 and "Linux" in done.stderr
