# SPDX-License-Identifier: MIT
"""llm - the requests to language models that a client makes (pip install shmetrics[llm])

    client = openai.OpenAI()               # or AsyncOpenAI, anthropic.Anthropic, httpx.Client, ...
    instrument(client)

Records llm_requests_total, llm_request_duration_seconds, llm_errors_total and llm_tokens_used_total
of every request of OpenAI's form or Anthropic's, streamed or whole. The tokens are those that the
answer reports; OpenAI reports them in a stream only when asked by stream_options. What a client
library tries again counts again. Imports no client: it works by the send() that those of httpx have.
"""

from __future__ import annotations

import functools
import inspect
import json
from typing import Any, Dict, Mapping, Optional

from ..catalog.tracking import LLMCall
from ..catalog.usage import usage_of
from ..catalog.values import LabelValues
from ..registry import REGISTRY, CollectorRegistry

# The end of a path, and the operation it stands for.
OPERATIONS: Mapping[str, str] = {
    "/chat/completions": "chat",
    "/completions": "completion",
    "/embeddings": "embedding",
    "/messages": "chat",
    "/responses": "chat",
}
UNKNOWN_MODEL = "<unknown>"

BODY_MAX = 16 << 20  # what is kept of an answer that is read in parts

_models = LabelValues(100)


def instrument(
    client: Any,
    *,
    operations: Mapping[str, str] = OPERATIONS,
    registry: CollectorRegistry = REGISTRY,
) -> None:
    """Record the requests of a client of httpx or httpx2, or of an OpenAI or Anthropic client.

    operations: which paths are requests to a model, by their ends; others are left alone. A second
    call does nothing. TypeError if there is no such client in it.
    """
    http = client if hasattr(client, "send") else getattr(client, "_client", None)
    send = getattr(http, "send", None)
    if http is None or send is None:
        raise TypeError(f"{client!r} is not an HTTP client with send(), and holds none")
    if hasattr(send, "_shmetrics"):
        return

    def begin(request: Any) -> Optional[_Exchange]:
        operation = _operation_of(request, operations)
        return None if operation is None else _Exchange(registry, _model_of(request), operation)

    recorded: Any
    if inspect.iscoroutinefunction(send):

        @functools.wraps(send)
        async def send_async(request: Any, *args: Any, **kwargs: Any) -> Any:
            exchange = begin(request)
            if exchange is None:
                return await send(request, *args, **kwargs)
            try:
                response = await send(request, *args, **kwargs)
            except BaseException as error:
                exchange.fail(error)
                raise
            return exchange.follow(response)

        recorded = send_async
    else:

        @functools.wraps(send)
        def send_sync(request: Any, *args: Any, **kwargs: Any) -> Any:
            exchange = begin(request)
            if exchange is None:
                return send(request, *args, **kwargs)
            try:
                response = send(request, *args, **kwargs)
            except BaseException as error:
                exchange.fail(error)
                raise
            return exchange.follow(response)

        recorded = send_sync
    recorded._shmetrics = True
    http.send = recorded


def _operation_of(request: Any, operations: Mapping[str, str]) -> Optional[str]:
    if request.method != "POST":
        return None
    path = request.url.path
    return next((operations[end] for end in operations if path.endswith(end)), None)


def _model_of(request: Any) -> str:
    try:
        model = json.loads(request.content)["model"]
    except Exception:  # not JSON, no model, or a body that is made while it is sent
        return UNKNOWN_MODEL
    return _models(model) if isinstance(model, str) else UNKNOWN_MODEL


class _Exchange:
    """One request and its answer, of which the body may come in parts."""

    def __init__(self, registry: CollectorRegistry, model: str, operation: str) -> None:
        self._call = LLMCall(model, operation, registry)
        self._answer: _Answer = _Whole()
        self._ended = False
        self._reading = False
        self._call.__enter__()

    def fail(self, error: BaseException) -> None:
        """It ends by an exception."""
        self._end(error)

    def follow(self, response: Any) -> Any:
        """There is an answer: it ends when its body has been read, or is closed."""
        if response.status_code >= 400:
            self._call.fail(f"http_{response.status_code}")
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            self._answer = _Events()
        if response.is_closed:
            self._answer.add(response.content)
            self._end()
            return response
        response.iter_bytes = self._reader(response.iter_bytes)
        response.aiter_bytes = self._async_reader(response.aiter_bytes)
        response.close = self._closer(response.close)
        response.aclose = self._async_closer(response.aclose)
        return response

    def _end(self, error: Optional[BaseException] = None) -> None:
        if self._ended:
            return
        self._ended = True
        if self._answer.failed():
            self._call.fail("error_in_stream")
        self._call.tokens(*usage_of(self._answer.usage()))
        self._call.__exit__(None if error is None else type(error), error, None)

    def _reader(self, read: Any) -> Any:
        def iter_bytes(*args: Any, **kwargs: Any) -> Any:
            parts = iter(read(*args, **kwargs))
            try:
                while True:
                    self._reading = True
                    try:
                        part = next(parts)
                    except StopIteration:
                        return
                    except BaseException as error:
                        self._end(error)
                        raise
                    finally:
                        self._reading = False
                    self._answer.add(part)
                    yield part
            finally:
                self._end()

        return iter_bytes

    def _async_reader(self, read: Any) -> Any:
        async def aiter_bytes(*args: Any, **kwargs: Any) -> Any:
            parts = read(*args, **kwargs).__aiter__()
            try:
                while True:
                    self._reading = True
                    try:
                        part = await parts.__anext__()
                    except StopAsyncIteration:
                        return
                    except BaseException as error:
                        self._end(error)
                        raise
                    finally:
                        self._reading = False
                    self._answer.add(part)
                    yield part
            finally:
                self._end()

        return aiter_bytes

    # The client itself closes an answer when its last byte has come, and may still have to unpack
    # it: then the reader ends the exchange.

    def _closer(self, close: Any) -> Any:
        def closed() -> None:
            close()
            if not self._reading:
                self._end()

        return closed

    def _async_closer(self, close: Any) -> Any:
        async def closed() -> None:
            await close()
            if not self._reading:
                self._end()

        return closed


class _Answer:
    """What a body says of the tokens used."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._usage: Dict[str, Any] = {}
        self._failed = False

    def add(self, part: bytes) -> None:
        """The next part of the body."""
        if len(self._buffer) + len(part) <= BODY_MAX:
            self._buffer += part

    def usage(self) -> Dict[str, Any]:
        """The counts by the names that the API gives them."""
        return self._usage

    def failed(self) -> bool:
        """Whether an answer that began well said later that it failed."""
        return self._failed

    def _take(self, text: bytes) -> None:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):  # no JSON, or too deep: the client's to judge
            return
        if not isinstance(said, dict):
            return
        self._failed = self._failed or isinstance(said.get("error"), dict)
        for holder in (said, said.get("message"), said.get("response")):
            found = holder.get("usage") if isinstance(holder, dict) else None
            if isinstance(found, dict):
                # Later counts include earlier ones.
                self._usage.update((name, count) for name, count in found.items() if count is not None)


class _Whole(_Answer):
    """A body of JSON."""

    def usage(self) -> Dict[str, Any]:
        self._take(bytes(self._buffer))
        return self._usage

    def failed(self) -> bool:
        return False  # its status says so


class _Events(_Answer):
    """Server-sent events, each a line of JSON."""

    def add(self, part: bytes) -> None:
        super().add(part)
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            if line.startswith(b"data:") and (b'"usage"' in line or b'"error"' in line):
                self._take(bytes(line[5:]))
