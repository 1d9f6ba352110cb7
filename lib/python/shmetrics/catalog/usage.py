# SPDX-License-Identifier: MIT
"""usage - the token counts that language models report, of OpenAI's form and of Anthropic's"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

# Anthropic counts what it read from its cache, or wrote into it, apart.
_PROMPT = ("prompt_tokens",), (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
_COMPLETION = ("completion_tokens",), ("output_tokens",)


def usage_of(usage: Any) -> Tuple[Optional[int], Optional[int]]:
    """The prompt's tokens and the completion's, of an object or a mapping; None where it is silent."""
    return _sum(usage, _PROMPT), _sum(usage, _COMPLETION)


def _sum(usage: Any, spellings: Tuple[Tuple[str, ...], ...]) -> Optional[int]:
    for names in spellings:
        counts = [count for count in (_get(usage, name) for name in names) if count is not None]
        if counts:
            return sum(counts)
    return None


def _get(usage: Any, name: str) -> Optional[int]:
    value = usage.get(name) if isinstance(usage, Mapping) else getattr(usage, name, None)
    # What a remote says is not to be trusted: a counter refuses anything but a number from 0 on.
    return value if type(value) is int and value >= 0 else None
