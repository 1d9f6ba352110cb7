# SPDX-License-Identifier: MIT
"""test_ignored - what the documents have one make here is not committed, and no secret is sent to a build"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRETS = [
    "deployment/.env",
    "deployment/alertmanager/secrets/slack",
    "deployment/nginx/secrets/users",
    "deployment/nginx/server.key",
    "deployment/nginx/server.pem",
    "deployment/nginx/users",
]
MADE = [
    "a.out",
    "app.py",
    "build/dev/build.ninja",
    "deployment/demo/demo.db",
    "deployment/demo/demo.db.lock",
    "deployment/nginx/my.env",
    "deployment/nginx/nginx.conf",
    "venv/bin/python",
]


def sent(path: str) -> bool:
    """Whether a file goes to what builds an image, by the patterns of .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    forms = [re.escape(one).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*") for one in patterns]
    return not any(re.fullmatch(f"{form}(?:/.*)?", path) for form in forms)


@pytest.mark.parametrize("path", SECRETS + MADE)
def test_what_one_makes_is_not_committed(path: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("a copy without git")
    done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False)
    assert done.returncode == 0, f".gitignore lacks {path}"


@pytest.mark.parametrize("path", [*SECRETS, "deployment/demo/demo.db", "venv/bin/python"])
def test_no_secret_is_sent_to_a_build(path: str) -> None:
    assert not sent(path), f".dockerignore lacks {path}"


def test_the_sources_are_sent_to_a_build() -> None:
    assert sent("lib/segment.c") and sent("deployment/demo/src/main.py") and sent("README.md")
