# SPDX-License-Identifier: MIT
"""twisted - a resource that serves a registry: root.putChild(b"metrics", MetricsResource())"""

from __future__ import annotations

import importlib
from typing import Any

from .exposition import make_wsgi_app
from .registry import REGISTRY, Collector

__all__ = ("MetricsResource",)


def MetricsResource(registry: Collector = REGISTRY) -> Any:
    """Serves a registry from the reactor's threads."""
    # Importing the reactor installs it: only when it is asked for.
    reactor: Any = importlib.import_module("twisted.internet.reactor")
    wsgi: Any = importlib.import_module("twisted.web.wsgi")
    return wsgi.WSGIResource(reactor, reactor.getThreadPool(), make_wsgi_app(registry))
