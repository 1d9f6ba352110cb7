# SPDX-License-Identifier: MIT
"""test_collector_web_rotation - certificates that change while they are used, without a failed scrape

Every connection has the configuration that was in force when it began (B2, collector/web.h).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, List, Optional, Set

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from certificates import Authority, Pair  # noqa: E402
from collector import DEADLINE, Writer, wait_until  # noqa: E402
from secure import SecureCollector, authorization, bcrypt_hash, client_context  # noqa: E402

FAILED = "shmetrics_collector_tls_handshakes_failed_total"
REFUSED = "shmetrics_collector_client_certificates_refused_total"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("rotation"), "ca")


@pytest.fixture(scope="module")
def client(ca: Authority) -> Pair:
    return ca.issue("client", client=True)


def config_of(ca: Authority, name: str, text: str) -> Path:
    path = ca.folder / f"{name}.yml"
    path.write_text(text)
    return path


def rotate(folder: Path, pair: Pair) -> None:
    """The certificate and then its key take the places of those that are served."""
    for source, name in ((pair.certificate, "served.pem"), (pair.key, "served.key")):
        shutil.copy(source, folder / "new")
        os.replace(folder / "new", folder / name)


SERVED = "tls_server_config:\n  cert_file: served.pem\n  key_file: served.key\n"


@pytest.mark.races
def test_rotates_under_load_without_a_failed_scrape(folder: Path, ca: Authority) -> None:
    pairs = [ca.issue(f"turn-{i}", kind="rsa" if i == 2 else "ecdsa") for i in range(4)]
    rotate(ca.folder, pairs[0])
    context = client_context(ca.certificate)
    done = threading.Event()
    failures: List[str] = []
    counts = [0, 0, 0, 0]

    with (
        Writer(folder, "app") as writer,
        SecureCollector(
            folder, config_of(ca, "rotate", SERVED), "--web.enable-lifecycle", context=context
        ) as collector,
    ):
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")

        def scrape(number: int) -> None:
            """Two keep their connection as Prometheus does, two begin anew each time."""
            connection = collector.open()
            while not done.is_set():
                try:
                    connection.request("GET", "/metrics")
                    answer = connection.getresponse()
                    body = answer.read()
                    assert answer.status == 200 and b"\nrequests_total 5\n" in body
                    counts[number] += 1
                except Exception as error:  # whatever it is, it is what must not happen
                    failures.append(repr(error))
                if number % 2:
                    connection.close()
            connection.close()

        threads = [threading.Thread(target=scrape, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        try:
            seen: Set[int] = set()
            for turn in range(12):
                pair = pairs[turn % 4]
                before = list(counts)
                rotate(ca.folder, pair)
                if turn % 4 < 3:  # asked for, or by itself
                    assert collector.request("/-/reload", "POST").status == 200
                wait_until(
                    lambda: collector.served_serial() == pair.serial,
                    "the new certificate is served",
                )
                wait_until(
                    lambda: all(now >= was + 2 for now, was in zip(counts, before)) or failures,
                    "everybody scrapes on",
                )
                seen.add(pair.serial)
        finally:
            done.set()
            for thread in threads:
                thread.join(DEADLINE)
        assert failures == []
        assert len(seen) == 4
        assert (collector.value(FAILED), collector.value(REFUSED)) == (0, 0)
        assert not collector.log_lines("bad configuration")


def test_serves_the_old_pair_while_the_new_one_is_half_there(folder: Path, ca: Authority) -> None:
    one, two = ca.issue("half-one"), ca.issue("half-two")
    rotate(ca.folder, one)
    config = config_of(ca, "half", SERVED)
    context = client_context(ca.certificate)
    with SecureCollector(folder, config, "--web.enable-lifecycle", context=context) as collector:
        shutil.copy(two.certificate, ca.folder / "served.pem")
        answer = collector.request("/-/reload", "POST")
        assert answer.status == 500
        assert answer.text.endswith(
            f'half.yml:3: key_file: "{ca.folder}/served.key" is not the key of the certificate '
            f'"{ca.folder}/served.pem"\n'
        )
        assert collector.served_serial() == one.serial
        assert collector.value("shmetrics_config_last_reload_successful") == 0
        shutil.copy(two.key, ca.folder / "served.key")
        wait_until(lambda: collector.served_serial() == two.serial, "the new pair is served")
        assert collector.value("shmetrics_config_last_reload_successful") == 1


def test_a_kept_connection_ends_when_what_it_was_let_in_by_is_no_more(
    folder: Path, ca: Authority, client: Pair, tmp_path: Path
) -> None:
    rotate(ca.folder, ca.issue("kept"))
    text = SERVED + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
    config = config_of(ca, "trust", text)
    context = client_context(ca.certificate, client)
    with SecureCollector(folder, config, "--web.enable-lifecycle", context=context) as collector:
        kept = collector.open()
        kept.request("GET", "/-/healthy")
        answer = kept.getresponse()
        assert answer.read() and answer.headers["Connection"] != "close"
        other = Authority(tmp_path, "next")
        shutil.copy(other.certificate, ca.folder / "next.pem")
        config.write_text(config.read_text().replace("ca.pem", "next.pem"))
        assert collector.request("/-/reload", "POST").status == 200
        kept.request("GET", "/-/healthy")
        answer = kept.getresponse()
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
        kept.close()
        with pytest.raises(OSError):
            collector.request("/-/healthy")


# ---- a real Prometheus ----

PROMETHEUS = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: app
    scheme: https
    tls_config: {{ca_file: {ca}, cert_file: {certificate}, key_file: {key}}}
    basic_auth: {{username: ann, password: secret}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: stranger
    scheme: https
    tls_config: {{ca_file: {ca}, cert_file: {certificate}, key_file: {key}}}
    basic_auth: {{username: ann, password: wrong}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Asked:
    """A Prometheus's HTTP interface."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1/query?"

    def value(self, query: str) -> Optional[float]:
        try:
            with urllib.request.urlopen(
                self.url + urllib.parse.urlencode({"query": query}), timeout=10
            ) as answer:
                found: Any = json.load(answer)["data"]["result"]
        except OSError:
            return None  # it is not up yet
        return float(found[0]["value"][1]) if found else None


