# SPDX-License-Identifier: MIT
"""test_stack_proxy - nginx in front of the live stack: the same answers over HTTPS, only with a password"""

from __future__ import annotations

import json
import tempfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from proxy import Proxy, proxying
from running import Stack
from serving import fetch

# Each program by a path that says who answers, and what does not change meanwhile.
SAME = {
    "prometheus": ("/api/v1/status/buildinfo", "/prometheus"),
    "alertmanager": ("/api/v2/receivers", "/alertmanager"),
    "collector": ("/health", "/shmetrics"),
}


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[Proxy]:
    addresses = {name: getattr(stack, name).removeprefix("http://") for name in SAME}
    with tempfile.TemporaryDirectory(prefix="shmetrics-proxy.") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx runs as nobody
        authority = Authority(folder, "authority")
        server = authority.issue("server")
        with proxying(folder, server, authority.certificate, {"sre": "right"}, **addresses) as started:
            yield started


@pytest.mark.parametrize("name", SAME)
def test_each_program_answers_as_it_does_without(stack: Stack, proxy: Proxy, name: str) -> None:
    path, prefix = SAME[name]
    through = proxy.request(prefix + path)
    assert (through.status, through.text) == (200, fetch(getattr(stack, name) + path))
    assert proxy.request(prefix + path, headers={"Authorization": ""}).status == 401


def test_a_query_is_answered(stack: Stack, proxy: Proxy) -> None:
    stack.until("requests are stored", lambda: stack.query("http_requests_total"), 30)
    path = "/prometheus/api/v1/query?" + urllib.parse.urlencode({"query": "count(http_requests_total)"})
    answer: Any = json.loads(proxy.request(path).body)
    assert answer["status"] == "success" and float(answer["data"]["result"][0]["value"][1]) > 0
