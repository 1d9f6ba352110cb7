# SPDX-License-Identifier: MIT
"""test_containers - the Dockerfiles' steps, run here: what the scripts build is started as the images do

No image is made, for that needs a daemon. Instead a Dockerfile may have no step of its own (1), and what its
steps make is run as its ENTRYPOINT and CMD say (2), by a user that owns nothing (3).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Dict, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import segment_folder, wait_until  # noqa: E402
from dockerfile import CONTAINERS, Dockerfile  # noqa: E402
from expocheck import parse  # noqa: E402
from prometheus import free_port  # noqa: E402
from proxy import unprivileged  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("collector", "backend")
STEP = re.compile(r"/src/deployment/containers/([a-z-]+\.sh) [a-z/]+")


def run_step(step: str, *arguments: object) -> None:
    done = subprocess.run(
        [CONTAINERS / step, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def hadolint(path: Path) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run([program, "--no-color", path], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def prefixes() -> Iterator[Dict[str, Path]]:
    """What the first stages build, in a folder that everybody may read."""
    with tempfile.TemporaryDirectory(prefix="shmetrics-containers.") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for one in NAMES:
            run_step(f"build-{one}.sh", folder / one)
        yield {one: folder / one for one in NAMES}


# ---- 1: no step but the scripts ----


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_a_script_of_these(name: str) -> None:
    steps = [STEP.fullmatch(step) for step in Dockerfile(name).of("RUN")]
    assert [step and step[1] for step in steps] == [f"build-{name}.sh", "runtime.sh"]
    assert not Dockerfile(name).of("ADD")


@pytest.mark.parametrize("name", NAMES)
def test_all_that_is_copied_is_sent_to_be_built_from(name: str) -> None:
    ignored = set((ROOT / ".dockerignore").read_text().splitlines())
    for line in Dockerfile(name).of("COPY"):
        if not line.startswith("--from="):
            for source in line.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert not {source, *map(str, Path(source).parents)} & ignored, source
    built_from = {"include", "lib", "collector", "deployment", "CMakeLists.txt", "pyproject.toml", "LICENSE"}
    assert not built_from & ignored and {".git", "build", "**/secrets", "**/.env"} <= ignored


@pytest.mark.parametrize("name", NAMES)
def test_hadolint_finds_no_fault(name: str) -> None:
    done = hadolint(CONTAINERS / f"{name}.Dockerfile")
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_does_find_faults(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian:latest\nRUN cd / && apt-get install curl\n")
    done = hadolint(bad)
    assert done.returncode != 0 and "DL3007" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_image_is_nobodys_and_of_two_stages(name: str) -> None:
    dockerfile = Dockerfile(name)
    assert dockerfile.of("FROM") == ["debian:12-slim AS build", "debian:12-slim"]
    (user,) = dockerfile.of("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), "by number, which Kubernetes can check"


def test_what_is_installed_is_what_the_collector_needs(prefixes: Dict[str, Path]) -> None:
    """Packages of the libraries that it is linked with, and no others."""
    program = prefixes["collector"] / "bin" / "shmetrics-collector"
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    places = dict(re.findall(r"(\S+) => (/\S+)", listed))
    dynamic = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    needed = {name for name in re.findall(r"NEEDED.*\[(.+)\]", dynamic)}
    packages = set()
    for name in needed - {"libshmetrics.so.0", "libc.so.6"}:
        # dpkg knows a file by where its package put it, before /lib became /usr/lib.
        for place in {places[name], os.path.realpath(places[name]), places[name].removeprefix("/usr")}:
            found = subprocess.run(["dpkg", "-S", place], capture_output=True, text=True, check=False)
            packages |= {found.stdout.partition(":")[0]} - {""}
    installed = re.search(r"collector\) install_packages (.*) ;;", (CONTAINERS / "runtime.sh").read_text())
    assert installed and packages == set(installed[1].split())


# ---- 2, 3: what comes out runs as the image says ----


class Container:
    """What the image would run, here: other paths and ports, and the segments' folder of the test."""

    def __init__(self, name: str, prefix: Path, segments: Path, scratch: Path) -> None:
        self.dockerfile = Dockerfile(name)
        (exposed,) = self.dockerfile.of("EXPOSE")
        self.exposed, self.port = exposed, free_port()
        command = [*self.dockerfile.words("ENTRYPOINT"), *self.dockerfile.words("CMD")]
        replaced = {f":{exposed}": f"127.0.0.1:{self.port}", exposed: str(self.port), "0.0.0.0": "127.0.0.1"}
        for old, new in replaced.items():
            command = [re.sub(f"(^|=){re.escape(old)}$", rf"\g<1>{new}", word) for word in command]
        command = [re.sub(r"^/opt/[a-z]+", str(prefix), word) for word in command]
        environment = {**self.dockerfile.environment(), "SHMETRICS_DIR": str(segments)}
        if "DEMO_DATABASE" in environment:
            environment["DEMO_DATABASE"] = str(scratch / "demo.db")
        workdir = self.dockerfile.of("WORKDIR")
        self.log = scratch / f"{name}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=prefix if workdir else "/",
                env={"PATH": "/usr/bin:/bin", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **unprivileged(),
            )

    def is_healthy(self) -> bool:
        """As the image's own check finds."""
        assert self.process.poll() is None, self.log.read_text()
        program, *arguments = self.dockerfile.words("HEALTHCHECK")
        assert arguments[0] == self.exposed
        check = [str(CONTAINERS / program), str(self.port), *arguments[1:]]
        done = subprocess.run(check, capture_output=True, timeout=30, check=False)
        return done.returncode == 0

    def __enter__(self) -> "Container":
        return self

    def __exit__(self, *unused: object) -> None:
        self.process.terminate()
        self.process.wait(60)


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def test_what_comes_out_counts_and_serves(prefixes: Dict[str, Path], tmp_path: Path) -> None:
    run_step("runtime.sh", "collector")
    run_step("runtime.sh", "backend")
    with segment_folder() as segments, tempfile.TemporaryDirectory(prefix="shmetrics-scratch.") as scratch:
        for folder in (segments, Path(scratch)):
            if os.geteuid() == 0:
                shutil.chown(folder, "nobody", "nogroup")
        with (
            Container("backend", prefixes["backend"], segments, Path(scratch)) as backend,
            Container("collector", prefixes["collector"], segments, Path(scratch)) as collector,
        ):
            wait_until(backend.is_healthy, "the backend is healthy", 120)
            wait_until(collector.is_healthy, "the collector is healthy")
            for _ in range(5):
                assert fetch(f"http://127.0.0.1:{backend.port}/api/v1/bookings") == "{}"
            url = f"http://127.0.0.1:{collector.port}/metrics"

            def total(name: str, *labels: tuple[str, str]) -> float:
                samples = parse(fetch(url)).items()
                return sum(value for (n, l), value in samples if n == name and set(labels) <= set(l))

            wait_until(lambda: total("http_requests_total") == 5, "the workers' requests are counted")
            live = ("segment", "convergeai"), ("state", "live")
            wait_until(lambda: total("shmetrics_segment_writers", *live) >= 4, "all workers write", 120)


def test_a_check_fails_where_nobody_listens_or_what_is_asked_for_is_not(prefixes: Dict[str, Path]) -> None:
    def check(port: int, path: str) -> int:
        command = [str(CONTAINERS / "is-healthy"), str(port), path]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode

    assert check(free_port(), "/-/healthy") != 0
    with segment_folder() as segments, tempfile.TemporaryDirectory() as scratch:
        if os.geteuid() == 0:
            shutil.chown(segments, "nobody", "nogroup")
        with Container("collector", prefixes["collector"], segments, Path(scratch)) as collector:
            wait_until(lambda: check(collector.port, "/-/healthy") == 0, "the collector lives")
            assert check(collector.port, "/-/ready") != 0, "it has no segment"
