# SPDX-License-Identifier: MIT
"""No test scrapes around the strict checker: whoever opens HTTP connections itself is in this table.

Collector.request() judges every exposition (tests/support/judging.py). A test that fetches in another way
says here why, and judges what it scrapes by itself where "judged" stands before the reason.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FETCHES = re.compile(r"urlopen\(|HTTPS?Connection\(|\burllib3\b|\brequests\.get\(")
JUDGES = re.compile(r"\b(expocheck|independent|judging|ScrapeHistory)\b")
MAY = {
    "bridge/test_packages.py": "judged: by serving.Scraper; the rest are requests of an application",
    "judges/exposers.py": "judged: ours by Collector.request; client_golang is what is compared with",
    "packaging/test_compose.py": "asks Prometheus and Alertmanager whether they live",
    "packaging/test_containers.py": "judged: the collector of an image",
    "packaging/test_inhibition.py": "tells Alertmanager of alerts",
    "packaging/test_packages.py": "judged: the collector of an installed package",
    "packaging/test_systemd.py": "judged: the collector as its unit starts it",
    "python/test_fastapi.py": "requests of an application",
    "stack/running.py": "asks Prometheus and VictoriaMetrics what they have stored; tells stand-ins",
    "stack/test_alerts.py": "asks Alertmanager which alerts it inhibits",
    "support/applications.py": "judged: what the Python package serves",
    "support/collector.py": "judged: this is the place",
    "support/prometheus.py": "asks Prometheus and VictoriaMetrics what they have stored",
    "support/proxy.py": "requests of nginx: test_proxy.py compares them with Collector.request",
    "support/secure.py": "opens connections for Collector.request",
    "system/serving.py": "judged: serving.Scraper",
    "system/test_collector_http.py": "a kept connection for what is no scrape; judged: what is scraped",
    "system/test_collector_web_rotation.py": "asks Prometheus what it has stored",
    "system/test_command_collector.py": "judged: the collector beside the command",
    "system/test_demo.py": "what deployment/demo/verify.py reads; the rest are requests of an application",
    "system/test_load_balancer.py": "requests of haproxy, and probes",
    "system/test_readiness.py": "a probe",
}


def main() -> int:
    problems = []
    found = set()
    for path in sorted((ROOT / "tests").rglob("*.py")):
        name = path.relative_to(ROOT / "tests").as_posix()
        text = path.read_text(encoding="utf-8")
        if name.startswith("rules/") or not FETCHES.search(text):
            continue
        found.add(name)
        if name not in MAY:
            problems.append(f"tests/{name}: fetches by itself: use Collector.request(), or say why not here")
        elif "judged" in MAY[name] and not JUDGES.search(text) and "Scraper" not in text:
            problems.append(f"tests/{name}: is said to judge what it scrapes, and does not")
    problems += [f"tests/{name}: is in the table, and does not fetch" for name in sorted(MAY.keys() - found)]
    for line in problems:
        print(line)
    print(f"scrapes: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
