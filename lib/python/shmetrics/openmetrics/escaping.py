# SPDX-License-Identifier: MIT
"""escaping - names and texts as the text formats write them

A scraper says by `escaping=` in its Accept header what becomes of a name that is not of the older
character set: allow-utf-8 quotes it; underscores, dots and values write it in the older set.
"""

from __future__ import annotations

from typing import Callable

from ..validation import _is_valid_legacy_labelname, _is_valid_legacy_metric_name

ALLOWUTF8 = "allow-utf-8"
UNDERSCORES = "underscores"
DOTS = "dots"
VALUES = "values"


def escape_text(text: str) -> str:
    """For label values, and for HELP in OpenMetrics."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def escape_metric_name(s: str, escaping: str = UNDERSCORES) -> str:
    """The name of a family or sample; quoted if it must be."""
    return _escape_name(s, escaping, _is_valid_legacy_metric_name, _is_metric_character)


def escape_label_name(s: str, escaping: str = UNDERSCORES) -> str:
    """The name of a label; quoted if it must be."""
    return _escape_name(s, escaping, _is_valid_legacy_labelname, _is_label_character)


def _escape_name(
    name: str,
    escaping: str,
    is_legacy: Callable[[str], bool],
    keeps: Callable[[str, int], bool],
) -> str:
    if not name or escaping != DOTS and is_legacy(name):
        return name
    if escaping == ALLOWUTF8:
        return f'"{escape_text(name)}"'
    if escaping == UNDERSCORES:
        return "".join(c if keeps(c, i) else "_" for i, c in enumerate(name))
    if escaping == DOTS:
        return "".join(_dots(c, keeps(c, i)) for i, c in enumerate(name))
    if escaping == VALUES:
        return "U__" + "".join(_values(c, keeps(c, i)) for i, c in enumerate(name))
    return name


def _is_label_character(character: str, position: int) -> bool:
    return character.isascii() and (
        character.isalpha() or character == "_" or character.isdigit() and position > 0
    )


def _is_metric_character(character: str, position: int) -> bool:
    return character == ":" or _is_label_character(character, position)


def _dots(character: str, kept: bool) -> str:
    if character == ".":
        return "_dot_"
    return character if kept and character != "_" else "__"


def _values(character: str, kept: bool) -> str:
    if character == "_":
        return "__"
    if kept:
        return character
    if "\ud800" <= character <= "\udfff":
        return "_FFFD_"
    return f"_{ord(character):x}_"
