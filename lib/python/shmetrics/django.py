# SPDX-License-Identifier: MIT
"""django - a view that serves a registry: path("metrics", PrometheusDjangoView.as_view())"""

from __future__ import annotations

from typing import Any, Optional

from django.http import HttpResponse  # type: ignore[import-not-found, import-untyped, unused-ignore]
from django.views import View  # type: ignore[import-not-found, import-untyped, unused-ignore]

from .registry import REGISTRY, Collector
from .rendering import bake_output

__all__ = ("PrometheusDjangoView",)


class PrometheusDjangoView(View):  # type: ignore[misc, unused-ignore]
    """Serves REGISTRY, the whole segment, or the registry given to as_view().

    multiprocess_mode is there for prometheus_client's sake: it makes no difference.
    """

    multiprocess_mode: bool = False
    registry: Optional[Collector] = None

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        _, headers, body = bake_output(
            REGISTRY if self.registry is None else self.registry,
            request.headers.get("Accept"),
            request.headers.get("Accept-Encoding"),
            dict(request.GET.lists()),
            False,
        )
        return HttpResponse(body, headers=dict(headers))

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(headers={"Allow": "OPTIONS,GET"})
