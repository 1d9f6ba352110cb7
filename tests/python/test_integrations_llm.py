# SPDX-License-Identifier: MIT
"""The metrics of language models, from the real clients of OpenAI and Anthropic and a stand-in server."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator, Optional

import anthropic
import httpx
import openai
import pytest

import shmetrics
from shmetrics.integrations import llm

OPENAI_USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}
OPENAI_ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "small-2026",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}
    ],
    "usage": OPENAI_USAGE,
}
EMBEDDINGS = {
    "object": "list",
    "model": "small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
    "usage": {"prompt_tokens": 12, "total_tokens": 12},
}
ANTHROPIC_ANSWER = {
    "id": "1",
    "type": "message",
    "role": "assistant",
    "model": "small",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "cache_read_input_tokens": 3, "output_tokens": 5},
}


def openai_events() -> Iterator[dict[str, Any]]:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "small"}
    for word in ("one", '"usage"', "three"):
        delta = {"index": 0, "delta": {"content": word}}
        yield {**chunk, "choices": [delta], "usage": None}
    yield {**chunk, "choices": [], "usage": OPENAI_USAGE}


def anthropic_events() -> Iterator[dict[str, Any]]:
    message = {**ANTHROPIC_ANSWER, "content": [], "stop_reason": None}
    message["usage"] = {"input_tokens": 9, "cache_read_input_tokens": 3, "output_tokens": 1}
    yield {"type": "message_start", "message": message}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}
    yield {"type": "content_block_stop", "index": 0}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


class StandIn(BaseHTTPRequestHandler):
    """Answers as the two APIs do; the model's name says what is to go wrong."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model = said.get("model", "")
        of_anthropic = self.path.endswith("/messages")
        if model == "limited":
            self.answer(429, {"error": {"type": "rate_limit_error", "message": "slower"}})
        elif model == "broken":
            self.close_connection = True
        elif said.get("stream"):
            self.stream(anthropic_events() if of_anthropic else openai_events(), model)
        elif self.path.endswith("/embeddings"):
            self.answer(200, EMBEDDINGS)
        else:
            self.answer(200, ANTHROPIC_ANSWER if of_anthropic else OPENAI_ANSWER)

    def do_GET(self) -> None:
        self.answer(200, {"object": "list", "data": []})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        packed = "gzip" in self.headers.get("accept-encoding", "")
        if packed:
            body = gzip.compress(body)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        if packed:
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, events: Iterator[dict[str, Any]], model: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            line = f"event: {event['type']}\n" if "type" in event else ""
            self.chunk(f"{line}data: {json.dumps(event)}\n\n")
            if model == "breaks":
                self.close_connection = True
                return
            if model == "errs":
                self.chunk('data: {"error": {"message": "overloaded"}}\n\n')
                break
        self.chunk("data: [DONE]\n\n" if model and not self.path.endswith("/messages") else "")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, text: str) -> None:
        data = text.encode()
        for piece in (data[:20], data[20:]):  # lines come in pieces
            if piece:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Seen:
    """What a registry holds."""

    def __init__(self, registry: shmetrics.CollectorRegistry) -> None:
        self._value = registry.get_sample_value

    def requests(self, model: str = "small", operation: str = "chat") -> Optional[float]:
        labels = {"model": model, "operation": operation}
        count = self._value("llm_requests_total", labels)
        assert self._value("llm_request_duration_seconds_count", labels) == count
        return count

    def tokens(self, model: str = "small") -> tuple[Optional[float], Optional[float]]:
        def used(token_type: str) -> Optional[float]:
            return self._value("llm_tokens_used_total", {"model": model, "token_type": token_type})

        return used("prompt"), used("completion")

    def errors(self, model: str, error_type: str) -> Optional[float]:
        return self._value("llm_errors_total", {"model": model, "error_type": error_type})


@pytest.fixture
def seen(registry: shmetrics.CollectorRegistry) -> Seen:
    return Seen(registry)


MESSAGES: list[Any] = [{"role": "user", "content": "hello"}]
STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture
def of_openai(url: str, registry: shmetrics.CollectorRegistry) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0) as client:
        llm.instrument(client, registry=registry)
        llm.instrument(client, registry=registry)  # a second time: nothing more
        yield client


@pytest.fixture
def of_anthropic(url: str, registry: shmetrics.CollectorRegistry) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key="none", base_url=url, max_retries=0) as client:
        llm.instrument(client, registry=registry)
        yield client


def test_openai(of_openai: openai.OpenAI, seen: Seen) -> None:
    answer = of_openai.chat.completions.create(model="small", messages=MESSAGES)
    assert answer.choices[0].message.content == "hi"
    assert seen.requests() == 1 and seen.tokens() == (12, 5)
    of_openai.models.list()
    of_openai.with_options(timeout=5).embeddings.create(model="small", input="text")
    assert seen.requests(operation="embedding") == 1 and seen.tokens() == (24, 5)


