# SPDX-License-Identifier: MIT
"""django - the route template of a request, and a view that serves a registry

    application = Middleware(get_wsgi_application(), endpoint=shmetrics.django.route_template)
    urlpatterns = [path("metrics", PrometheusDjangoView.as_view())]

The Middleware is that of shmetrics.wsgi, or that of shmetrics.asgi around get_asgi_application().
"""

from __future__ import annotations

from typing import Any, Mapping, Optional

from django.http import HttpResponse
from django.urls import Resolver404, resolve
from django.views import View

from .registry import REGISTRY, Collector
from .rendering import bake_output

__all__ = ("PrometheusDjangoView", "route_template")


def route_template(scope: Mapping[str, Any]) -> Optional[str]:
    """Such as "/items/<int:item_id>/"; None if no route matched.

    scope: WSGI's environment or an ASGI scope. Django leaves nothing in them, so the path is looked
    up again in ROOT_URLCONF.
    """
    if "PATH_INFO" in scope:
        # As Django decodes it.
        path = scope["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    else:
        path = scope["path"]
        root = scope.get("root_path", "")
        if root and path.startswith(root):
            path = path[len(root) :]
    try:
        return f"/{resolve(path or '/').route}"
    except Resolver404:
        return None


class PrometheusDjangoView(View):  # type: ignore[misc]
    """Serves REGISTRY, the whole segment, or the registry given to as_view().

    multiprocess_mode is there for prometheus_client's sake: it makes no difference.
    """

    multiprocess_mode: bool = False
    registry: Optional[Collector] = None

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        status, headers, body = bake_output(
            REGISTRY if self.registry is None else self.registry,
            request.headers.get("Accept"),
            request.headers.get("Accept-Encoding"),
            dict(request.GET.lists()),
            False,
        )
        return HttpResponse(body, status=int(status[:3]), headers=dict(headers))

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(headers={"Allow": "OPTIONS,GET"})
