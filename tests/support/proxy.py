# SPDX-License-Identifier: MIT
"""proxy - a real nginx with deployment/nginx's configuration in front of programs on loopback

    with proxying(folder, pair, ca, {"sre": "secret"}, collector="127.0.0.1:9798") as proxy:
        proxy.request("/shmetrics/metrics")

The folder is everybody's to pass through: nginx is started as nobody, where the tests are root. What is not
given an address is one where nobody listens.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

import pytest
from certificates import Pair
from collector import DEADLINE, ROOT, Answer, wait_until
from prometheus import free_port
from secure import authorization, client_context

NGINX = ROOT / "deployment" / "nginx"
PROGRAMS = ("grafana", "prometheus", "alertmanager", "collector")


def unprivileged() -> Dict[str, Any]:
    """Of a process: not root, where we are."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def crypt_line(user: str, password: str) -> str:
    """As the configuration says that it be made."""
    made = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True
    )
    return f"{user}:{made.stdout}"


def write_settings(path: Path, settings: Mapping[str, object]) -> Path:
    path.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    return path


def render(settings: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([NGINX / "render", settings], capture_output=True, text=True, check=False)


def nginx(configuration: Path, *arguments: str) -> list[str]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("there is no nginx; on Debian: apt-get install nginx")
    return [program, "-e", "stderr", "-c", str(configuration), *arguments]


class Proxy:
    """Its port; requests are made with the password `credentials`, unless they say otherwise."""

    def __init__(self, port: int, context: ssl.SSLContext, logs: List[Path]) -> None:
        self.port = port
        self.url = f"https://127.0.0.1:{port}"
        self.context = context
        self.credentials = ("", "")
        self._logs = logs

    @property
    def log(self) -> str:
        """Of errors, and of requests."""
        return "".join(path.read_text() for path in self._logs if path.exists())

    def open(self, context: Optional[ssl.SSLContext] = None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=DEADLINE, context=context or self.context
        )

    def request(
        self, path: str, method: str = "GET", headers: Optional[Mapping[str, str]] = None
    ) -> Answer:
        sent = {"Authorization": authorization(*self.credentials), **(headers or {})}
        with contextlib.closing(self.open()) as connection:
            connection.request(method, path, headers={k: v for k, v in sent.items() if v})
            return Answer(connection.getresponse())

    def is_up(self) -> bool:
        with contextlib.suppress(OSError):
            return self.request("/-/proxy", headers={"Authorization": ""}).status == 200
        return False


def settings_for(
    folder: Path, pair: Pair, users: Mapping[str, str], addresses: Mapping[str, str]
) -> Dict[str, object]:
    """All that the template leaves open; the folder gets what they name. `resolver` is an address too."""
    run = folder / "run"
    run.mkdir()
    run.chmod(0o777)
    file = folder / "users"
    file.write_text("".join(crypt_line(*user) for user in users.items()))
    for readable in (file, pair.certificate, pair.key):
        readable.chmod(0o644)
    return {
        "PROXY_PORT": f"127.0.0.1:{free_port()}",
        "PROXY_NAME": "localhost",
        "PROXY_CERTIFICATE": pair.certificate,
        "PROXY_KEY": pair.key,
        "PROXY_USERS": file,
        "PROXY_RUN": run,
        "PROXY_LOG": run / "access.log",
        "PROXY_RESOLVER": addresses.get("resolver", "127.0.0.1"),
        **{f"PROXY_{name.upper()}": addresses.get(name, "127.0.0.1:1") for name in PROGRAMS},
    }


@contextlib.contextmanager
def proxying(
    folder: Path, pair: Pair, authority: Path, users: Mapping[str, str], **addresses: str
) -> Iterator[Proxy]:
    """Runs it; the first of the users is who asks."""
    settings = settings_for(folder, pair, users, addresses)
    rendered = render(write_settings(folder / "nginx.env", settings))
    assert rendered.returncode == 0, rendered.stderr
    configuration, log = folder / "nginx.conf", folder / "nginx.log"
    configuration.write_text(rendered.stdout)
    port = int(str(settings["PROXY_PORT"]).rpartition(":")[2])
    proxy = Proxy(port, client_context(authority), [log, Path(str(settings["PROXY_LOG"]))])
    proxy.credentials = next(iter(users.items()), ("", ""))
    command = nginx(configuration, "-g", "daemon off;")
    with log.open("ab") as output, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **unprivileged()
    ) as process:
        try:

            def is_up() -> bool:
                assert process.poll() is None, proxy.log
                return proxy.is_up()

            wait_until(is_up, "nginx answers")
            yield proxy
        finally:
            process.terminate()
