# SPDX-License-Identifier: MIT
"""pushgateway - sending a registry to a Pushgateway, for jobs that end before a scrape

A handler is a function of url, method, timeout, headers and data that returns a function of
nothing, which sends the request and raises an OSError if that fails.
"""

from __future__ import annotations

import base64
import gzip
import importlib
import socket
import ssl
import sys
from contextlib import closing
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlparse
from urllib.request import (
    BaseHandler,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

from .registry import REGISTRY, Collector
from .rendering import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

Headers = List[Tuple[str, str]]
Handler = Callable[..., Callable[[], None]]


# ---- handlers ----


def default_handler(
    url: str, method: str, timeout: Optional[float], headers: Headers, data: bytes
) -> Callable[[], None]:
    """Sends over HTTP or HTTPS."""
    return _make_handler(url, method, timeout, headers, data, HTTPHandler)


def passthrough_redirect_handler(
    url: str, method: str, timeout: Optional[float], headers: Headers, data: bytes
) -> Callable[[], None]:
    """Like default_handler, and goes where the gateway redirects to, with the same request.

    Only for gateways that are trusted to redirect: the data goes wherever they say.
    """
    return _make_handler(url, method, timeout, headers, data, _RedirectHandler)


def basic_auth_handler(
    url: str,
    method: str,
    timeout: Optional[float],
    headers: Headers,
    data: bytes,
    username: Optional[str] = None,
    password: Optional[str] = None,
) -> Callable[[], None]:
    """Like default_handler, with basic authentication if both are given."""
    if username is not None and password is not None:
        token = base64.b64encode(f"{username}:{password}".encode("utf-8")).decode("ascii")
        headers = [*headers, ("Authorization", f"Basic {token}")]
    return default_handler(url, method, timeout, headers, data)


def tls_auth_handler(
    url: str,
    method: str,
    timeout: Optional[float],
    headers: Headers,
    data: bytes,
    certfile: str,
    keyfile: str,
    cafile: Optional[str] = None,
    protocol: int = ssl.PROTOCOL_TLS_CLIENT,
    insecure_skip_verify: bool = False,
) -> Callable[[], None]:
    """Sends over HTTPS with a certificate of the client's.

    cafile: who the gateway's certificate must be signed by, the system's authorities if None.
    insecure_skip_verify: any certificate will do.
    """
    context = ssl.SSLContext(protocol)
    if cafile is not None:
        context.load_verify_locations(cafile)
    else:
        context.load_default_certs()
    if insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(certfile, keyfile)
    return _make_handler(url, method, timeout, headers, data, HTTPSHandler(context=context))


def _make_handler(
    url: str,
    method: str,
    timeout: Optional[float],
    headers: Sequence[Tuple[str, str]],
    data: bytes,
    base_handler: Union[BaseHandler, Callable[[], BaseHandler]],
) -> Callable[[], None]:
    def send() -> None:
        request = Request(url, data=data, method=method)
        for name, value in headers:
            request.add_header(name, value)
        with build_opener(base_handler).open(request, timeout=timeout) as response:
            if response.status >= 400:
                raise OSError(f"error talking to pushgateway: {response.status} {response.reason}")

    return send


class _RedirectHandler(HTTPRedirectHandler):
    """Repeats the whole request; urllib's own would drop the data and refuse PUT."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request:
        method = req.get_method()
        if not (
            code in (301, 302, 303, 307)
            and method in ("GET", "HEAD")
            or code in (301, 302, 303)
            and method in ("POST", "PUT")
        ):
            raise HTTPError(req.full_url, code, msg, headers, fp)
        return Request(
            newurl.replace(" ", "%20"),
            data=req.data,
            headers=req.headers,
            origin_req_host=req.origin_req_host,
            unverifiable=True,
            method=method,
        )


# ---- pushing ----


def push_to_gateway(
    gateway: str,
    job: str,
    registry: Collector,
    grouping_key: Optional[Dict[str, Any]] = None,
    timeout: Optional[float] = 30,
    handler: Handler = default_handler,
    compression: Optional[str] = None,
) -> None:
    """Replace everything that the gateway has of this job and grouping key (PUT).

    gateway: its URL; "http://" is added if there is no scheme. registry: None means REGISTRY, the
    whole segment. grouping_key: further labels of what is pushed. timeout: in seconds, None for
    none. handler: sends the request. compression: "gzip", "snappy" (with
    the package python-snappy) or None.
    """
    _push("PUT", gateway, job, registry, grouping_key, timeout, handler, compression)


def pushadd_to_gateway(
    gateway: str,
    job: str,
    registry: Optional[Collector],
    grouping_key: Optional[Dict[str, Any]] = None,
    timeout: Optional[float] = 30,
    handler: Handler = default_handler,
    compression: Optional[str] = None,
) -> None:
    """Replace the metrics of the same names, of this job and grouping key (POST).

    The arguments are those of push_to_gateway().
    """
    _push("POST", gateway, job, registry, grouping_key, timeout, handler, compression)


def delete_from_gateway(
    gateway: str,
    job: str,
    grouping_key: Optional[Dict[str, Any]] = None,
    timeout: Optional[float] = 30,
    handler: Handler = default_handler,
) -> None:
    """Delete what the gateway has of this job and grouping key (DELETE).

    The arguments are those of push_to_gateway().
    """
    handler(
        url=_url(gateway, job, grouping_key or {}),
        method="DELETE",
        timeout=timeout,
        headers=[("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)],
        data=b"",
    )()


def _push(
    method: str,
    gateway: str,
    job: str,
    registry: Optional[Collector],
    grouping_key: Optional[Mapping[str, Any]],
    timeout: Optional[float],
    handler: Handler,
    compression: Optional[str],
) -> None:
    data = generate_latest(REGISTRY if registry is None else registry)
    data, headers = _compressed(data, compression)
    url = _url(gateway, job, grouping_key or {})
    send = handler(
        url=url, method=method, timeout=timeout, headers=headers, data=data
    )
    send()


def _compressed(data: bytes, compression: Optional[str]) -> Tuple[bytes, Headers]:
    headers = [("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)]
    if compression is None:
        return data, headers
    encoding = compression.lower()
    if encoding == "gzip":
        data = gzip.compress(data)
    elif encoding == "snappy":
        try:
            compressor = importlib.import_module("snappy").StreamCompressor()
        except ImportError:
            raise RuntimeError(
                "Snappy compression requires the python-snappy package to be installed."
            ) from None
        data = compressor.compress(data)
        flush = getattr(compressor, "flush", None)
        data += flush() if callable(flush) else b""
    else:
        raise ValueError(f"Unsupported compression type: {compression}")
    return data, [*headers, ("Content-Encoding", encoding)]


def _url(gateway: str, job: str, grouping_key: Mapping[str, Any]) -> str:
    if urlparse(gateway).scheme not in ("http", "https"):
        gateway = "http://" + gateway
    labels = [("job", job), *sorted(grouping_key.items())]
    path = "".join(f"/{_path_of(str(key), str(value))}" for key, value in labels)
    return f"{gateway.rstrip('/')}/metrics{path}"


def _path_of(key: str, value: str) -> str:
    """A label as the gateway takes it in a path; some values have to be in base64."""
    if value == "":
        return f"{key}@base64/="
    if "/" in value or " " in value:
        return f"{key}@base64/{base64.urlsafe_b64encode(value.encode('utf-8')).decode('ascii')}"
    return f"{key}/{quote_plus(value)}"


def instance_ip_grouping_key() -> Dict[str, Any]:
    """The grouping key {"instance": the address of this host}."""
    # Nothing is sent. To macOS a port of 0 is no address.
    target = ("10.255.255.255", 1) if sys.platform == "darwin" else ("localhost", 0)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(target)
        return {"instance": probe.getsockname()[0]}
