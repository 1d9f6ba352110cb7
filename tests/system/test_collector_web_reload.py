# SPDX-License-Identifier: MIT
"""test_collector_web_reload - the web configuration read anew, and sockets handed over by systemd

A bad configuration never takes the place of a good one: B1 (collector/web.h).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from certificates import Authority  # noqa: E402
from collector import (
    COLLECTOR,
    DEADLINE,
    Collector,
    Writer,
    wait_until,
)  # noqa: E402
from secure import SecureCollector, authorization, bcrypt_hash, client_context  # noqa: E402

GOOD = "shmetrics_config_last_reload_successful"
SINCE = "shmetrics_config_last_reload_success_timestamp_seconds"
ANN = {"Authorization": authorization("ann", "secret")}
BOB = {"Authorization": authorization("bob", "hidden")}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users:\n  ann: {bcrypt_hash('secret')}\n")
    return path


def replace(path: Path, text: str) -> None:
    """As operators and their tools do: whole."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def with_bob() -> str:
    return f"basic_auth_users:\n  bob: {bcrypt_hash('hidden')}\n"


def reload_by_signal(collector: SecureCollector) -> None:
    seen = len(collector.log_lines("msg=rescanning"))
    collector.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(collector.log_lines("msg=rescanning")) > seen, "SIGHUP is heard")


def reload_by_request(collector: SecureCollector) -> None:
    assert collector.request("/-/reload", "POST").status in (200, 500)


def reload_by_itself(collector: SecureCollector) -> None:
    seen = len(collector.log_lines("a change of its files"))
    wait_until(lambda: len(collector.log_lines("a change of its files")) > seen, "it is seen")


WAYS = [reload_by_signal, reload_by_request, reload_by_itself]


@pytest.mark.races
@pytest.mark.parametrize("reload", WAYS)
def test_takes_a_new_configuration(
    folder: Path, config: Path, reload: Callable[[SecureCollector], None]
) -> None:
    with SecureCollector(folder, config, "--web.enable-lifecycle", headers=ANN) as collector:
        before = collector.value(SINCE)
        assert before and abs(before - time.time()) < 60 and collector.value(GOOD) == 1
        assert collector.request("/-/healthy", headers=BOB).status == 401
        replace(config, with_bob())
        reload(collector)
        assert collector.request("/-/healthy").status == 401
        collector.headers = BOB
        assert collector.request("/-/healthy").status == 200
        after = collector.value(SINCE)
        assert collector.value(GOOD) == 1 and after and after >= before


@pytest.mark.parametrize("reload", WAYS)
def test_keeps_the_old_configuration_when_the_new_one_is_bad(
    folder: Path, config: Path, reload: Callable[[SecureCollector], None]
) -> None:
    good = config.read_text()
    with SecureCollector(folder, config, "--web.enable-lifecycle", headers=ANN) as collector:
        replace(config, good + "  bob: in clear\n")
        reload(collector)
        rule = f'{config}:3: basic_auth_users: the password of \\"bob\\" must be a bcrypt hash'
        assert rule in collector.wait_for_line('msg="bad configuration')
        assert collector.value(GOOD) == 0 and collector.value(SINCE)
        assert collector.request("/-/healthy").status == 200
        assert collector.request("/-/healthy", headers=BOB).status == 401
        replace(config, good)
        reload(collector)
        assert collector.value(GOOD) == 1


def test_answers_a_reload_with_what_is_wrong(folder: Path, config: Path) -> None:
    with SecureCollector(folder, config, "--web.enable-lifecycle", headers=ANN) as collector:
        answer = collector.request("/-/reload", "POST")
        assert (answer.status, answer.text) == (200, "reloaded\n")
        assert collector.request("/-/reload", "PUT").status == 200
        config.unlink()
        answer = collector.request("/-/reload", "POST")
        assert answer.status == 500
        assert answer.text == (
            f'not reloaded, all is as before: {config}: cannot read "{config}": '
            "No such file or directory\n"
        )
        assert collector.request("/-/healthy").status == 200


