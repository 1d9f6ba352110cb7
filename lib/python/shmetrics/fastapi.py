# SPDX-License-Identifier: MIT
"""fastapi - the route template of a request, from what FastAPI and Starlette leave in its scope

Imports neither. The template is known once the router has run, so ask when the response starts.
"""

from __future__ import annotations

from typing import Any, Iterable, MutableMapping, Optional

Scope = MutableMapping[str, Any]


def route_template(scope: Scope) -> Optional[str]:
    """Such as "/items/{item_id}", below the path of its mounts; None if no route matched.

    What is served below a mount that has no routes of its own (static files) is "<mount>/{path}".
    Below no mount the route and its context alone decide, which ext/http_route.c relies on.
    """
    path = _path_of(scope.get("route"), scope)
    if path is None:
        path = _path_of_endpoint(scope)
    mount = _mount_template(scope, path or "")
    if path is not None and mount is not None:
        return mount + path
    # A mounted application answered, but none of its routes.
    return mount + "/{path}" if mount else None


def _route_context(scope: Scope) -> Any:
    """FastAPI keeps the prefix of include_router() beside the route."""
    details = scope.get("fastapi")
    return details.get("effective_route_context") if isinstance(details, dict) else None


def _path_of(route: Any, scope: Scope) -> Optional[str]:
    """The path of a route, unless it is a mount, which says nothing of the routes below it."""
    if route is None or hasattr(route, "app") and not hasattr(route, "endpoint"):
        return None
    context = _route_context(scope)
    if context is not None and getattr(context, "original_route", None) is route:
        for holder in (getattr(context, "starlette_route", None), context):
            if path := _text(holder, "path"):
                return path
    return _text(route, "path")


def _text(holder: Any, attribute: str) -> Optional[str]:
    value = getattr(holder, attribute, None)
    return str(value) if isinstance(value, str) else None


def _mount_template(scope: Scope, path: str) -> Optional[str]:
    """What the mounts took off the path, parameters as {name}; None if they cannot be told apart."""
    outer = scope.get("app_root_path")
    root = scope.get("root_path", "")
    if not isinstance(outer, str) or not root.startswith(outer) or root == outer:
        return ""
    mount: str = root[len(outer) :] + "/"
    for name, value in (scope.get("path_params") or {}).items():
        if "{" + name + "}" in path or "{" + name + ":" in path:
            continue
        # A parameter that the route itself does not have is one of a mount.
        text = f"/{value}/"
        if text not in mount:
            return None
        mount = mount.replace(text, "/{" + name + "}/", 1)
    return mount[:-1]


def _path_of_endpoint(scope: Scope) -> Optional[str]:
    """Older versions of Starlette leave the endpoint only: look for its route."""
    endpoint = scope.get("endpoint")
    router = scope.get("router")
    if endpoint is None or router is None or "route" in scope:
        return None
    path = scope.get("path", "")
    root = scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :]
    return _search(getattr(router, "routes", ()), endpoint, path)


def _search(routes: Iterable[Any], endpoint: Any, path: str) -> Optional[str]:
    for route in routes:
        if getattr(route, "endpoint", None) is endpoint:
            regex = getattr(route, "path_regex", None)
            if regex is None or regex.match(path):
                return _text(route, "path")
        below = _search(getattr(route, "routes", None) or (), endpoint, path)
        if below is not None:
            return below
    return None
