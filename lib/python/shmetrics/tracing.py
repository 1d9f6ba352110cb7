# SPDX-License-Identifier: MIT
"""tracing - the trace that is under way, as the labels of an exemplar

Asks OpenTelemetry if the program has imported it, and never imports it itself.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any, Dict, Optional


def is_loaded() -> bool:
    """Whether the program has loaded OpenTelemetry."""
    return "opentelemetry.trace" in sys.modules


def context_variable() -> Optional[ContextVar[Any]]:
    """Where OpenTelemetry keeps its context: while that is empty there is no trace.

    None if it keeps it elsewhere, or in a way that is not known here: then it has to be asked. FastAPI
    loads OpenTelemetry whether it is used or not, so this is what most requests pay for.
    """
    context: Any = sys.modules.get("opentelemetry.context")
    current = getattr(context, "get_current", None)
    if current is None:
        return None
    now = current()
    variable = getattr(getattr(context, "_RUNTIME_CONTEXT", None), "_current_context", None)
    if not isinstance(variable, ContextVar) or not isinstance(now, dict):
        return None
    try:
        return variable if variable.get() is now else None
    except LookupError:
        return None


def exemplar() -> Optional[Dict[str, str]]:
    """{"trace_id": ..., "span_id": ...} of the current span if it is sampled, else None.

    For inc(1, exemplar()) and observe(seconds, exemplar()).
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    context = trace.get_current_span().get_span_context()
    if not context.is_valid or not context.trace_flags.sampled:
        return None
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
