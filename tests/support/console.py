# SPDX-License-Identifier: MIT
"""console - runs what a document quotes from a terminal, and says where it is no longer true

A block marked `console` holds commands, after "$ " (and "> " where they go on), and below each what it
said, standard output and standard error together. "..." stands for what differs from run to run: within a
line for some of it, alone on a line for any lines. The blocks of a section (from heading to heading) are
one session of bash in a folder of its own:

    a command                   runs to its end; what it said is all that is quoted. One that only looks
                                (curl, promtool query, ...) is asked again until it says so
    a command with " &"         goes on until the section ends; what is quoted is how it begins
    a command, "^C" below       is interrupted when it has said what is quoted above the "^C"

/dev/shm in a document is a folder of the session's own there, and each port is another, free one.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Type

DEADLINE = 60.0
LOOKS = ("curl ", "promtool query ", "amtool alert query", "shmetrics ls", "shmetrics dump ")

_FENCE = re.compile(r" *```(\w*)")
_PORT = re.compile(r"(?:(?<=127\.0\.0\.1:)|(?<=localhost:)|(?<=--port ))\d{4,5}\b")


@dataclass
class Step:
    """A command and what it says."""

    command: str
    said: List[str] = field(default_factory=list)


@dataclass
class Section:
    """The steps below a heading."""

    heading: str
    steps: List[Step]


def sections(text: str) -> List[Section]:
    """Those of a document that have a block to run."""
    found = [Section("", [])]
    block: List[str] = []
    language: Optional[str] = None  # of the block that we are in
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if fence and language is None:
            language, block = fence.group(1), []
        elif fence:
            if language == "console":
                found[-1].steps += _steps(block)
            language = None
        elif language is not None:
            block.append(line)
        elif line.startswith("#"):
            found.append(Section(line.strip("# "), []))
    return [section for section in found if section.steps]


def _steps(block: List[str]) -> Iterator[Step]:
    step: Optional[Step] = None
    for line in block:
        if line.startswith("$ "):
            if step:
                yield step
            step = Step(line[2:])
        elif step is None:
            raise ValueError(f"no command before {line!r}")
        elif line.startswith("> ") and not step.said:
            step.command += "\n" + line[2:]
        else:
            step.said.append(line)
    if step:
        yield step


def pattern(said: List[str]) -> str:
    """The regular expression for what is quoted."""
    lines = ("(?:.*\n)*" if line == "..." else _line(line) + "\n" for line in said)
    return "".join(lines)


def _line(line: str) -> str:
    return ".*".join(re.escape(piece) for piece in line.split("..."))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Session:
    """A bash in a folder with a link to `examples`; a context manager that ends all it has started."""

    def __init__(self, environment: Mapping[str, str], examples: Path) -> None:
        self._cleanup = contextlib.ExitStack()
        self.folder = Path(self._temporary(None))
        (self.folder / "examples").symlink_to(examples)
        self._segments = self._temporary("/dev/shm")
        self._ports: Dict[str, str] = {}
        self._count = 0
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self.folder,
            env={**environment, "SHMETRICS_DIR": self._segments, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        self._write("set -m")

    def _temporary(self, place: Optional[str]) -> str:
        return self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="console.", dir=place))

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + 10
            while (left := self._processes()) and time.monotonic() < end:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                        os.kill(pid, signal.SIGCONT)
                time.sleep(0.02)
        self._bash.kill()
        self._bash.wait()
        self._cleanup.close()

    def _processes(self) -> List[int]:
        """Those of the session, but for bash itself."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self._bash.pid and fields[0] != "Z":
                    found.append(int(stat.parent.name))
        return [pid for pid in found if pid != self._bash.pid]

    def _write(self, line: str) -> None:
        assert self._bash.stdin
        self._bash.stdin.write(line + "\n")
        self._bash.stdin.flush()

    def _inward(self, command: str) -> str:
        def other(match: re.Match[str]) -> str:
            port = match.group()
            if int(port) > 65535:
                return port
            return self._ports.setdefault(port, str(free_port()))

        return _PORT.sub(other, command).replace("/dev/shm", self._segments)

    def _outward(self, text: str) -> str:
        for ours, theirs in self._ports.items():
            text = re.sub(rf"\b{theirs}\b", ours, text)
        return text.replace(self._segments, "/dev/shm")

    def run(self, step: Step) -> None:
        """Runs a command; AssertionError if it does not say what is quoted."""
        if step.command.endswith(" &"):
            output, _ = self._start(step.command.removesuffix(" &"), "&")
            self._poll(lambda: self._says(output, step.said, whole=False), step, output)
        elif "^C" in step.said:
            self._interrupt(step)
        else:
            self._look(step)

    def _look(self, step: Step) -> None:
        end = time.monotonic() + DEADLINE
        while True:
            output, status = self._start(step.command, ";")
            self._poll(status.exists, step, output)
            if self._says(output, step.said):
                return
            if not step.command.startswith(LOOKS) or time.monotonic() > end:
                raise AssertionError(self._complaint(step, output))
            time.sleep(0.1)

    def _interrupt(self, step: Step) -> None:
        before = step.said[: step.said.index("^C")]
        output, status = self._start(step.command, "&")
        self._poll(lambda: self._says(output, before, whole=False), step, output)
        self._write(f"kill -INT %%; wait %%; echo >{status}")
        self._poll(status.exists, step, output)
        if not self._says(output, [line for line in step.said if line != "^C"]):
            raise AssertionError(self._complaint(step, output))

    def _start(self, command: str, how: str) -> Tuple[Path, Path]:
        """Where what it says goes, and the file that is there when it has ended (";")."""
        self._count += 1
        output, status = (self.folder.parent / f"{self.folder.name}.{kind}{self._count}" for kind in "os")
        for path in (output, status):
            self._cleanup.callback(path.unlink, missing_ok=True)
        command = self._inward(command)
        if how == "&":
            self._write(f"{command} >{output} 2>&1 </dev/null &")
        else:
            self._write(f"{{ {command}\n}} >{output} 2>&1 </dev/null; echo >{status}")
        return output, status

    def _says(self, output: Path, said: List[str], whole: bool = True) -> bool:
        wanted = re.compile(pattern(said))
        text = self._outward(output.read_text(errors="replace")) if output.exists() else ""
        if whole and text and not text.endswith("\n"):
            text += "\n"  # as a terminal's next line would be
        return bool(wanted.fullmatch(text) if whole else wanted.match(text))

    def _poll(self, fact: Callable[[], bool], step: Step, output: Path) -> None:
        end = time.monotonic() + DEADLINE
        while not fact():
            if time.monotonic() > end:
                raise AssertionError(f"not within {DEADLINE:.0f} s: " + self._complaint(step, output))
            time.sleep(0.01)

    def _complaint(self, step: Step, output: Path) -> str:
        text = self._outward(output.read_text(errors="replace")) if output.exists() else ""
        return f"$ {step.command}\nis quoted as\n" + "\n".join(step.said) + f"\nand says\n{text}"
