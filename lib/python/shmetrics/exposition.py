# SPDX-License-Identifier: MIT
"""exposition - serving a registry: WSGI, a server in a thread, a file for the node exporter

A program with many workers has shmetrics-collector serve the segment instead; what is here is for
programs that have a /metrics of their own already, or run nothing beside themselves.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple, Type
from urllib.parse import urlparse
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from .metrics_app import make_asgi_app
from .openmetrics.escaping import ALLOWUTF8
from .pushgateway import (
    basic_auth_handler,
    default_handler,
    delete_from_gateway,
    instance_ip_grouping_key,
    passthrough_redirect_handler,
    push_to_gateway,
    pushadd_to_gateway,
    tls_auth_handler,
)
from .registry import REGISTRY, Collector
from .rendering import (
    CONTENT_TYPE_LATEST,
    CONTENT_TYPE_PLAIN_0_0_4,
    CONTENT_TYPE_PLAIN_1_0_0,
    choose_encoder,
    generate_latest,
    gzip_accepted,
)
from .rendering import bake_output as _bake_output
from .rendering import query_parameters as _query_parameters

__all__ = (
    "CONTENT_TYPE_LATEST",
    "CONTENT_TYPE_PLAIN_0_0_4",
    "CONTENT_TYPE_PLAIN_1_0_0",
    "MetricsHandler",
    "ThreadingWSGIServer",
    "basic_auth_handler",
    "choose_encoder",
    "default_handler",
    "delete_from_gateway",
    "generate_latest",
    "gzip_accepted",
    "instance_ip_grouping_key",
    "make_asgi_app",
    "make_wsgi_app",
    "passthrough_redirect_handler",
    "push_to_gateway",
    "pushadd_to_gateway",
    "start_http_server",
    "start_wsgi_server",
    "tls_auth_handler",
    "write_to_textfile",
)

_Headers = List[Tuple[str, str]]
WSGIApp = Callable[[Dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def make_wsgi_app(registry: Collector = REGISTRY, disable_compression: bool = False) -> WSGIApp:
    """A WSGI application that serves a registry at every path."""

    def prometheus_app(
        environ: Dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        status, headers, output = "200 OK", [("Allow", "OPTIONS,GET")], b""
        if method not in ("GET", "HEAD", "OPTIONS"):
            status = "405 Method Not Allowed"
            output = f"# HTTP {status}: {method}; use OPTIONS or GET\n".encode()
        elif method != "OPTIONS" and environ["PATH_INFO"] == "/favicon.ico":
            headers = []  # browsers ask for it
        elif method != "OPTIONS":
            status, headers, output = _bake_output(
                registry,
                environ.get("HTTP_ACCEPT"),
                environ.get("HTTP_ACCEPT_ENCODING"),
                _query_parameters(environ.get("QUERY_STRING", "")),
                disable_compression,
            )
        start_response(status, headers)
        return [b"" if method == "HEAD" else output]

    return prometheus_app


class MetricsHandler(BaseHTTPRequestHandler):
    """For http.server: serves the registry that factory() was given, REGISTRY otherwise."""

    registry: Collector = REGISTRY

    def do_GET(self) -> None:
        status, headers, output = _bake_output(
            self.registry,
            self.headers.get("Accept"),
            self.headers.get("Accept-Encoding"),
            _query_parameters(urlparse(self.path).query),
            False,
        )
        self.send_response(int(status.split(" ")[0]))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(output)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""

    @classmethod
    def factory(cls, registry: Collector) -> Type[MetricsHandler]:
        """A handler class that serves this registry."""
        return type(cls.__name__, (cls, object), {"registry": registry})


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    """A thread for each request; none keeps the program from ending."""

    daemon_threads = True


def start_wsgi_server(
    port: int,
    addr: str = "0.0.0.0",
    registry: Collector = REGISTRY,
    certfile: Optional[str] = None,
    keyfile: Optional[str] = None,
    client_cafile: Optional[str] = None,
    client_capath: Optional[str] = None,
    protocol: int = ssl.PROTOCOL_TLS_SERVER,
    client_auth_required: bool = False,
    tls_min_version: Optional[ssl.TLSVersion] = None,
    tls_max_version: Optional[ssl.TLSVersion] = None,
) -> Tuple[WSGIServer, threading.Thread]:
    """Serve a registry from a daemon thread. The server, to shut down, and its thread.

    certfile, keyfile: for HTTPS. client_auth_required: only clients with a certificate of
    client_cafile or client_capath. The thread does not survive a fork: a child starts its own.
    """
    found = socket.getaddrinfo(addr, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    server_class = type("Server", (ThreadingWSGIServer,), {"address_family": family})
    server: WSGIServer = make_server(
        str(address[0]), port, make_wsgi_app(registry), server_class, handler_class=_SilentHandler
    )
    if certfile and keyfile:
        try:
            context = _server_context(protocol, certfile, keyfile, client_cafile, client_capath)
            if client_auth_required:
                context.verify_mode = ssl.CERT_REQUIRED
            if tls_min_version is not None:
                context.minimum_version = tls_min_version
            if tls_max_version is not None:
                context.maximum_version = tls_max_version
            server.socket = context.wrap_socket(server.socket, server_side=True)
        except BaseException:
            server.server_close()
            raise
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    return server, thread


start_http_server = start_wsgi_server


def _server_context(
    protocol: int, certfile: str, keyfile: str, cafile: Optional[str], capath: Optional[str]
) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    if cafile is None and capath is None:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    else:
        try:
            context.load_verify_locations(cafile, capath)
        except OSError as error:
            raise type(error)(
                f"Cannot load CA certificate chain from file {cafile!r} or directory "
                f"{capath!r}: {error}"
            ) from error
    try:
        context.load_cert_chain(certfile, keyfile)
    except OSError as error:
        raise type(error)(
            f"Cannot load server certificate file {certfile!r} or its private key file "
            f"{keyfile!r}: {error}"
        ) from error
    return context


def write_to_textfile(
    path: str, registry: Collector, escaping: str = ALLOWUTF8, tmpdir: Optional[str] = None
) -> None:
    """Write a registry to a file, for the node exporter's textfile collector.

    Whoever reads it sees the old contents or the new, never a part. path: must end in .prom for
    the textfile collector. tmpdir: where it is written first, on the same file system; None: the
    folder of path.
    """
    folder = os.path.dirname(path) if tmpdir is None else tmpdir
    name = f"{os.path.basename(path)}.{os.getpid()}.{threading.get_ident()}"
    temporary = os.path.join(folder, name)
    try:
        with open(temporary, "wb") as file:
            file.write(generate_latest(registry, escaping))
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise
