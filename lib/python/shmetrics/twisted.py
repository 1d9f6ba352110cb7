# SPDX-License-Identifier: MIT
"""twisted - a resource that serves a registry: root.putChild(b"metrics", MetricsResource())"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor  # type: ignore[import-not-found, unused-ignore]
from twisted.web.wsgi import WSGIResource  # type: ignore[import-not-found, unused-ignore]

from .exposition import make_wsgi_app
from .registry import REGISTRY, Collector

__all__ = ("MetricsResource",)


def MetricsResource(registry: Collector = REGISTRY) -> Any:
    """Serves a registry from the reactor's threads."""
    loop: Any = reactor
    resource: Any = WSGIResource
    return resource(loop, loop.getThreadPool(), make_wsgi_app(registry))
