# SPDX-License-Identifier: MIT
"""test_compose - the compose file: what docker-compose makes of it, what it refuses, what each service may do

    1  nothing starts without a password that somebody chose
    2  a service has no rights, no writable file system, a limit of memory, a check of its health
    3  nothing but the proxy can be reached from another machine
    4  the flags are those that the real programs take, the settings all that the proxy's template asks for
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import wait_until  # noqa: E402
from prometheus import free_port  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = ROOT / "deployment"
FILE = "docker-compose.monitoring.yml"
NAMES = {
    f"convergeai-{name}"
    for name in ("backend", "collector", "prometheus", "alertmanager", "grafana", "nginx")
}


def compose(env_file: str, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("docker-compose")
    if not program:
        pytest.skip("there is no docker-compose; on Debian: apt-get install docker-compose")
    arguments = [*(["--env-file", env_file] if env_file else []), "-f", FILE, *command]
    return subprocess.run(
        [program, *arguments],
        cwd=DEPLOYMENT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def services() -> Dict[str, Any]:
    done = compose("development.env", "config")
    assert done.returncode == 0, done.stderr
    found: Dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return found


def published(service: Dict[str, Any]) -> str:
    """The one port: ADDRESS:PORT:INSIDE, or PORT:INSIDE where it is every address's."""
    (port,) = service["ports"]
    return port.partition("/")[0] if isinstance(port, str) else f"{port['published']}:{port['target']}"


# ---- 1: no password, no start ----


@pytest.mark.parametrize("env_file", ["", "production.env"])
def test_without_a_password_nothing_starts(env_file: str, tmp_path: Path) -> None:
    if not env_file:
        env_file = str(tmp_path / "empty.env")
        Path(env_file).touch()
    for environment in ({}, {"GF_SECURITY_ADMIN_PASSWORD": ""}):
        done = compose(env_file, "config", "-q", **environment)
        assert done.returncode == 1
        assert "set it in deployment/.env; development.env and production.env are examples" in done.stderr
        assert "GF_SECURITY_ADMIN_PASSWORD" in done.stderr


@pytest.mark.parametrize("env_file", ["development.env", "production.env"])
def test_with_a_password_all_is_understood(env_file: str) -> None:
    done = compose(env_file, "config", GF_SECURITY_ADMIN_PASSWORD="chosen")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    settings = yaml.safe_load(done.stdout)["services"]["grafana"]["environment"]
    assert settings["GF_SECURITY_ADMIN_PASSWORD"] == "chosen"


def test_the_examples_set_nothing_that_nobody_reads() -> None:
    text = (DEPLOYMENT / FILE).read_text()
    read = set(re.findall(r"\$\{([A-Z_]+)", text)) | set(re.findall(r"^ +([A-Z_]+):$", text, re.MULTILINE))
    for example in ("development.env", "production.env"):
        for name in re.findall(r"^#?([A-Z_]+)=", (DEPLOYMENT / example).read_text(), re.MULTILINE):
            assert name in read | {"COMPOSE_PROFILES"}, name


# ---- 2, 3: rights and ports ----


def test_the_containers_have_the_names_that_the_guide_uses(services: Dict[str, Any]) -> None:
    assert {service["container_name"] for service in services.values()} == NAMES


def test_no_service_has_more_rights_than_it_needs(services: Dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"] and "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service and "network_mode" not in service and "pid" not in service, name
        assert service["mem_limit"] and service["cpus"] and service["pids_limit"], name


def test_every_service_has_a_version_and_a_check(services: Dict[str, Any]) -> None:
    for name, service in services.items():
        if "build" in service:
            dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
            assert Path(service["build"]["context"]) == ROOT and "\nHEALTHCHECK " in dockerfile, name
        else:
            assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"]), name
            assert service["healthcheck"]["test"][0] == "CMD", name


def test_only_the_proxy_can_be_reached_from_elsewhere(services: Dict[str, Any]) -> None:
    for name, service in services.items():
        assert (name == "proxy") != published(service).startswith("127.0.0.1:"), name


def test_the_collector_only_reads_what_the_backend_writes(services: Dict[str, Any]) -> None:
    assert services["backend"]["volumes"] == ["segments:/run/shmetrics:rw"]
    assert services["collector"]["volumes"] == ["segments:/run/shmetrics:ro"]
    user = "USER 10001:10001\n"
    for name in ("backend", "collector"):
        dockerfile = (ROOT / services[name]["build"]["dockerfile"]).read_text()
        assert user in dockerfile and "SHMETRICS_DIR=/run/shmetrics" in dockerfile, name


# ---- 4: flags and settings ----


def test_the_proxy_is_told_all_that_its_template_asks_for(services: Dict[str, Any]) -> None:
    template = (DEPLOYMENT / "nginx" / "nginx.conf.template").read_text()
    given = services["proxy"]["environment"]
    assert set(re.findall(r"\$\{(PROXY_[A-Z]+)\}", template)) == {n for n in given if n.startswith("PROXY_")}
    ports = {name: published(service).rpartition(":")[2] for name, service in services.items()}
    for name in ("grafana", "prometheus", "alertmanager", "collector"):
        assert given[f"PROXY_{name.upper()}"] == f"{name}:{ports[name]}"
    assert given["PROXY_PORT"] == ports["proxy"]


def test_all_that_is_mounted_is_there(services: Dict[str, Any]) -> None:
    mounted = [volume.split(":") for service in services.values() for volume in service["volumes"]]
    files = [(source, mode) for source, _, mode in mounted if source.startswith("/")]
    assert len(files) >= 8
    for source, mode in files:
        assert Path(source).exists() and mode == "ro", source


def flags_here(service: Dict[str, Any], places: Dict[str, Path], listen: str) -> List[str]:
    """The container's flags, with its folders where they are here."""
    flags = []
    for flag in service["command"]:
        name, _, value = flag.partition("=")
        for inside, here in places.items():
            if value.startswith(inside):
                value = str(here) + value[len(inside) :]
        flags.append(f"{name}={value}" if "=" in flag else name)
    return [*flags, f"--web.listen-address={listen}"]


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_the_real_program_starts_with_the_flags(name: str, services: Dict[str, Any], tmp_path: Path) -> None:
    package = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}[name]
    program = shutil.which(package)
    if not program:
        pytest.skip(f"there is no {name}; on Debian: apt-get install {package}")
    configuration = tmp_path / "configuration"
    configuration.mkdir()
    # What it is configured to do is tried elsewhere.
    (configuration / "prometheus.yml").write_text("global: {scrape_interval: 15s}\n")
    (configuration / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    places = {f"/etc/{name}": configuration, f"/{name}": tmp_path / "data"}
    listen, log = f"127.0.0.1:{free_port()}", tmp_path / "log"
    flags = flags_here(services[name], places, listen)
    with log.open("wb") as output, subprocess.Popen(
        [program, *flags], stdout=output, stderr=output, stdin=subprocess.DEVNULL
    ) as process:
        try:

            def is_ready() -> bool:
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(OSError):
                    with urllib.request.urlopen(f"http://{listen}/-/healthy", timeout=5) as answer:
                        return bool(answer.status == 200)
                return False

            wait_until(is_ready, f"{name} is healthy where the container's check asks")
        finally:
            process.terminate()
