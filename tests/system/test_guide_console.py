# SPDX-License-Identifier: MIT
"""test_guide_console - what the guide quotes from a terminal is what the programs say today, word for word"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from command import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))
import console  # noqa: E402

GUIDE = ROOT / "deployment" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))
EXAMPLES = GUIDE / "examples"


def environment() -> dict[str, str]:
    """Ours, with the programs of the build and the Python of the tests before all others."""
    programs = [BUILD / "collector", BUILD / "collector" / "tool", BUILD / "tests" / "support"]
    path = [*map(str, programs), str(Path(sys.executable).parent), os.environ["PATH"]]
    ours = ("SHMETRICS_", "PYTEST")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PATH": ":".join(path), "PYTHONDONTWRITEBYTECODE": "1"}


def quoted() -> list[Any]:
    return [
        pytest.param(section, id=f"{page.stem}: {section.heading}")
        for page in PAGES
        for section in console.sections(page.read_text())
    ]


def run(section: console.Section) -> None:
    with console.Session(environment(), EXAMPLES) as session:
        for step in section.steps:
            session.run(step)


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[None]]]:
    """The sections that are tested, side by side: they wait more than they work."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        started = {}
        for item in request.session.items:
            if getattr(item, "originalname", "") == test_the_programs_say_what_is_quoted.__name__:
                section = item.callspec.params["section"]  # type: ignore[attr-defined]
                started[item.nodeid] = pool.submit(run, section)
        yield started


@pytest.mark.parametrize("section", quoted())
def test_the_programs_say_what_is_quoted(
    section: console.Section, running: dict[str, Future[None]], request: pytest.FixtureRequest
) -> None:
    running[request.node.nodeid].result()


DOCUMENT = """
# One

```console
$ echo $((1 + 1)) times; false
2 times
$ sleep 100 &
$ kill %1; echo ended
ended
```

```text
$ not run
```

# Two

```console
$ python3 -c 'import signal; print("1 of 2", flush=True); signal.pause()'
1 of ...
^C
...
KeyboardInterrupt
$ echo 127.0.0.1:9798 in /dev/shm
127.0.0.1:9798 in /dev/shm
$ printf '# not a heading'
# not a heading
$ cat <<END
> one
> END
one
```
"""


def test_a_console_runs_each_section_by_itself() -> None:
    found = console.sections(DOCUMENT)
    assert [(one.heading, len(one.steps)) for one in found] == [("One", 3), ("Two", 4)]
    for one in found:
        run(one)


@pytest.mark.parametrize("said", [["2"], ["1", "2"], ["1 ..."], []])
def test_a_console_finds_what_is_not_said(said: list[str]) -> None:
    with console.Session(environment(), EXAMPLES) as session:
        with pytest.raises(AssertionError, match="is quoted as"):
            session.run(console.Step("echo 1", said))