def test_does_not_let_tls_come_or_go_without_a_restart(folder: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    authority.issue("server")
    tls = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
    config = tmp_path / "web.yml"
    for first, second in ((tls, ""), ("", tls)):
        config.write_text(first)
        context = client_context(authority.certificate) if first else None
        with SecureCollector(
            folder, config, "--web.enable-lifecycle", context=context
        ) as collector:
            replace(config, second)
            answer = collector.request("/-/reload", "POST")
            assert answer.status == 500
            assert answer.text.endswith(
                "tls_server_config can only be added or taken out by a restart\n"
            )
            assert collector.value(GOOD) == 0


def test_reloads_only_if_that_is_enabled_and_only_by_post_or_put(folder: Path, config: Path) -> None:
    with SecureCollector(folder, config, headers=ANN) as collector:
        for method in ("POST", "PUT"):
            assert collector.request("/-/reload", method).status == 403
        assert collector.request("/-/reload", "OPTIONS").headers["Allow"] == "POST, PUT, OPTIONS"
    with SecureCollector(folder, config, "--web.enable-lifecycle", headers=ANN) as collector:
        for method in ("GET", "HEAD", "DELETE"):
            answer = collector.request("/-/reload", method)
            assert (answer.status, answer.headers["Allow"]) == (405, "POST, PUT, OPTIONS")
        assert not collector.log_lines("read anew")
        collector.headers = {}
        assert collector.request("/-/reload", "POST").status == 401
        assert not collector.log_lines("read anew")


def test_looks_for_segments_when_it_is_told_to_reload(folder: Path) -> None:
    with Collector(folder, "--web.enable-lifecycle") as collector:
        assert collector.request("/-/reload", "POST").status == 200
        line = 'msg=rescanning by="POST /-/reload"'
        wait_until(lambda: bool(collector.log_lines(line)), "the log says so")
        assert collector.value(GOOD) == 1


def test_reads_a_file_once_for_each_change_of_it(folder: Path, config: Path) -> None:
    """A bad file is reported once, not once a second; a later change is seen again."""
    good = config.read_text()
    with SecureCollector(folder, config, headers=ANN) as collector:
        replace(config, "a: b\n")
        reload_by_itself(collector)
        replace(config, good)
        reload_by_itself(collector)
        wait_until(lambda: bool(collector.log_lines("read anew")), "the log says so")
        assert len(collector.log_lines("bad configuration")) == 1
        assert len(collector.log_lines("read anew")) == 1


def test_reads_a_certificate_and_its_key_as_one_change(folder: Path, tmp_path: Path) -> None:
    """As Kubernetes does it: a folder of links, and one link that is put in the place of another."""
    authority = Authority(tmp_path, "ca")
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        pair = authority.issue("server")
        for path in (pair.certificate, pair.key):
            shutil.move(path, tmp_path / version / path.name)
    (tmp_path / "data").symlink_to("one")
    config = tmp_path / "web.yml"
    config.write_text(
        "tls_server_config: {cert_file: data/server.pem, key_file: data/server.key}\n"
    )
    context = client_context(authority.certificate)
    with SecureCollector(folder, config, context=context) as collector:
        first = collector.served_serial()
        (tmp_path / "new").symlink_to("two")
        os.replace(tmp_path / "new", tmp_path / "data")
        wait_until(lambda: collector.served_serial() != first, "the new certificate is served")
        assert not collector.log_lines("bad configuration")
        assert collector.value(GOOD) == 1


@pytest.mark.races
def test_hammered_with_reloads_it_serves_all_the_while(folder: Path, config: Path) -> None:
    versions = [config.read_text(), config.read_text() + with_bob().partition("\n")[2], "a: b\n"]
    with (
        Writer(folder, "app") as writer,
        SecureCollector(folder, config, "--web.enable-lifecycle", headers=ANN) as collector,
    ):
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        for i in range(150):
            replace(config, versions[i % 3])
            assert collector.request("/-/reload", "POST").status == (500 if i % 3 == 2 else 200)
            if i % 10 == 0:
                assert collector.value("requests_total") == 5


# ---- sockets that systemd hands over ----


def start(
    folder: Path, fds: List[int], environment: Dict[str, str], *flags: str
) -> "subprocess.Popen[str]":
    """The collector with these descriptors from 3 on, as systemd starts it."""

    def arrange() -> None:
        moved = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
        for i, fd in enumerate(moved):
            os.dup2(fd, 3 + i)

    # The shell has the pid that the collector will have.
    command = 'if [ "$LISTEN_PID" = own ]; then export LISTEN_PID=$$; fi; exec "$0" "$@"'
    return subprocess.Popen(
        [
            "sh",
            "-c",
            command,
            str(COLLECTOR),
            f"--segment.dir={folder}",
            "--web.systemd-socket",
            *flags,
        ],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
        close_fds=False,
        preexec_fn=arrange,
    )


def listener(host: str = "127.0.0.1") -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.bind((host, 0))
    made.listen()
    return made


def get(port: int, host: str = "127.0.0.1") -> bytes:
    with socket.create_connection((host, port), timeout=DEADLINE) as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def test_serves_on_sockets_that_it_is_handed(folder: Path) -> None:
    with listener() as one, listener("::1") as other:
        ports = [one.getsockname()[1], other.getsockname()[1]]
        process = start(
            folder,
            [one.fileno(), other.fileno()],
            {"LISTEN_PID": "own", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"},
        )
        try:
            assert b" 200 OK" in get(ports[0])
            assert b" 200 OK" in get(ports[1], "::1")
            environ = Path(f"/proc/{process.pid}/environ").read_bytes()
            assert b"LISTEN_FDS" in environ  # what it was started with; nothing is started by it
        finally:
            process.terminate()
            errors = process.communicate(timeout=DEADLINE)[1]
        assert process.returncode == 0, errors
        for port in ports:
            assert re.search(rf"msg=listening address=\S+:{port}\b", errors), errors
        # The socket is systemd's still: who comes now waits for the next process.
        with socket.create_connection(("127.0.0.1", ports[0]), timeout=DEADLINE):
            pass
        process = start(folder, [one.fileno()], {"LISTEN_PID": "own", "LISTEN_FDS": "1"})
        try:
            assert b" 200 OK" in get(ports[0])
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE)
        assert process.returncode == 0


BAD_HANDOVER = {
    "nothing": ({}, "no socket was handed over"),
    "for_another_process": ({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, "no socket was handed over"),
    "none": ({"LISTEN_PID": "own", "LISTEN_FDS": "0"}, "no socket was handed over"),
    "a_number_that_is_none": (
        {"LISTEN_PID": "own", "LISTEN_FDS": "1x"},
        "no socket was handed over",
    ),
    "too_many": (
        {"LISTEN_PID": "own", "LISTEN_FDS": "17"},
        "more than 16 sockets were handed over",
    ),
    "no_socket": (
        {"LISTEN_PID": "own", "LISTEN_FDS": "2"},
        "descriptor 4 is no TCP socket that listens",
    ),
}


@pytest.mark.parametrize("name", BAD_HANDOVER)
def test_says_why_it_cannot_use_what_it_is_handed(folder: Path, name: str) -> None:
    environment, reason = BAD_HANDOVER[name]
    with listener() as good, open("/dev/null", "rb") as bad:
        process = start(folder, [good.fileno(), bad.fileno()], environment)
        errors = process.communicate(timeout=DEADLINE)[1]
    assert process.returncode == 1
    assert "--web.systemd-socket: " + reason in errors


def test_takes_no_datagram_socket_and_none_that_does_not_listen(folder: Path) -> None:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as bad:
            bad.bind(("127.0.0.1", 0))
            process = start(folder, [bad.fileno()], {"LISTEN_PID": "own", "LISTEN_FDS": "1"})
            errors = process.communicate(timeout=DEADLINE)[1]
        assert process.returncode == 1
        assert "descriptor 3 is no TCP socket that listens" in errors


def test_is_started_by_systemd_socket_activate(folder: Path) -> None:
    program = shutil.which("systemd-socket-activate")
    if not program:
        pytest.skip("there is no systemd-socket-activate; on Debian: apt-get install systemd")
    with listener() as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            program,
            f"--listen=127.0.0.1:{port}",
            str(COLLECTOR),
            f"--segment.dir={folder}",
            "--web.systemd-socket",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:

        def answers() -> bool:
            try:
                return b" 200 OK" in get(port)
            except OSError:
                return False

        wait_until(answers, "the first client has started it and is answered")
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE)


def test_takes_addresses_or_sockets_and_not_both() -> None:
    result = subprocess.run(
        [str(COLLECTOR), "--web.systemd-socket", "--web.listen-address=:0"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert result.returncode == 2
    assert "--web.systemd-socket" in result.stderr and "--web.listen-address" in result.stderr
