# SPDX-License-Identifier: MIT
"""Route templates of Litestar, Flask and Django."""

from __future__ import annotations

import asyncio
import io
from types import ModuleType
from typing import Any, Optional

import django
import flask
import litestar
import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path, re_path
from litestar.testing import TestClient

import shmetrics
import shmetrics.django
import shmetrics.flask
import shmetrics.litestar
from shmetrics.asgi import Middleware


def endpoints(registry: shmetrics.CollectorRegistry) -> list[tuple[str, str]]:
    return [
        (sample.labels["endpoint"], sample.labels["status_code"])
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "http_requests_total"
    ]


@pytest.mark.parametrize(
    "url, expected",
    [
        ("/items/7", ("/items/{item_id}", "200")),
        ("/items/0", ("/items/{item_id}", "404")),
        ("/nested/a/leaf", ("/nested/{name}/leaf", "200")),
        ("/nowhere", ("<unmatched>", "404")),
        ("/items/seven", ("<unmatched>", "404")),
    ],
)
def test_litestar(registry: shmetrics.CollectorRegistry, url: str, expected: tuple[str, str]) -> None:
    @litestar.get("/items/{item_id:int}")
    async def item(item_id: int) -> int:
        if item_id == 0:
            raise litestar.exceptions.NotFoundException
        return item_id

    @litestar.get("/{name:str}/leaf")
    async def leaf(name: str) -> str:
        return name

    app = litestar.Litestar([item, litestar.Router("/nested", route_handlers=[leaf])])
    around: Any = Middleware(app, registry=registry, endpoint=shmetrics.litestar.route_template)
    with TestClient(around) as client:
        client.get(url)
    assert endpoints(registry) == [expected]


def wsgi_environ(url: str) -> dict[str, Any]:
    from wsgiref.util import setup_testing_defaults

    environ: dict[str, Any] = {"PATH_INFO": url, "wsgi.input": io.BytesIO()}
    setup_testing_defaults(environ)
    return environ


def call_wsgi(app: Any, url: str, module: ModuleType) -> Optional[str]:
    """What the resolver says when the application starts its answer."""
    environ = wsgi_environ(url)
    found: list[Optional[str]] = []
    b"".join(app(environ, lambda *_: found.append(module.route_template(environ))))
    return found[0]


@pytest.mark.parametrize(
    "url, expected",
    [
        ("/items/7", "/items/<int:item_id>"),
        ("/tenant/leaf", "/<tenant>/leaf"),
        ("/nowhere", None),
        ("/items/seven", None),
    ],
)
def test_flask(url: str, expected: Optional[str]) -> None:
    app = flask.Flask("test")
    blueprint = flask.Blueprint("inner", "test", url_prefix="/<tenant>")
    app.add_url_rule("/items/<int:item_id>", "item", lambda item_id: str(item_id))
    blueprint.add_url_rule("/leaf", "leaf", lambda tenant: tenant)
    app.register_blueprint(blueprint)
    assert call_wsgi(app, url, shmetrics.flask) == expected


def view(*args: Any, **kwargs: Any) -> HttpResponse:
    return HttpResponse("view")


urlpatterns = [
    path("", view),
    path("items/<int:item_id>/", view),
    path("inner/<name>/", include([path("leaf", view)])),
    re_path(r"^old/(?P<year>\d+)$", view),
]

DJANGO_CASES = [
    ("/", "/"),
    ("/items/7/", "/items/<int:item_id>/"),
    ("/inner/über/leaf", "/inner/<name>/leaf"),
    ("/old/1999", r"/^old/(?P<year>\d+)$"),
    ("/nowhere", None),
]


@pytest.fixture(scope="module")
def configured() -> None:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="none")
    django.setup()


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("url, expected", DJANGO_CASES)
def test_django_wsgi(url: str, expected: Optional[str]) -> None:
    wire = url.encode().decode("latin-1")
    assert call_wsgi(get_wsgi_application(), wire, shmetrics.django) == expected


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("url, expected", DJANGO_CASES)
def test_django_asgi(
    registry: shmetrics.CollectorRegistry, url: str, expected: Optional[str]
) -> None:
    app = Middleware(
        get_asgi_application(), registry=registry, endpoint=shmetrics.django.route_template
    )
    scope = {"type": "http", "method": "GET", "path": url, "headers": [], "query_string": b""}

    async def main() -> None:
        requests = iter([{"type": "http.request", "body": b""}])

        async def receive() -> Any:
            for message in requests:
                return message
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            pass

        await app(scope, receive, send)

    asyncio.run(main())
    status = "200" if expected else "404"
    assert endpoints(registry) == [(expected or "<unmatched>", status)]
