# SPDX-License-Identifier: MIT
"""receivers - whom Alertmanager tells: a webhook, Slack, PagerDuty and a mail server, as they are here

Each keeps what arrived. They ask for the secrets that the configuration reads from files, and refuse
whoever does not know them.
"""

from __future__ import annotations

import datetime
import email.message
import email.policy
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from certificates import Pair
from serving import free_port

SECRETS = {
    "smtp_password": "a password for mail",
    "pagerduty_routing_key": "0123456789abcdef0123456789abcdef",
    "webhook_token": "a token for the webhook",
    "slack_path": "/services/T000/B000/a-secret-path",
}
# What templates/convergeai.tmpl says of an alert.
SAID = re.compile(r"^(FIRING|RESOLVED) (\w+) \[.*\n.*\nsince ([\d-]+ [\d:]+) UTC", re.MULTILINE)

Told = tuple[str, str]  # "firing" or "resolved", the name of the alert


@dataclass
class Receivers:
    """What arrived, in order, parsed."""

    webhook: list[dict[str, Any]] = field(default_factory=list)
    slack: list[dict[str, Any]] = field(default_factory=list)
    pagerduty: list[dict[str, Any]] = field(default_factory=list)
    smtp: list[email.message.EmailMessage] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    url: str = ""
    smtp_port: int = 0

    def told(self, since: float = 0) -> dict[str, set[Told]]:
        """What each was told of alerts that began after this time: messages repeat what was before."""
        told = {
            "webhook": [
                (alert["status"], alert["labels"]["alertname"], alert["startsAt"][:19])
                for message in list(self.webhook)
                for alert in message["alerts"]
            ],
            "slack": _said(message["attachments"][0]["text"] for message in list(self.slack)),
            "pagerduty": _said(
                message["payload"]["custom_details"]["alerts"] for message in list(self.pagerduty)
            ),
            "smtp": _said(map(_text, list(self.smtp))),
        }
        return {
            receiver: {(status, name) for status, name, began in said if _seconds(began) >= int(since)}
            for receiver, said in told.items()
        }

    def start(self, pair: Pair) -> Callable[[], None]:
        """Begins to listen, for mail with this certificate; returns what ends it."""
        http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{http.server_port}"
        self.smtp_port = free_port()
        mail = Controller(
            _Mailbox(self),
            hostname="127.0.0.1",
            port=self.smtp_port,
            tls_context=_secure(pair),
            require_starttls=True,
            authenticator=_authenticate,
            auth_required=True,
            auth_exclude_mechanism=["LOGIN"],  # of which Alertmanager knows a dialect
        )
        mail.start()

        def stop() -> None:
            mail.stop()
            http.shutdown()
            http.server_close()

        return stop


def _secure(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def _text(message: email.message.EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body, message
    return str(body.get_content())


def _said(texts: Iterable[str]) -> list[tuple[str, str, str]]:
    return [(status.lower(), name, began) for text in texts for status, name, began in SAID.findall(text)]


def _seconds(began: str) -> float:
    return datetime.datetime.fromisoformat(f"{began}+00:00").timestamp()


def _handler(receivers: Receivers) -> type[BaseHTTPRequestHandler]:
    """Answers as the three do that are told by HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(self._take(content))

        def _take(self, content: dict[str, Any]) -> int:
            if self.path == "/webhook":
                if self.headers.get("Authorization") == f"Bearer {SECRETS['webhook_token']}":
                    receivers.webhook.append(content)
                    return 200
            elif self.path == SECRETS["slack_path"]:
                receivers.slack.append(content)
                return 200
            elif self.path == "/v2/enqueue":
                if content.get("routing_key") == SECRETS["pagerduty_routing_key"]:
                    receivers.pagerduty.append(content)
                    return 202
            receivers.refused.append(self.path)
            return 403

        def _answer(self, status: int) -> None:
            body = b"ok" if status == 200 else b'{"status":"success"}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: what arrived is kept."""

    return Handler


class _Mailbox:
    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, email.message.EmailMessage)
        self._receivers.smtp.append(message)
        return "250 taken"


def _authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
) -> AuthResult:
    right = isinstance(given, LoginPassword) and given.password == SECRETS["smtp_password"].encode()
    return AuthResult(success=right)
