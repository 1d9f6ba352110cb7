# SPDX-License-Identifier: MIT
"""Language models: the real openai and anthropic packages against a stand-in, as llm_* of the catalogue."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator

import anthropic
import httpx
import httpx2
import openai
import pytest

import shmetrics
from shmetrics.integrations.llm import AsyncTransport, Transport

Registry = shmetrics.CollectorRegistry

OPENAI_ANSWER = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-x",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
}  # fmt: skip
ANTHROPIC_ANSWER = {
    "id": "1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
    "stop_sequence": None, "content": [{"type": "text", "text": "Yes."}],
    "usage": {"input_tokens": 7, "output_tokens": 3},
}  # fmt: skip
OPENAI_EVENTS = [
    {**OPENAI_ANSWER, "object": "chat.completion.chunk", "usage": None,
     "choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": None}]},
    {**OPENAI_ANSWER, "object": "chat.completion.chunk", "choices": []},
]  # fmt: skip
ANTHROPIC_EVENTS = [
    {"type": "message_start", "message": {**ANTHROPIC_ANSWER, "content": [],
                                          "usage": {"input_tokens": 7, "output_tokens": 1}}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
     "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """Answers as both APIs do; a model whose name is a number fails with that status."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_openai = self.path.endswith("/chat/completions")
        if asked["model"].isdigit():
            self.reply(int(asked["model"]), "application/json", b'{"error": {"message": "no"}}')
        elif asked.get("stream"):
            events = OPENAI_EVENTS if is_openai else ANTHROPIC_EVENTS
            body = "".join(
                f"event: {event.get('type', 'chunk')}\ndata: {json.dumps(event)}\n\n" for event in events
            )
            self.reply(200, "text/event-stream", (body + "data: [DONE]\n\n" if is_openai else body).encode())
        else:
            answer = OPENAI_ANSWER if is_openai else ANTHROPIC_ANSWER
            self.reply(200, "application/json", json.dumps(answer).encode())

    def reply(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def value(registry: Registry, name: str, **labels: str) -> float | None:
    found: float | None = registry.get_sample_value(name, labels)
    return found


def check_openai(registry: Registry, calls: int) -> None:
    labels = {"model": "gpt-x", "operation": "chat/completions"}
    assert value(registry, "llm_requests_total", **labels) == calls
    assert value(registry, "llm_request_duration_seconds_count", **labels) == calls
    assert value(registry, "llm_tokens_used_total", model="gpt-x", token_type="prompt") == 11 * calls
    assert value(registry, "llm_tokens_used_total", model="gpt-x", token_type="completion") == 2 * calls


def check_anthropic(registry: Registry, calls: int) -> None:
    assert value(registry, "llm_requests_total", model="claude-x", operation="messages") == calls
    assert value(registry, "llm_tokens_used_total", model="claude-x", token_type="prompt") == 7 * calls
    assert value(registry, "llm_tokens_used_total", model="claude-x", token_type="completion") == 3 * calls


QUESTION: Any = [{"role": "user", "content": "Really?"}]


def test_openai(registry: Registry, url: str) -> None:
    http = httpx.Client(transport=Transport(registry=registry))
    with openai.OpenAI(base_url=url + "/v1", api_key="none", http_client=http) as client:
        answer = client.chat.completions.create(model="gpt-x", messages=QUESTION)
        assert answer.choices[0].message.content == "Yes."
        parts = client.chat.completions.create(
            model="gpt-x", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        assert "".join(p.choices[0].delta.content or "" for p in parts if p.choices) == "Yes."
    check_openai(registry, 2)


def test_openai_asynchronous(registry: Registry, url: str) -> None:
    async def ask() -> None:
        http = httpx.AsyncClient(transport=AsyncTransport(registry=registry))
        async with openai.AsyncOpenAI(base_url=url + "/v1", api_key="none", http_client=http) as client:
            await client.chat.completions.create(model="gpt-x", messages=QUESTION)
            parts = await client.chat.completions.create(model="gpt-x", messages=QUESTION, stream=True)
            assert [part async for part in parts]

    asyncio.run(ask())
    check_openai(registry, 2)


def test_anthropic(registry: Registry, url: str) -> None:
    http = httpx2.Client(transport=Transport(registry=registry))
    with anthropic.Anthropic(base_url=url, api_key="none", http_client=http) as client:
        answer = client.messages.create(model="claude-x", max_tokens=5, messages=QUESTION)
        assert answer.usage.input_tokens == 7
        with client.messages.stream(model="claude-x", max_tokens=5, messages=QUESTION) as stream:
            stream.get_final_message()
    check_anthropic(registry, 2)


def test_anthropic_asynchronous(registry: Registry, url: str) -> None:
    async def ask() -> None:
        http = httpx2.AsyncClient(transport=AsyncTransport(registry=registry))
        async with anthropic.AsyncAnthropic(base_url=url, api_key="none", http_client=http) as client:
            await client.messages.create(model="claude-x", max_tokens=5, messages=QUESTION)

    asyncio.run(ask())
    check_anthropic(registry, 1)


def test_a_refusal_is_an_error_by_its_status(registry: Registry, url: str) -> None:
    with httpx.Client(transport=Transport(registry=registry)) as client:
        answer = client.post(url + "/v1/chat/completions", json={"model": "429", "messages": []})
    assert answer.status_code == 429
    assert value(registry, "llm_errors_total", model="429", error_type="http_429") == 1
    assert value(registry, "llm_requests_total", model="429", operation="chat/completions") == 1


def test_no_connection_is_an_error_by_its_exception(registry: Registry) -> None:
    with httpx.Client(transport=Transport(registry=registry)) as client, pytest.raises(httpx.ConnectError):
        client.post("http://127.0.0.1:1/v1/messages", json={"model": "m"})
    assert value(registry, "llm_errors_total", model="m", error_type="ConnectError") == 1


def test_a_stream_that_is_left_is_counted_once(registry: Registry, url: str) -> None:
    with httpx.Client(transport=Transport(registry=registry)) as client:
        asked = {"model": "gpt-x", "messages": [], "stream": True}
        with client.stream("POST", url + "/v1/chat/completions", json=asked) as answer:
            next(answer.iter_bytes())
    assert value(registry, "llm_requests_total", model="gpt-x", operation="chat/completions") == 1
    assert value(registry, "llm_errors_total", model="gpt-x", error_type="GeneratorExit") is None


@pytest.mark.parametrize("body", [b"", b"not JSON", b"[1]", b'{"model": 7}'])
def test_what_carries_no_model_is_not_recorded(registry: Registry, url: str, body: bytes) -> None:
    with httpx.Client(transport=Transport(httpx.MockTransport(lambda _: httpx.Response(200)), registry=registry)) as c:
        assert c.post(url + "/other", content=body).status_code == 200
    assert list(registry.collect()) == []
