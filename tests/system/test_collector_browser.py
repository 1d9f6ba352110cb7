# SPDX-License-Identifier: MIT
"""test_collector_browser - what a person sees who opens the collector in a browser: a real Chromium

In the ordinary run the headers of a browser are replayed (test_collector_http.py). In the long one this is
the browser itself: it shows the text instead of storing it in a file, the links of the landing page lead
somewhere, and characters beyond ASCII arrive as they are.
"""

from __future__ import annotations

import html.parser
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Optional, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
from collector import Collector, Writer  # noqa: E402

CHROMIUM = shutil.which("chromium")
VALUE = '<b>Grüße</b>&amp;"日本"'

pytestmark = pytest.mark.skipif(
    not CHROMIUM or not os.environ.get("SMX_LONG"),
    reason="in the long form only, tests/run --long, which installs chromium",
)


class Page(html.parser.HTMLParser):
    """What the browser made of an answer: the elements, the links, and the text that it shows as it came."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: List[str] = []
        self.links: List[str] = []
        self.text = ""
        self._is_shown = False
        self.feed(document)

    def handle_starttag(self, tag: str, attributes: List[Tuple[str, Optional[str]]]) -> None:
        self.elements.append(tag)
        self._is_shown = tag == "pre"
        self.links += [value for name, value in attributes if tag == "a" and name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        self._is_shown = False

    def handle_data(self, data: str) -> None:
        if self._is_shown:
            self.text += data


def browse(url: str, profile: Path) -> Page:
    """The document after the page has been loaded and shown."""
    assert CHROMIUM
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    command = [CHROMIUM, *options, *quiet, f"--user-data-dir={profile}", "--dump-dom", url]
    done = subprocess.run(command, capture_output=True, timeout=120, env={**os.environ, "HOME": str(profile)})
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return Page(done.stdout.decode())


def test_a_browser_shows_the_metrics(folder: Path, tmp_path: Path) -> None:
    with Writer(folder, "app") as writer, Collector(folder) as collector:
        writer.do(f"inc requests 5 method={VALUE}")
        collector.wait_for_value(5, "requests_total", method=VALUE)
        page = browse(f"http://127.0.0.1:{collector.port}/metrics", tmp_path)
    assert page.elements.count("pre") == 1 and "b" not in page.elements, "text, of which nothing is markup"
    samples = expocheck.parse(page.text.encode())
    assert samples["requests_total", frozenset({("method", VALUE)})] == 5


def test_every_link_of_the_landing_page_leads_somewhere(folder: Path, tmp_path: Path) -> None:
    with Writer(folder, "app") as writer, Collector(folder) as collector:
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        host = f"http://127.0.0.1:{collector.port}"
        landing = browse(f"{host}/", tmp_path)
        assert "/metrics" in landing.links
        for link in landing.links:
            told = collector.request(link)
            assert told.status == 200 and told.text, link
            assert browse(host + link, tmp_path).text.startswith(told.text[:20]), link
