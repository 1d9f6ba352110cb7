# SPDX-License-Identifier: MIT
"""The layering of the tree: who may include whom.

- collector/ and lib/python/ see only include/shmetrics/ (and their own headers);
- lib/reader*.c see only layout.h, reader.h, types.h, atomics.h, error.h, native.h (the bounds of
  native buckets: constants) and their own header
  (reader_self.c, where reader and writer meet, is the exception);
- lib/text/ sees include/shmetrics/ and itself alone: rendering takes nothing from writers on trust;
- tests/unit may see lib/*.h, everything else in tests/ and bench/ sees include/ alone (and what
  tests/support has for all tests).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
READER_MAY_SEE = {
    "shmetrics/layout.h",
    "shmetrics/reader.h",
    "shmetrics/types.h",
    "atomics.h",
    "error.h",
    "native.h",
    "reader_internal.h",
}


def quoted_includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def own_headers_only(folder: Path, problems: list[str]) -> None:
    """Every file below `folder` includes headers of include/ or of its own tree only."""
    for path in [*folder.rglob("*.c"), *folder.rglob("*.h")]:
        for name in quoted_includes(path):
            if name.startswith("shmetrics/"):
                continue
            if folder.parent.name == "tests" and (folder.parent / "support" / name).is_file():
                continue
            if not any(folder.rglob(Path(name).name)):
                problems.append(f"{path.relative_to(ROOT)}: may not include \"{name}\"")


def main() -> int:
    problems: list[str] = []
    for name in ("collector", "lib/python", "bench", "tests/stress", "tests/hostile", "tests/system"):
        own_headers_only(ROOT / name, problems)
    for path in (ROOT / "lib").glob("reader*.c"):
        if path.name == "reader_self.c":
            continue
        for name in quoted_includes(path):
            if name not in READER_MAY_SEE:
                problems.append(f"{path.relative_to(ROOT)}: the reader may not include \"{name}\"")
    for path in [*(ROOT / "lib" / "text").glob("*.c"), *(ROOT / "lib" / "text").glob("*.h")]:
        for name in quoted_includes(path):
            if not name.startswith(("shmetrics/", "text/")):
                problems.append(f"{path.relative_to(ROOT)}: rendering may not include \"{name}\"")
    for line in problems:
        print(line)
    print(f"includes: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
