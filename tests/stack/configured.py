# SPDX-License-Identifier: MIT
"""configured - deployment's own configurations with the addresses of the test, and forty times faster

By deployment/override.py, as users are told to try them.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import override
import yaml
from receivers import SECRETS, Receivers
from serving import ROOT

DEPLOYMENT = ROOT / "deployment"
FASTER = 40  # 5m becomes 7.5s, 1m 1.5s; 15s is 1s, the least


def _change(folder: Path, name: str, content: Any) -> Path:
    path = folder / f"{name}-change.yml"
    path.write_text(yaml.safe_dump(content))
    return path


def prometheus(folder: Path, collector: int, alertmanager: int, victoria: int) -> Path:
    """The configuration for these ports."""
    target = {"targets": [f"127.0.0.1:{collector}"]}
    change = {
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]
        },
        "scrape_configs": [{"job_name": "convergeai-backend", "static_configs": [target]}],
        "remote_write": [
            {
                "name": "victoriametrics",
                "url": f"http://127.0.0.1:{victoria}/api/v1/write",
                "queue_config": {"batch_send_deadline": "1s"},
            }
        ],
    }
    return override.override(
        DEPLOYMENT / "prometheus" / "prometheus.yml",
        [
            DEPLOYMENT / "prometheus" / "remote-write" / "victoriametrics.yml",
            _change(folder, "prometheus", change),
        ],
        FASTER,
        folder / "prometheus",
    )


def alertmanager(folder: Path, receivers: Receivers, authority: Path) -> Path:
    """The configuration with the receivers of the test, and their secrets in files."""
    secrets = folder / "secrets"
    secrets.mkdir()
    for name, value in {**SECRETS, "slack_api_url": receivers.url + SECRETS["slack_path"]}.items():
        (secrets / name).write_text(value)
    own = yaml.safe_load((DEPLOYMENT / "alertmanager" / "alertmanager.yml").read_text())
    change = {
        "global": {
            "smtp_smarthost": f"127.0.0.1:{receivers.smtp_port}",
            "pagerduty_url": f"{receivers.url}/v2/enqueue",
        },
        "receivers": copy.deepcopy(own["receivers"]),
    }
    for receiver in change["receivers"]:
        for mail in receiver.get("email_configs", []):
            mail["tls_config"] = {"ca_file": str(authority)}
        for webhook in receiver.get("webhook_configs", []):
            webhook["url"] = f"{receivers.url}/webhook"
    path = override.override(
        DEPLOYMENT / "alertmanager" / "alertmanager.yml",
        [_change(folder, "alertmanager", change)],
        FASTER,
        folder / "alertmanager",
    )
    # What is a mount in a container is a folder here.
    path.write_text(path.read_text().replace("/etc/alertmanager/secrets", str(secrets)))
    return path
