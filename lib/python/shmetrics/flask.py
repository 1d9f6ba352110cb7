# SPDX-License-Identifier: MIT
"""flask - the route template of a request, from what Flask leaves in the WSGI environment

app.wsgi_app = Middleware(app.wsgi_app, endpoint=shmetrics.flask.route_template). Imports it not.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional


def route_template(environ: Mapping[str, Any]) -> Optional[str]:
    """Such as "/items/<int:item_id>"; None if no route matched.

    Flask takes it away when the request is over: ask when the answer starts.
    """
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    template = getattr(rule, "rule", None)
    return template if isinstance(template, str) else None
