# SPDX-License-Identifier: MIT
"""llm - requests to language models, seen where httpx or httpx2 sends them

    client = httpx.AsyncClient(transport=AsyncTransport())
    client = openai.OpenAI(http_client=httpx.Client(transport=Transport()))
    client = anthropic.AsyncAnthropic(http_client=httpx2.AsyncClient(transport=AsyncTransport()))

llm_requests_total, llm_request_duration_seconds, llm_errors_total and llm_tokens_used_total. The
model is what the request's JSON says, the operation the end of its path ("chat/completions",
"messages", "embeddings"): both are yours, not your users'. error_type is the exception's class, or
"http_429" and the like. A request lasts until its answer has been read, so a streamed one until its
last event. The tokens are what the answer says: `usage` of OpenAI's and Anthropic's APIs, also
within a stream. Requests that carry no model are passed on and not recorded. The bytes of an answer
are looked at as they pass, never held back.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import zlib
from typing import Any, AsyncIterator, Dict, Iterator, Optional

from .. import catalog
from ..registry import REGISTRY, CollectorRegistry

# Both have the same interface; a client of the one wants bodies of its own kind.
_LIBRARIES = [
    importlib.import_module(name) for name in ("httpx", "httpx2") if importlib.util.find_spec(name)
]
if not _LIBRARIES:
    raise ImportError("shmetrics.integrations.llm needs httpx or httpx2: pip install shmetrics[llm]")

_ANSWER_MAX = 16 * 1024 * 1024  # bytes of an answer that is kept to find its usage
_TOKEN_NAMES = {
    "prompt": ("prompt_tokens", "input_tokens"),
    "completion": ("completion_tokens", "output_tokens"),
}


class _Usage:
    """Finds the usage in the bytes of an answer: one JSON object, or events that are each one."""

    def __init__(self, is_stream: bool) -> None:
        self._is_stream = is_stream
        self._rest = bytearray()
        self._found: Dict[str, int] = {}

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the body, decoded."""
        if len(self._rest) + len(data) > _ANSWER_MAX:
            self._rest.clear()
            return
        self._rest += data
        if not self._is_stream:
            return
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            if line.startswith(b"data:") and b"usage" in line:
                self._look(line[len(b"data:") :])

    def _look(self, text: bytes) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        if not isinstance(answer, dict):
            return
        message = answer.get("message")
        for holder in (answer, message if isinstance(message, dict) else {}):
            usage = holder.get("usage")
            for token_type, names in _TOKEN_NAMES.items():
                for name in names:
                    count = usage.get(name) if isinstance(usage, dict) else None
                    if isinstance(count, int) and count > 0:
                        # Within a stream each says how many so far: the last counts.
                        self._found[token_type] = count

    def tokens(self) -> Dict[str, int]:
        """What was found, by token type, at the end of the body."""
        if not self._is_stream:
            self._look(bytes(self._rest))
        return self._found


class _Call:
    """A request under way; ends once."""

    def __init__(self, model: str, operation: str, registry: CollectorRegistry) -> None:
        self._run: Optional[catalog.LLMCall] = catalog.track_llm(model, operation, registry=registry)
        self._run.__enter__()

    def end(self, error_type: Optional[str] = None, tokens: Optional[Dict[str, int]] = None) -> None:
        """The first end counts. error_type: why it failed."""
        run, self._run = self._run, None
        if run is None:
            return
        if tokens:
            run.tokens(**tokens)
        if error_type:
            run.fail(error_type)
        run.__exit__(None, None, None)


class _Body:
    """The body of an answer on its way to whoever reads it."""

    def __init__(self, stream: Any, response: Any, call: _Call) -> None:
        self._stream = stream
        self._call = call
        self._usage = _Usage("event-stream" in response.headers.get("content-type", ""))
        is_packed = response.headers.get("content-encoding", "identity") in ("gzip", "deflate")
        self._unpack = zlib.decompressobj(wbits=47).decompress if is_packed else None

    def _see(self, chunk: bytes) -> None:
        try:
            self._usage.feed(self._unpack(chunk) if self._unpack else chunk)
        except zlib.error:
            self._unpack = None  # the client will meet it as well

    def _finish(self, error_type: Optional[str] = None) -> None:
        self._call.end(error_type, self._usage.tokens())


class _SyncBody(_Body, *(library.SyncByteStream for library in _LIBRARIES)):  # type: ignore[misc]
    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._see(chunk)
                yield chunk
        except Exception as error:
            self._finish(type(error).__name__)
            raise
        self._finish()

    def close(self) -> None:
        self._stream.close()
        self._finish()


class _AsyncBody(_Body, *(library.AsyncByteStream for library in _LIBRARIES)):  # type: ignore[misc]
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                self._see(chunk)
                yield chunk
        except Exception as error:
            self._finish(type(error).__name__)
            raise
        self._finish()

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._finish()


def _call_of(request: Any, registry: CollectorRegistry) -> Optional[_Call]:
    """None: the request carries no model, or its body is a stream that may be read only once."""
    try:
        asked = json.loads(request.content)
    except (ValueError, RuntimeError):  # RuntimeError: RequestNotRead
        return None
    model = asked.get("model") if isinstance(asked, dict) else None
    if not isinstance(model, str):
        return None
    operation = request.url.path.strip("/")
    if operation.startswith("v1/"):
        operation = operation[len("v1/") :]
    return _Call(model, operation, registry)


def _prepare(request: Any) -> None:
    """What _Body can unpack, and no other packing, is asked for."""
    if "accept-encoding" in request.headers:
        request.headers["accept-encoding"] = "gzip, deflate"


def _library_of(request: Any) -> Any:
    return sys.modules[type(request).__module__.partition(".")[0]]


class Transport:
    """Records the requests that pass to another transport.

    transport: of the same library as the client; None: its HTTPTransport(), made for the first request.
    """

    def __init__(self, transport: Any = None, *, registry: CollectorRegistry = REGISTRY) -> None:
        self._transport = transport
        self._registry = registry

    def handle_request(self, request: Any) -> Any:
        """What a client calls."""
        if self._transport is None:
            self._transport = _library_of(request).HTTPTransport()
        call = _call_of(request, self._registry)
        if call is None:
            return self._transport.handle_request(request)
        _prepare(request)
        try:
            response = self._transport.handle_request(request)
        except BaseException as error:
            call.end(type(error).__name__)
            raise
        if response.status_code >= 400:
            call.end(f"http_{response.status_code}")
        else:
            response.stream = _SyncBody(response.stream, response, call)
        return response

    def close(self) -> None:
        """Closes the other transport."""
        if self._transport is not None:
            self._transport.close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncTransport:
    """As Transport, for asynchronous clients."""

    def __init__(self, transport: Any = None, *, registry: CollectorRegistry = REGISTRY) -> None:
        self._transport = transport
        self._registry = registry

    async def handle_async_request(self, request: Any) -> Any:
        """What a client calls."""
        if self._transport is None:
            self._transport = _library_of(request).AsyncHTTPTransport()
        call = _call_of(request, self._registry)
        if call is None:
            return await self._transport.handle_async_request(request)
        _prepare(request)
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException as error:
            call.end(type(error).__name__)
            raise
        if response.status_code >= 400:
            call.end(f"http_{response.status_code}")
        else:
            response.stream = _AsyncBody(response.stream, response, call)
        return response

    async def aclose(self) -> None:
        """Closes the other transport."""
        if self._transport is not None:
            await self._transport.aclose()

    async def __aenter__(self) -> AsyncTransport:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
