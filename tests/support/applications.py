# SPDX-License-Identifier: MIT
"""applications - requests to what serves a registry; the strict checker judges each exposition

    answer = Asgi(make_asgi_app(registry)).request("/metrics?name[]=a", headers={"Accept": ...})
    answer = Wsgi(make_wsgi_app(registry)).request()
    answer = Port(server.server_port).request()             over a bare connection

Each judges what it scrapes against its scrapes before; answer.content is the body without its coding.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
from email.message import Message
from typing import Any, Mapping, Optional
from urllib.parse import unquote

import expoclient
from judging import Judge

DEADLINE_SECONDS = 30.0


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.body = status, body
        self.headers = Message()
        for name, value in headers.items():
            self.headers[name] = value

    @property
    def content(self) -> bytes:
        return gzip.decompress(self.body) if self.headers.get("Content-Encoding") else self.body


class Application:
    """The base: request() judges what exchange() fetches."""

    def __init__(self, judged: bool = True) -> None:
        self.judge = Judge(form=expoclient.of) if judged else None

    def exchange(self, path: str, method: str, headers: Mapping[str, str]) -> Answer:
        raise NotImplementedError

    def request(
        self,
        path: str = "/metrics",
        method: str = "GET",
        headers: Optional[Mapping[str, str]] = None,
    ) -> Answer:
        if self.judge is None:
            return self.exchange(path, method, headers or {})
        with self.judge.scrape(method, path, headers or {}) as told:
            answer = self.exchange(path, method, headers or {})
            told(answer)  # type: ignore[arg-type]
        return answer


class Asgi(Application):
    def __init__(self, app: Any, judged: bool = True) -> None:
        super().__init__(judged)
        self.app = app

    def exchange(self, path: str, method: str, headers: Mapping[str, str]) -> Answer:
        place, _, query = path.partition("?")
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": unquote(place),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        asyncio.run(self.app(scope, receive, send))
        start, *pieces = sent
        assert [piece.get("more_body", False) for piece in pieces] == [True] * (len(pieces) - 1) + [False]
        fields = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], fields, b"".join(piece["body"] for piece in pieces))


class Wsgi(Application):
    def __init__(self, app: Any, judged: bool = True) -> None:
        super().__init__(judged)
        self.app = app

    def exchange(self, path: str, method: str, headers: Mapping[str, str]) -> Answer:
        place, _, query = path.partition("?")
        environ = {"REQUEST_METHOD": method, "PATH_INFO": unquote(place), "QUERY_STRING": query}
        for name, value in headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        started: list[Any] = []
        body = b"".join(self.app(environ, lambda *arguments: started.append(arguments)))
        [(status, fields)] = started
        return Answer(int(status[:3]), dict(fields), body)


class Port(Application):
    def __init__(self, port: int, judged: bool = True) -> None:
        super().__init__(judged)
        self.port = port

    def exchange(self, path: str, method: str, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, headers=dict(headers))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
