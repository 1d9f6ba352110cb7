# SPDX-License-Identifier: MIT
"""test_proxy - a real nginx with our configuration: TLS, passwords, scrapes passed as they are (N1 to N4)"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
import prometheus  # noqa: E402
import proxy as proxies  # noqa: E402
from certificates import Authority  # noqa: E402
from collector import DEADLINE, Collector, Writer, segment_folder, wait_until  # noqa: E402
from names import naming  # noqa: E402
from proxy import NGINX, PROGRAMS, Proxy, nginx, proxying, render, settings_for, write_settings  # noqa: E402
from secure import authorization  # noqa: E402

USERS = {"prometheus": "right", "sre": "also:right"}
# One of each program, and what none of them has.
PATHS = ["/", "/prometheus/graph", "/alertmanager/", "/shmetrics/metrics", "/shmetrics/", "/nothing"]
SCRAPE = "/segments/app/metrics"  # without the collector's own, which change with each scrape
JOB = """
  - job_name: {job}
    scheme: https
    metrics_path: /shmetrics/metrics
    basic_auth: {{username: {user}, password: {password}}}
    tls_config: {{ca_file: {ca}}}
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""
INSIDE = [
    *("/-/reload", "/-/quit", "/-/reload?a=b", "/api/v1/admin/tsdb/snapshot"),
    *("//-/quit", "/x/../-/quit", "/%2D/quit"),  # the same, spelled otherwise
]
FORMATS = {
    "text": "*/*",
    "openmetrics": "application/openmetrics-text;version=1.0.0",
    "protobuf": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
}


class StandIn(ThreadingHTTPServer):
    """In Grafana's, Prometheus' or Alertmanager's place: says what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.address = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}
        said["port"] = self.connection.getsockname()[1]
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *unused: object) -> None:
        pass


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not pytest's: nobody could pass through that."""
    with tempfile.TemporaryDirectory(prefix="shmetrics-proxy.") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder, "authority")


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[Dict[str, StandIn]]:
    servers = {name: StandIn() for name in PROGRAMS if name != "collector"}
    yield servers
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with segment_folder() as segments, Writer(segments, "app", "--counters", "100") as writer:
        writer.do("gauge busy 1")
        with Collector(segments, "--web.enable-lifecycle") as started:
            wait_until(lambda: started.value("busy") == 1, "the segment is served")
            yield started


@pytest.fixture(scope="module")
def proxy(
    folder: Path, authority: Authority, collector: Collector, stand_ins: Dict[str, StandIn]
) -> Iterator[Proxy]:
    addresses = {name: server.address for name, server in stand_ins.items()}
    addresses["collector"] = f"127.0.0.1:{collector.port}"
    with proxying(folder, authority.issue("server"), authority.certificate, USERS, **addresses) as started:
        yield started


# ---- N1: who is let in ----


@pytest.mark.parametrize("path", PATHS)
def test_without_the_right_password_nothing_is_answered(proxy: Proxy, path: str) -> None:
    wrong = [authorization(*pair) for pair in (("prometheus", "wrong"), ("nobody", "right"))]
    for refused in ("", *wrong, "Bearer right"):
        answer = proxy.request(path, headers={"Authorization": refused})
        assert answer.status == 401, refused
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="monitoring"'
    assert proxy.request(path).status == 200


def test_each_user_of_the_file_is_let_in(proxy: Proxy) -> None:
    for user in USERS.items():
        assert proxy.request(SCRAPE, headers={"Authorization": authorization(*user)}).status == 200


def test_whether_the_proxy_lives_needs_no_password_and_says_nothing_else(proxy: Proxy) -> None:
    answer = proxy.request("/-/proxy", headers={"Authorization": ""})
    assert (answer.status, answer.text) == (200, "the proxy is up\n")
    assert proxy.request("/-/proxy/", headers={"Authorization": ""}).status == 401


