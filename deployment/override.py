#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""override - a configuration of Prometheus or Alertmanager with changes, and with its time made shorter

    override.py prometheus/prometheus.yml prometheus/discovery-http.yml --faster 30 --output /tmp/try

Writes the configuration, changed, and the files it names by a relative path (rules, templates, targets)
into a folder. A change is a YAML file with the same keys: mappings are merged, lists of things with a name
(`job_name`, `name`) by that name, whatever else is replaced. --faster N divides every duration: intervals,
`for`, the ranges in expressions. No interval becomes shorter than a second, and no range shorter than five,
for a rate needs some scrapes. Needs PyYAML (Debian: python3-yaml).
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import yaml
except ModuleNotFoundError:
    sys.exit("override: PyYAML is missing; on Debian: apt-get install python3-yaml")

LEAST_INTERVAL_MS = 1_000
LEAST_TIMEOUT_MS = 900  # no longer than the interval, and enough for a busy machine
LEAST_RANGE_MS = 5_000
# What in these configurations is a duration.
DURATIONS = re.compile(r"for|keep_firing_for|interval|.*_interval|.*_wait|.*_timeout|.*_deadline")
INTERVALS = re.compile(r"interval|(scrape|evaluation|group|refresh)_interval")
TIMEOUTS = re.compile(r".*_timeout")
NAMES = ("job_name", "name")
FILES = ("rule_files", "templates", "files")  # keys whose lists name files
UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

_PART = re.compile(r"(\d+)(ms|[smhdw])")
_DURATION = rf"(?:{_PART.pattern})+"
# A text, which is left alone; a range, a subquery with or without its step; an offset.
_IN_EXPRESSION = re.compile(
    r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|"
    rf"\[\s*(?P<range>{_DURATION})(?P<step>:[^\]]*)?\s*\]|\boffset\s+(?P<offset>{_DURATION})"
)

Json = Any


class Wrong(Exception):
    """What was asked for cannot be done; the message names the file and the rule."""


def milliseconds(duration: str) -> int:
    """The length of a duration such as 1m30s."""
    return sum(int(number) * UNITS_MS[unit] for number, unit in _PART.findall(duration))


def duration(length_ms: float) -> str:
    """The text of a length, in whole seconds where it has some."""
    whole = max(1, round(length_ms))
    return f"{whole // 1000}s" if whole % 1000 == 0 else f"{whole}ms"


def merge(base: Json, change: Json) -> Json:
    """The base with the change in it."""
    if isinstance(base, dict) and isinstance(change, dict):
        merged = dict(base)
        for key, value in change.items():
            merged[key] = merge(base[key], value) if key in base else value
        return merged
    name = _common_name(base, change)
    if name:
        changed = {item[name]: item for item in change}
        kept = [changed.pop(item[name], item) for item in base]
        return [*kept, *changed.values()]
    return change


def _common_name(base: Json, change: Json) -> str | None:
    """The key by which the items of two lists are known."""
    if not (isinstance(base, list) and isinstance(change, list)):
        return None
    for name in NAMES:
        if all(isinstance(item, dict) and name in item for item in [*base, *change]):
            return name
    return None


def shorten_expression(expression: str, factor: float) -> str:
    """An expression with its ranges and offsets divided."""

    def shorter(found: re.Match[str]) -> str:
        if found["offset"]:
            return f"offset {duration(milliseconds(found['offset']) / factor)}"
        if not found["range"]:
            return found[0]
        length_ms = milliseconds(found["range"])
        shortest_ms = min(length_ms, LEAST_RANGE_MS)
        step = f":{duration(LEAST_INTERVAL_MS)}" if found["step"] else ""
        return f"[{duration(max(length_ms / factor, shortest_ms))}{step}]"

    return _IN_EXPRESSION.sub(shorter, expression)


def shorten(value: Json, factor: float) -> Json:
    """A configuration, or a file of rules, with all its durations divided."""
    if isinstance(value, list):
        return [shorten(item, factor) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _shorten_entry(str(key), entry, factor) for key, entry in value.items()}


def _shorten_entry(key: str, value: Json, factor: float) -> Json:
    if key == "expr" and isinstance(value, str):
        return shorten_expression(value, factor)
    if isinstance(value, str) and DURATIONS.fullmatch(key) and re.fullmatch(_DURATION, value):
        shortest_ms = LEAST_INTERVAL_MS if INTERVALS.fullmatch(key) else 0
        shortest_ms = LEAST_TIMEOUT_MS if TIMEOUTS.fullmatch(key) else shortest_ms
        length_ms = max(milliseconds(value) / factor, shortest_ms)
        return duration(min(length_ms, milliseconds(value)))
    return shorten(value, factor)


def named_files(value: Json) -> list[str]:
    """The relative paths and patterns of files in a configuration."""
    found: list[str] = []
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        if key in FILES:
            found += [path for path in entry if not Path(path).is_absolute()]
        elif isinstance(entry, (dict, list)):
            found += named_files(entry)
    return found


def read(path: Path) -> Json:
    """A file's YAML. Fails: Wrong."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise Wrong(f"{path}: not YAML: {error}") from error
    if not isinstance(content, (dict, list)):
        raise Wrong(f"{path}: neither a mapping nor a list")
    return content


def write(path: Path, content: Json) -> None:
    """The YAML of something that has been read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, width=100), encoding="utf-8")


def copy_files(config: Json, source: Path, target: Path, change: Callable[[Json], Json]) -> None:
    """What the configuration names: YAML changed, anything else as it is. Fails: Wrong."""
    for pattern in named_files(config):
        paths = sorted(source.glob(pattern))
        if not paths:
            raise Wrong(f"{source / pattern}: the configuration names it, and there is no such file")
        for path in paths:
            copy = target / path.relative_to(source)
            if path.suffix in (".yml", ".yaml"):
                write(copy, change(read(path)))
            else:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())


def override(config: Path, changes: list[Path], faster: float, output: Path) -> Path:
    """Does it, and returns the path of the configuration that was written. Fails: Wrong."""
    if faster < 1:
        raise Wrong(f"--faster {faster:g}: time can be made shorter only, by a factor of 1 or more")
    if output.resolve() == config.parent.resolve():
        raise Wrong(f"--output {output}: that is where {config.name} itself is")
    content = read(config)
    for change in changes:
        content = merge(content, read(change))

    def shorter(value: Json) -> Json:
        return shorten(value, faster) if faster > 1 else value

    copy_files(content, config.parent, output, shorter)
    write(output / config.name, shorter(content))
    return output / config.name


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, help="prometheus.yml or alertmanager.yml")
    parser.add_argument("changes", type=Path, nargs="*", help="files with what is to be different")
    parser.add_argument("--faster", type=float, default=1, metavar="N", help="divide every duration by N")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write into")
    options = parser.parse_args()
    try:
        print(override(options.config, options.changes, options.faster, options.output))
    except Wrong as error:
        print(f"override: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
