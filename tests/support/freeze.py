# SPDX-License-Identifier: MIT
"""freeze - stops single threads of another process, wherever they are, as if the machine had forgotten them

By ptrace: the kernel allows it to the parent (or root), and only the thread that froze may thaw.
"""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from types import TracebackType
from typing import List, Optional, Type

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
DEADLINE = 30.0

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request: int, thread: int) -> None:
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of thread {thread}")


def threads_of(process: int, name: str) -> List[int]:
    folder = Path(f"/proc/{process}/task")
    return sorted(int(t.name) for t in folder.iterdir() if (t / "comm").read_text().strip() == name)


class Frozen:
    """While it lasts, the threads with this name stand still."""

    def __init__(self, process: int, name: str) -> None:
        self.threads = threads_of(process, name)
        assert self.threads, f"process {process} has no thread {name}"

    def freeze(self) -> None:
        for thread in self.threads:
            ptrace(PTRACE_SEIZE, thread)
            ptrace(PTRACE_INTERRUPT, thread)
            os.waitpid(thread, WALL)

    def thaw(self) -> None:
        for thread in self.threads:
            ptrace(PTRACE_DETACH, thread)

    def __enter__(self) -> Frozen:
        self.freeze()
        return self

    def one_computes(self) -> bool:
        """Whether one of them stands outside of the kernel: it was not waiting for anything."""
        return any(
            Path(f"/proc/{thread}/syscall").read_text().startswith("-1 ") for thread in self.threads
        )

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.thaw()


class FrozenIdle(Frozen):
    """Frozen where all of them wait: elsewhere one may hold a lock, and who wants it stands still too."""

    def __enter__(self) -> Frozen:
        deadline = time.monotonic() + DEADLINE
        self.freeze()
        while self.one_computes():
            self.thaw()
            assert time.monotonic() < deadline, f"not idle within {DEADLINE:g} s: {self.threads}"
            time.sleep(0.001)
            self.freeze()
        return self
