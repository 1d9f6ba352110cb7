# SPDX-License-Identifier: MIT
"""units - numbers as people read them, by Grafana's names of units"""

from __future__ import annotations

from collections.abc import Callable

_SECONDS = (
    (1e-9, "ns"),
    (1e-6, "µs"),
    (1e-3, "ms"),
    (1.0, "s"),
    (60.0, "min"),
    (3600.0, "h"),
    (86400.0, "d"),
)
_BYTES = ((1.0, "B"), (1024.0, "KiB"), (1024.0**2, "MiB"), (1024.0**3, "GiB"))
_THOUSANDS = ((1.0, ""), (1e3, "K"), (1e6, "M"), (1e9, "G"))


def _scaled(value: float, scale: tuple[tuple[float, str], ...], decimals: int | None) -> str:
    """In the largest unit that is not larger than the value."""
    fitting = [one for one in scale if abs(value) >= one[0]] or [scale[0]]
    factor, name = fitting[-1] if value else (1.0, next(text for size, text in scale if size == 1.0))
    number = f"{value / factor:.3g}" if decimals is None else f"{value / factor:.{decimals}f}"
    if "e" in number:
        number = f"{value / factor:.0f}"
    return f"{number} {name}".rstrip()


def _per_second(what: str) -> Callable[[float, int | None], str]:
    return lambda value, decimals: f"{_scaled(value, _THOUSANDS, decimals)} {what}/s"


_FORMS: dict[str, Callable[[float, int | None], str]] = {
    "s": lambda value, decimals: _scaled(value, _SECONDS, decimals),
    "bytes": lambda value, decimals: _scaled(value, _BYTES, decimals),
    "Bps": lambda value, decimals: _scaled(value, _BYTES, decimals) + "/s",
    "percentunit": lambda value, _: f"{100 * value:.3g} %",
    "currencyUSD": lambda value, decimals: f"${value:.{2 if decimals is None else decimals}f}",
    "locale": lambda value, decimals: f"{value:,.{decimals or 0}f}",
    "reqps": _per_second("req"),
    "ops": _per_second("ops"),
    "cps": _per_second("c"),
}


def step_of(greatest: float, unit: str) -> float:
    """Of what the ticks of an axis that goes so far should be multiples."""
    if unit not in {"bytes", "Bps"}:
        return 1.0
    return max(factor for factor, _ in _BYTES if factor <= max(greatest, 1.0))


def text(value: float, unit: str, decimals: int | None = None) -> str:
    """The number with its unit; a unit that is not known here is left out."""
    form = _FORMS.get(unit)
    return form(value, decimals) if form else _scaled(value, _THOUSANDS, decimals)


def ago(milliseconds: float, now: float) -> str:
    """Grafana's dateTimeFromNow."""
    return f"{_scaled(max(0.0, now - milliseconds / 1000), _SECONDS, 0)} ago"
