# SPDX-License-Identifier: MIT
"""django - the route template of a request, from Django's URL configuration

    application = Middleware(get_wsgi_application(), endpoint=shmetrics.django.route_template)

The same for get_asgi_application() and the middleware of shmetrics.asgi.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional

from django.urls import Resolver404, resolve


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
