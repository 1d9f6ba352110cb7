# SPDX-License-Identifier: MIT
"""secure - a collector behind a web configuration file, and clients that may ask it"""

from __future__ import annotations

import base64
import http.client
import ssl
import subprocess
from pathlib import Path
from typing import Dict, Optional

import bcrypt
from certificates import Pair, serial_of
from collector import COLLECTOR, DEADLINE, Collector

# bcrypt at the least cost there is: nothing here is to be kept secret.
CHEAP = 4


def bcrypt_hash(password: str, cost: int = CHEAP) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def authorization(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def client_context(authority: Path, pair: Optional[Pair] = None) -> ssl.SSLContext:
    """Of a client that trusts the authority, and has a certificate of its own if it is given one."""
    context = ssl.create_default_context(cafile=str(authority))
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


def check_config(path: Path, *flags: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(COLLECTOR), "--check-config", f"--web.config.file={path}", *flags],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


class SecureCollector(Collector):
    """Its requests are made with `context` (None: without TLS) and `headers`."""

    def __init__(
        self,
        directory: Path,
        config: Path,
        *flags: str,
        context: Optional[ssl.SSLContext] = None,
        headers: Optional[Dict[str, str]] = None,
    ) -> None:
        self.context = context
        self.headers = headers or {}
        super().__init__(directory, f"--web.config.file={config}", *flags)

    def open(self, context: Optional[ssl.SSLContext] = None) -> http.client.HTTPConnection:
        context = context or self.context
        if context is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=DEADLINE, context=context
        )

    def served_serial(self) -> int:
        """The serial number of the certificate that a new connection is shown."""
        assert self.context
        connection = self.open()
        try:
            connection.connect()
            assert isinstance(connection.sock, ssl.SSLSocket)
            shown = connection.sock.getpeercert(binary_form=True)
            assert shown
            return serial_of(ssl.DER_cert_to_PEM_cert(shown).encode())
        finally:
            connection.close()
