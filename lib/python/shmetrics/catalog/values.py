# SPDX-License-Identifier: MIT
"""values - label values that come from outside the code, and how many of them there may be"""

from __future__ import annotations

from typing import Dict

OTHER = "<other>"
VALUE_MAX = 100  # characters


class LabelValues:
    """Lets the first `limit` values through; every later one becomes OTHER. Of this process alone.

    Safe in threads: at worst a few more than the limit pass.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: Dict[str, str] = {}

    def __call__(self, value: object) -> str:
        text = str(value)
        found = self._known.get(text)  # labels() is fastest with the very object it had before
        if found is None:
            if len(self._known) >= self._limit:
                return OTHER
            found = self._known[text] = text[:VALUE_MAX]
        return found


_error_types = LabelValues(100)


def error_type(error: object) -> str:
    """The name of an exception's class, or the text that was given."""
    if isinstance(error, BaseException):
        error = type(error).__name__
    return _error_types(error)
