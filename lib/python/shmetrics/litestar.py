# SPDX-License-Identifier: MIT
"""litestar - the route template of a request, from what Litestar leaves in its scope

app = Middleware(Litestar(...), endpoint=shmetrics.litestar.route_template). Imports it not.
"""

from __future__ import annotations

from typing import Any, MutableMapping, Optional


def route_template(scope: MutableMapping[str, Any]) -> Optional[str]:
    """Such as "/items/{item_id}"; None if no route matched."""
    template = scope.get("path_template")
    return template if isinstance(template, str) else None
