# SPDX-License-Identifier: MIT
"""python_record.py - what does recording cost in Python?

Compared with an empty C method: a method of a C type that returns None at once, of the same calling
convention as the method in question (found out from the method's own flags). And with
prometheus_client in its multiprocess mode, its files on tmpfs like our segment
(BENCH_MULTIPROC_DIR).
"""

from __future__ import annotations

import ctypes
import os
from statistics import median
from typing import Any

from harness import Case, emit, fail, is_quick, pin, side_by_side

# Read by prometheus_client when it is imported.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ["BENCH_MULTIPROC_DIR"]

import emptyext  # noqa: E402
import prometheus_client  # noqa: E402
import shmetrics  # noqa: E402

LABEL_NAMES = ["method", "endpoint", "status_code"]
LABEL_VALUES = ("GET", "/api/v1/items/{item_id}", "200")
# The objects that the series was first looked up with, and equal ones that are others.
SAME = dict(zip(("m", "e", "s"), LABEL_VALUES, strict=True))
EQUAL = {name: "".join(list(value)) for name, value in SAME.items()}

METH_VARARGS, METH_KEYWORDS, METH_NOARGS, METH_O, METH_FASTCALL = 0x1, 0x2, 0x4, 0x8, 0x80
EMPTY_OF_FLAGS = {
    METH_NOARGS: "noargs()",
    METH_O: "one({})",
    METH_FASTCALL: "fast({})",
    METH_FASTCALL | METH_KEYWORDS: "fast_keywords({})",
    METH_VARARGS | METH_KEYWORDS: "tuple_keywords({})",
}


class _MethodDef(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int)]


class _MethodDescriptor(ctypes.Structure):
    """CPython's PyMethodDescrObject."""

    _fields_ = [
        ("object", ctypes.c_char * object.__basicsize__),
        ("type", ctypes.c_void_p),
        ("method_name", ctypes.c_void_p),
        ("qualified_name", ctypes.c_void_p),
        ("method", ctypes.POINTER(_MethodDef)),
    ]


def empty_call(owner: object, method: str, argument: str) -> str:
    """The call of the empty method that has the calling convention of owner.method."""
    descriptor = getattr(type(owner), method)
    if type(descriptor).__name__ != "method_descriptor":
        fail(f"{type(owner).__name__}.{method} is no C method but {type(descriptor).__name__}")
    flags = _MethodDescriptor.from_address(id(descriptor)).method.contents.flags
    if flags not in EMPTY_OF_FLAGS:
        fail(f"{type(owner).__name__}.{method}: no empty method has the flags {flags:#x}")
    return EMPTY_OF_FLAGS[flags].format(argument)


def instruments(module: Any) -> dict[str, Any]:
    counter = module.Counter("bench_plain", "A counter.")
    labelled = module.Counter("bench_labelled", "A counter with labels.", LABEL_NAMES)
    gauge = module.Gauge("bench_level", "A gauge.", multiprocess_mode="livesum")
    histogram = module.Histogram("bench_duration_seconds", "Durations.")
    durations = module.Histogram("bench_labelled_seconds", "Durations with labels.", LABEL_NAMES)
    return {"c": counter, "l": labelled, "g": gauge, "h": histogram, "d": durations}


# How many times faster than prometheus_client we are to be.
TARGETS = {"c.inc()": 60, "l.labels(m, e, s).inc()": 40, "d.labels(m, e, s).observe(0.02)": 40}
CALLS = {
    "c.inc()": {},
    "c.inc(2.5)": {},
    "g.set(7.0)": {},
    "g.inc()": {},
    "h.observe(0.02)": {},
    "l.labels(m, e, s)": SAME,
    "l.labels(m, e, s).inc()": SAME,
    "l.labels(m, e, s).inc(), other objects": EQUAL,
    "d.labels(m, e, s).observe(0.02)": SAME,
}


def cases_of(package: str, owners: dict[str, Any]) -> dict[str, Case]:
    return {
        call: Case(f"{package}: {call}", call.partition(", other")[0], {**owners, **values})
        for call, values in CALLS.items()
    }


def floors(ours: dict[str, Any]) -> tuple[Case, Case, Case]:
    """The empty methods with the calling conventions of inc(), observe(v) and labels(m, e, s)."""
    empty = {"x": emptyext.Empty(), **SAME}
    return (
        Case("empty method, as c.inc()", "x." + empty_call(ours["c"], "inc", ""), empty),
        Case("empty method, as h.observe(v)", "x." + empty_call(ours["h"], "observe", "0.02"), empty),
        Case(
            "empty method, as l.labels(m, e, s)",
            "x." + empty_call(ours["l"], "labels", "m, e, s"),
            empty,
        ),
    )


def main() -> None:
    pin(os.getpid())
    ours = instruments(shmetrics)
    theirs = instruments(prometheus_client)
    for owners in (ours, theirs):
        for labelled in ("l", "d"):
            owners[labelled].labels(*LABEL_VALUES)

    mine = cases_of("shmetrics", ours)
    peer = cases_of("prometheus_client", theirs)
    empty_inc, empty_observe, empty_labels = floors(ours)
    cases = [empty_inc, empty_observe, empty_labels, *mine.values(), *peer.values()]
    side_by_side(cases, rounds=21 if is_quick() else 61, block_ns=1e6)

    for case in cases:
        emit(case.name, case.ns, "ns")
    emit("c.inc() / empty method", mine["c.inc()"].ratio(empty_inc), "x", at_most=1.3)
    emit("h.observe(v) / empty method", mine["h.observe(0.02)"].ratio(empty_observe), "x")
    both = zip(
        mine["l.labels(m, e, s).inc()"].rounds, empty_labels.rounds, empty_inc.rounds, strict=True
    )
    ratio = median(call / (labels + inc) for call, labels, inc in both)
    emit("l.labels(m, e, s).inc() / both empty methods", ratio, "x", at_most=2)
    for call, case in peer.items():
        ratio, target = case.ratio(mine[call]), TARGETS.get(call)
        emit(f"prometheus_client / ours: {call}", ratio, "x", at_least=target)


if __name__ == "__main__":
    main()