def test_a_prometheus_scrapes_on_while_certificates_rotate(
    folder: Path, ca: Authority, client: Pair, tmp_path: Path
) -> None:
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("there is no prometheus; on Debian: apt-get install prometheus")
    pairs = [ca.issue(f"prometheus-{i}") for i in range(5)]
    rotate(ca.folder, pairs[0])
    text = SERVED + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
    text += f"basic_auth_users:\n  ann: {bcrypt_hash('secret')}\n"
    config = config_of(ca, "prometheus", text)
    headers = {"Authorization": authorization("ann", "secret")}
    context = client_context(ca.certificate, client)
    with (
        Writer(folder, "app") as writer,
        SecureCollector(
            folder, config, "--web.enable-lifecycle", context=context, headers=headers
        ) as collector,
        socket.socket() as probe,
    ):
        writer.do("inc requests 5")
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        (tmp_path / "prometheus.yml").write_text(
            PROMETHEUS.format(
                ca=ca.certificate,
                certificate=client.certificate,
                key=client.key,
                port=collector.port,
            )
        )
        with subprocess.Popen(
            [
                program,
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ]
        ) as process:
            try:
                server = Asked(port)
                wait_until(
                    lambda: server.value('requests_total{job="app"} == 5'), "it has been scraped"
                )

                def scrapes() -> float:
                    return server.value('count_over_time(up{job="app"}[1h])') or 0

                for pair in pairs[1:]:
                    before = scrapes()
                    rotate(ca.folder, pair)
                    assert collector.request("/-/reload", "POST").status == 200
                    wait_until(lambda: scrapes() >= before + 3, "it is scraped after the rotation")
                assert collector.served_serial() == pairs[-1].serial
                assert server.value('min_over_time(up{job="app"}[1h])') == 1
                assert server.value('max_over_time(up{job="stranger"}[1h])') == 0
                refused = server.value(
                    'shmetrics_collector_authentications_failed_total{job="app"}'
                )
                assert refused and refused >= 3
            finally:
                process.terminate()