def test_openai_streaming(of_openai: openai.OpenAI, seen: Seen) -> None:
    stream = of_openai.chat.completions.create(model="small", messages=MESSAGES, **STREAM)
    words = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert words == ["one", '"usage"', "three"]
    assert seen.requests() == 1 and seen.tokens() == (12, 5)


def test_a_stream_that_is_left_early_has_ended(of_openai: openai.OpenAI, seen: Seen) -> None:
    with of_openai.chat.completions.create(model="small", messages=MESSAGES, **STREAM) as stream:
        for _ in stream:
            assert seen.requests() is None
            break
    assert seen.requests() == 1 and seen.tokens() == (None, None)


@pytest.mark.parametrize(
    "model, error, error_type",
    [
        ("limited", openai.RateLimitError, "http_429"),
        ("broken", openai.APIConnectionError, "RemoteProtocolError"),
    ],
)
def test_openai_errors(
    of_openai: openai.OpenAI, seen: Seen, model: str, error: type[Exception], error_type: str
) -> None:
    for stream in (False, True):
        with pytest.raises(error):
            of_openai.chat.completions.create(model=model, messages=MESSAGES, stream=stream)
    assert seen.requests(model) == 2 and seen.errors(model, error_type) == 2


@pytest.mark.parametrize(
    "model, error_type", [("breaks", "RemoteProtocolError"), ("errs", "error_in_stream")]
)
def test_a_stream_that_fails(
    of_openai: openai.OpenAI, seen: Seen, model: str, error_type: str
) -> None:
    with pytest.raises(Exception):  # noqa: B017 - of the HTTP client, or of OpenAI's
        list(of_openai.chat.completions.create(model=model, messages=MESSAGES, stream=True))
    assert seen.requests(model) == 1 and seen.errors(model, error_type) == 1


def test_anthropic(of_anthropic: anthropic.Anthropic, seen: Seen) -> None:
    answer = of_anthropic.messages.create(model="small", max_tokens=9, messages=MESSAGES)
    assert answer.usage.output_tokens == 5
    assert seen.requests() == 1 and seen.tokens() == (12, 5)


def test_anthropic_streaming(of_anthropic: anthropic.Anthropic, seen: Seen) -> None:
    with of_anthropic.messages.stream(model="small", max_tokens=9, messages=MESSAGES) as stream:
        assert "".join(stream.text_stream) == "hi"
    assert seen.requests() == 1 and seen.tokens() == (12, 5)


def test_asynchronous_clients(
    url: str, registry: shmetrics.CollectorRegistry, seen: Seen
) -> None:
    async def main() -> None:
        async with openai.AsyncOpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0) as client:
            llm.instrument(client, registry=registry)
            await client.chat.completions.create(model="small", messages=MESSAGES)
            assert seen.requests() == 1 and seen.tokens() == (12, 5)
            stream = await client.chat.completions.create(model="small", messages=MESSAGES, **STREAM)
            assert len([chunk async for chunk in stream]) == 4
            with pytest.raises(openai.APIConnectionError):
                await client.chat.completions.create(model="broken", messages=MESSAGES)
        async with anthropic.AsyncAnthropic(api_key="none", base_url=url) as other:
            llm.instrument(other, registry=registry)
            async with other.messages.stream(model="small", max_tokens=9, messages=MESSAGES) as stream:
                assert [text async for text in stream.text_stream] == ["hi"]

    asyncio.run(main())
    assert seen.requests() == 3 and seen.tokens() == (36, 15)
    assert seen.errors("broken", "RemoteProtocolError") == 1


def test_httpx(url: str, registry: shmetrics.CollectorRegistry, seen: Seen) -> None:
    with httpx.Client(base_url=url) as client:
        llm.instrument(client, registry=registry, operations={"/ask": "ask"})
        body = {"model": "small", "messages": []}
        assert client.post("/ask", json=body).json() == OPENAI_ANSWER
        assert seen.requests(operation="ask") == 1 and seen.tokens() == (12, 5)
        client.post("/v1/chat/completions", json=body)
        client.get("/ask")
        with client.stream("POST", "/ask", json=body) as response:
            assert json.loads(response.read()) == OPENAI_ANSWER  # it came in gzip
        assert seen.requests(operation="ask") == 2 and seen.tokens() == (24, 10)
        client.post("/ask", json={})
        assert seen.requests("<unknown>", "ask") == 1
    assert seen.requests() is None


@pytest.mark.parametrize("body", [b"[" * 100_000, b"no JSON", b"null", b'{"usage":{"prompt_tokens":NaN}}'])
def test_an_answer_that_tells_nothing_reaches_the_caller(
    body: bytes, registry: shmetrics.CollectorRegistry, seen: Seen
) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    with httpx.Client(transport=transport) as client:
        llm.instrument(client, registry=registry)
        answer = client.post("http://model/v1/chat/completions", json={"model": "small"})
    assert answer.content == body
    assert (seen.requests(), seen.tokens()) == (1, (None, None))


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(TypeError, match="is not an HTTP client"):
        llm.instrument(object())