def test_without_tls_nothing_is_answered(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), DEADLINE) as connection:
        connection.sendall(b"GET /-/proxy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        said = connection.makefile("rb").read()
    assert said.startswith(b"HTTP/1.1 400 ") and b"the proxy is up" not in said


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # which is why they are refused
def test_versions_before_tls_1_2_are_refused(proxy: Proxy, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with contextlib.closing(proxy.open(context)) as connection, pytest.raises(ssl.SSLError):
        connection.connect()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    with contextlib.closing(proxy.open(context)) as connection:
        connection.connect()
        assert (connection.sock.cipher() or ("",))[0].startswith("ECDHE-")


# ---- N2: what is for the inside ----


@pytest.mark.parametrize("program", ["prometheus", "alertmanager", "shmetrics"])
@pytest.mark.parametrize("path", INSIDE)
def test_nobody_ends_or_changes_a_program_from_outside(proxy: Proxy, program: str, path: str) -> None:
    assert proxy.request(f"/{program}{path}", "POST").status == 403


# ---- N3: what passes ----


@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_scrape_is_the_same_bytes_as_without_a_proxy(
    proxy: Proxy, collector: Collector, kind: str, coding: str
) -> None:
    headers = {"Accept": FORMATS[kind], "Accept-Encoding": coding}
    direct = collector.request(SCRAPE, headers=headers)
    through = proxy.request(f"/shmetrics{SCRAPE}", headers=headers)
    assert (through.status, through.body) == (direct.status, direct.body) and direct.status == 200
    for name in ("Content-Type", "Content-Encoding", "Content-Length", "Vary"):
        assert through.headers[name] == direct.headers[name], name
    assert (through.headers["Content-Encoding"] == "gzip") == (coding == "gzip")


def test_a_filter_passes_as_it_is(proxy: Proxy) -> None:
    answer = proxy.request(f"/shmetrics{SCRAPE}?name%5B%5D=busy")
    assert {name for name, _ in expocheck.parse(answer.body)} == {"busy"}


@pytest.mark.parametrize(
    "name, sent, arrives",
    [
        ("grafana", "/d/overview?from=now-1h", "/d/overview?from=now-1h"),
        ("prometheus", "/prometheus/api/v1/label/a%2Fb/values?x=%20", "/api/v1/label/a%2Fb/values?x=%20"),
        ("alertmanager", "/alertmanager/", "/"),
    ],
)
def test_each_program_is_asked_for_its_own_paths(
    proxy: Proxy, stand_ins: Dict[str, StandIn], name: str, sent: str, arrives: str
) -> None:
    said = json.loads(proxy.request(sent).body)
    assert (said["port"], said["path"]) == (stand_ins[name].server_port, arrives)


def test_the_password_goes_no_further_and_where_a_request_is_from_cannot_be_said(proxy: Proxy) -> None:
    lie = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "http"}
    limit = {"X-Prometheus-Scrape-Timeout-Seconds": "9"}
    said = json.loads(proxy.request("/", headers={**lie, **limit}).body)["headers"]
    assert "authorization" not in said
    assert said["x-forwarded-for"] == "127.0.0.1" and said["x-forwarded-proto"] == "https"
    assert said["host"] == said["x-forwarded-host"] == f"127.0.0.1:{proxy.port}"
    assert said["x-prometheus-scrape-timeout-seconds"] == "9"


def test_a_connection_can_become_a_websocket(proxy: Proxy) -> None:
    said = json.loads(proxy.request("/api/live/ws", headers={"Upgrade": "websocket"}).body)["headers"]
    assert (said["upgrade"], said["connection"]) == ("websocket", "upgrade")
    said = json.loads(proxy.request("/api/live/ws").body)["headers"]
    assert "upgrade" not in said


def test_the_links_of_the_collectors_page_lead_somewhere(proxy: Proxy) -> None:
    page = proxy.request("/shmetrics/").text
    links: List[str] = [part.partition('"')[0] for part in page.split('href="')[1:]]
    assert "/shmetrics/segments/app/metrics" in links
    for link in links:
        assert link.startswith("/shmetrics/") and proxy.request(link).status == 200, link


def test_a_real_prometheus_scrapes_through_it(
    proxy: Proxy, authority: Authority, tmp_path: Path
) -> None:
    user, password = proxy.credentials
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text("global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n")
    known = {"user": user, "port": proxy.port, "ca": authority.certificate}
    with configuration.open("a") as file:
        for job, secret in (("through", password), ("wrong", "wrong")):
            file.write(JOB.format(job=job, password=secret, **known))
    with prometheus.running(prometheus.Edition(2, False), tmp_path, configuration) as server:
        wait_until(lambda: server.value('busy{job="through"}') == 1, "the gauge is stored")
        wait_until(lambda: server.value('up{job="wrong"}') == 0, "the wrong password is seen")


# ---- N4: what is down ----


def test_a_program_that_is_down_is_502_until_it_is_back(
    authority: Authority, collector: Collector
) -> None:
    with tempfile.TemporaryDirectory(prefix="shmetrics-proxy.") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = prometheus.free_port()
        addresses = {"collector": f"127.0.0.1:{collector.port}", "grafana": f"127.0.0.1:{port}"}
        with proxying(folder, authority.issue("other"), authority.certificate, USERS, **addresses) as proxy:
            assert proxy.request("/").status == 502
            assert proxy.request("/shmetrics/-/healthy").status == 200, "the others are not concerned"
            with ThreadingHTTPServer(("127.0.0.1", port), Echo) as server:
                threading.Thread(target=server.serve_forever, daemon=True).start()
                assert proxy.request("/").status == 200
                server.shutdown()
            assert "127.0.0.1 prometheus [" in proxy.log, "who asked is in the log"
            assert "right" not in proxy.log and "cHJvbWV0aGV1czpyaWdodA" not in proxy.log


def test_a_program_with_another_address_is_found_again(authority: Authority) -> None:
    """As a container that was made anew: the name is the same."""
    with tempfile.TemporaryDirectory(prefix="shmetrics-proxy.") as name, naming("127.0.0.1") as names:
        folder = Path(name)
        folder.chmod(0o755)
        port = prometheus.free_port()
        addresses = {"resolver": f"127.0.0.1:{names.port}", "grafana": f"grafana.example:{port}"}
        with proxying(folder, authority.issue("named"), authority.certificate, USERS, **addresses) as proxy:

            def is_found() -> bool:
                """By every process of nginx: each remembers names by itself."""
                return all(proxy.request("/").status == 200 for _ in range(20))

            for address in ("127.0.0.1", "127.0.0.2"):
                names.address = address
                with ThreadingHTTPServer((address, port), Echo) as server:
                    threading.Thread(target=server.serve_forever, daemon=True).start()
                    wait_until(is_found, f"it is found at {address}")
                    server.shutdown()


# ---- what is wrong is said before anything starts ----


def test_the_example_names_all_that_the_template_leaves_open() -> None:
    done = render(NGINX / "nginx.env")
    assert done.returncode == 0 and done.stderr == "" and "PROXY_}" not in done.stdout
    assert "${PROXY_" not in done.stdout and "$http_host" in done.stdout


@pytest.mark.parametrize(
    "change, said",
    [
        ({"PROXY_KEY": "/nowhere/server.key"}, 'cannot load certificate key "/nowhere/server.key"'),
        ({"PROXY_CERTIFICATE": "/nowhere/server.pem"}, 'cannot load certificate "/nowhere/server.pem"'),
        ({"PROXY_KEY": "other"}, "key values mismatch"),
        ({"PROXY_PORT": "70000"}, 'invalid port in "70000" of the "listen" directive'),
        ({"PROXY_RESOLVER": "nowhere.invalid"}, "nowhere.invalid"),
    ],
)
def test_bad_settings_are_refused_by_name(
    authority: Authority, change: Dict[str, str], said: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="shmetrics-proxy.") as name:
        folder = Path(name)
        folder.chmod(0o755)
        settings = settings_for(folder, authority.issue("checked"), USERS, {})

        def check() -> "subprocess.CompletedProcess[str]":
            rendered = render(write_settings(folder / "nginx.env", settings))
            (folder / "nginx.conf").write_text(rendered.stdout)
            return subprocess.run(
                nginx(folder / "nginx.conf", "-t"),
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
                **proxies.unprivileged(),
            )

        good = check()
        assert good.returncode == 0 and "[warn]" not in good.stderr, good.stderr
        if change.get("PROXY_KEY") == "other":
            other = authority.issue("another").key
            other.chmod(0o644)
            change = {"PROXY_KEY": str(other)}
        settings.update(change)
        bad = check()
        assert bad.returncode != 0 and said in bad.stderr, bad.stderr


def test_a_setting_that_is_missing_is_named(tmp_path: Path, authority: Authority) -> None:
    settings = settings_for(tmp_path, authority.issue("missing"), USERS, {})
    for name in settings:
        file = write_settings(tmp_path / "nginx.env", {k: v for k, v in settings.items() if k != name})
        done = render(file)
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.endswith(f"nginx.env does not set {name}\n")
