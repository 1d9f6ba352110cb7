# SPDX-License-Identifier: MIT
"""What an unmodified prometheus_client does after `import shmetrics.bridge`. Each test is a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import Run

# What every program begins with; sample(text, name) is the value of the line that begins with name.
BEGIN = """
import os, re, sys
import shmetrics.bridge
import prometheus_client
from prometheus_client import *
from prometheus_client import multiprocess, values

def in_child(function):
    pid = os.fork()
    if pid == 0:
        function()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    return pid

def served(registry=REGISTRY):
    return generate_latest(registry).decode()

def multiprocess_served():
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return served(registry)

def lines_of(text):
    # With the labels in the order of their names.
    ordered = lambda match: "{" + ",".join(sorted(match[1].split(","))) + "}"
    return [re.sub(r"\\{(.*)\\}", ordered, line) for line in text.splitlines()]

def fails(error, function, *arguments, **keywords):
    try:
        function(*arguments, **keywords)
    except error as raised:
        return str(raised)
    raise AssertionError("nothing was raised")
"""


def program(code: str) -> str:
    return BEGIN + code


def test_every_kind_is_served_with_the_records_of_all_processes(run: Run) -> None:
    code = """
counter = Counter("c", "A counter.", ["method"])
gauge = Gauge("g", "A gauge.", multiprocess_mode="livesum")
histogram = Histogram("h_seconds", "A histogram.", ["path"], unit="seconds", buckets=[1, 2])
summary = Summary("s", "A summary.")
info = Info("build", "An info.")
enum = Enum("state", "An enum.", states=["off", "on"])

def work():
    counter.labels("GET").inc()
    counter.labels(method="GET").inc(2)
    gauge.inc(4)
    histogram.labels("/").observe(1.5)
    summary.observe(2)
    info.info({"version": "1"})
    enum.state("on")
    Counter("late", "Defined in a child only.").inc()

in_child(work)
counter.labels("GET").inc(3)
gauge.inc(1)
histogram.labels("/").observe(0.5)
summary.observe(3)
enum.state("on")
for text in served(), multiprocess_served():
    lines = lines_of(text)
    for line in (
        'c_total{method="GET"} 6.0', "g 1.0",
        'h_seconds_bucket{le="1.0",path="/"} 1.0', 'h_seconds_bucket{le="+Inf",path="/"} 2.0',
        'h_seconds_sum{path="/"} 2.0', 'h_seconds_count{path="/"} 2.0', "s_count 2.0", "s_sum 5.0",
        'build_info{version="1"} 1.0', 'state{state="on"} 1.0', 'state{state="off"} 0.0', "late_total 1.0",
        "# HELP c_total A counter.", "# TYPE state gauge",
    ):
        assert lines.count(line) == 1, (line, text)
assert "python_info" in served() and "python_info" not in multiprocess_served()
"""
    run(program(code))


def test_other_registries_stay_private_and_do_not_clash(run: Run) -> None:
    code = """
own = CollectorRegistry()
Counter("c", "The application's.").inc()
private = Counter("c", "Another.", ["label"], registry=own)
private.labels("x").inc(5)
in_child(lambda: private.labels("x").inc(5))
assert 'c_total{label="x"} 5.0' in served(own)
assert "c_total 1.0" in served() and "label" not in served()
assert "label" not in multiprocess_served()
"""
    run(program(code))


def test_multiprocess_mode_records_every_registry_and_writes_no_file(run: Run, tmp_path: Path) -> None:
    code = """
assert values.get_value_class() is values.MultiProcessValue(lambda: 7) is values.MutexValue
own = CollectorRegistry()
one = Counter("one", "On a registry of its own.", registry=own)
none = Counter("none", "On none.", ["a"], registry=None)
Gauge("g", "A gauge.", multiprocess_mode="livesum").set(2)
in_child(lambda: (one.inc(), none.labels("x").inc()))
multiprocess.mark_process_dead(1)
text = multiprocess_served()
assert "one_total 1.0" in text and 'none_total{a="x"} 1.0' in text and "g 2.0" in text, text
assert "one_total 1.0" in served(own)
"""
    run(program(code), PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_multiprocess_collector_alone_is_rendered_as_by_way_of_its_samples(run: Run) -> None:
    code = """
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

Counter("c", 'A "counter".', ["a"]).labels('x\\ny"').inc(0.5)
Histogram("h", "A histogram.").observe(0.3)
Gauge("g", "A gauge.").set_function(lambda: 3)
Enum("e", "An enum.", states=["x", "y"]).state("y")
Summary("s", "A summary.").observe(1)
alone, beside = CollectorRegistry(), CollectorRegistry()
multiprocess.MultiProcessCollector(alone)
multiprocess.MultiProcessCollector(beside)

class Nothing:
    def collect(self):
        return []

beside.register(Nothing())
assert sorted(served(alone).splitlines()) == sorted(served(beside).splitlines())

def samples(registry):
    families = parse(openmetrics.generate_latest(registry).decode())
    return {(s.name, *sorted(s.labels.items())): s.value for f in families for s in f.samples}

ours, theirs = samples(alone), samples(beside)
assert ours == theirs and len(ours) > 20
"""
    run(program(code))


def test_without_created_registry_is_rendered_as_by_way_of_its_samples(run: Run) -> None:
    code = """
from prometheus_client.core import GaugeMetricFamily

class Custom:
    def collect(self):
        yield GaugeMetricFamily("custom", "Of the process.", value=42)

disable_created_metrics()
REGISTRY.register(Custom())
for collector in PROCESS_COLLECTOR, GC_COLLECTOR:
    REGISTRY.unregister(collector)
counter = Counter("c", "A counter.", ["a"])
counter.labels("x").inc(0.5)
Gauge("g", "A gauge.").set_function(lambda: 3)
Info("i", "An info.").info({"k": "v"})
in_child(lambda: (counter.labels("y").inc(), Counter("late", "In a child only.").inc()))
rendered = sorted(lines_of(served()))
own = Counter("own", "Makes the segment not what is to be shown.")
REGISTRY.unregister(own)
assert sorted(lines_of(served())) == rendered
assert "custom 42.0" in rendered and "late_total 1.0" in rendered
"""
    run(program(code))


def test_a_registry_that_serves_the_segment_shows_each_family_once(run: Run, tmp_path: Path) -> None:
    code = """
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
Counter("c", "A counter.", registry=registry).inc()
assert served(registry).count("c_total 1.0") == served(registry).count("# TYPE c_total counter") == 1
"""
    run(program(code), PROMETHEUS_MULTIPROC_DIR=str(tmp_path))


def test_without_a_segment_prometheus_client_is_left_alone(run: Run, tmp_path: Path) -> None:
    code = """
counter = Counter("c", "A counter.", ["label"])
counter.labels("x").inc()
counter.labels(label="x").inc()
Histogram("h", "A histogram.").observe(1)
assert 'c_total{label="x"} 2.0' in served() and "h_sum 1.0" in served()
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    assert 'c_total{label="x"} 2.0' in multiprocess_served()
else:
    fails(ValueError, multiprocess.MultiProcessCollector, CollectorRegistry())
"""
    run(program(code), "no segment is named", SHMETRICS_SEGMENT="")
    run(program(code), "no segment is named", SHMETRICS_SEGMENT="", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert list(tmp_path.glob("counter_*.db")), "the files of its multiprocess mode"


def test_a_segment_that_cannot_be_opened_leaves_prometheus_client_alone(run: Run) -> None:
    code = "c = Counter('c', ''); c.inc(); assert 'c_total 1.0' in served()"
    run(program(code), "no collector sees them", SHMETRICS_DIR="/nowhere")


def test_configure_chooses_the_segment(run: Run) -> None:
    code = """
import shmetrics
shmetrics.configure("chosen")
Counter("c", "").inc()
assert [name for name in os.listdir(os.environ["SHMETRICS_DIR"])] == ["chosen.smx1"]
"""
    run(program(code), SHMETRICS_SEGMENT="")


def test_what_the_segment_refuses_stays_the_process_s_own(run: Run) -> None:
    code = """
Counter("c", "A counter.").inc()
for collector in list(REGISTRY._collector_to_names):
    REGISTRY.unregister(collector)
changed = Counter("c", "Defined otherwise.", ["label"])
changed.labels("x").inc(3)
assert 'c_total{label="x"} 3.0' in served() and "\\nc_total 1.0" not in served()
wide = Counter("wide", "More labels than a family may have.", [f"l{n}" for n in range(40)])
wide.labels(*range(40)).inc()
assert "wide_total" in served() and "wide_total" not in multiprocess_served()
"""
    run(program(code), "c stays the process's own")


def test_metrics_made_before_the_bridge_are_named(run: Run) -> None:
    code = "from prometheus_client import *; Counter('early', '').inc(); import shmetrics.bridge"
    run(code, "1 metrics, such as early, were made before shmetrics.bridge was imported")


def test_mistakes_raise_what_they_raised(run: Run) -> None:
    code = """
counter, gauge = Counter("c", "", ["a", "b"]), Gauge("g", "", multiprocess_mode="livemostrecent")
assert "missing label values" in fails(ValueError, counter.inc)
assert fails(ValueError, counter.labels, 1) == "Incorrect label count"
assert fails(ValueError, counter.labels, a=1, c=2) == "Incorrect label names"
assert fails(ValueError, counter.labels, 1, b=2) == "Can't pass both *args and **kwargs"
assert "can not chain" in fails(ValueError, counter.labels(1, 2).labels, 3)
assert "No label names" in fails(ValueError, gauge.labels, 3)
assert "non-negative" in fails(ValueError, counter.labels(1, 2).inc, -1)
assert "mostrecent" in fails(RuntimeError, gauge.inc)
fails(TypeError, counter.labels(1, 2).inc, "x")
fails(ValueError, gauge.set, "x")
fails(ValueError, Counter, "c", "")
fails(ValueError, counter.labels(1, 2).inc, 1, {"x": "y" * 200})
fails(ValueError, counter.remove, 1)
assert 'c_total{a="1",b="2"} 0.0' in served()
"""
    run(program(code))


def test_label_values_are_what_str_makes_of_them(run: Run) -> None:
    code = """
import enum

class Method(str, enum.Enum):
    GET = "GET"

counter = Counter("c", "", ["a"])
assert counter.labels("x") is counter.labels(a="x") is counter._metrics[("x",)]
assert isinstance(counter.labels("x"), Counter)
for value in (1, "1", True, None, 1.0, Method.GET, "GET", ""):
    counter.labels(value).inc()
for value, count in {"1": 2, "True": 1, "None": 1, "1.0": 1, str(Method.GET): 1, "": 1}.items():
    assert REGISTRY.get_sample_value("c_total", {"a": value}) == count, value
assert REGISTRY.get_sample_value("c_total", {"a": "GET"}) == 1 + (str(Method.GET) == "GET")
"""
    run(program(code))


def test_subclasses_and_decorators_work(run: Run) -> None:
    code = """
class Doubling(Counter):
    def inc(self, amount=1, exemplar=None):
        super().inc(2 * amount, exemplar)

Doubling("d", "", ["a"]).labels("x").inc()
gauge, counter = Gauge("g", "", multiprocess_mode="livesum"), Counter("failures", "")
histogram = Histogram("h", "", ["a"])
with gauge.track_inprogress():
    assert REGISTRY.get_sample_value("g") == 1

@histogram.labels("x").time()
@counter.count_exceptions()
def fail():
    raise KeyError

fails(KeyError, fail)
assert REGISTRY.get_sample_value("d_total", {"a": "x"}) == 2
assert REGISTRY.get_sample_value("g") == 0 and REGISTRY.get_sample_value("failures_total") == 1
assert REGISTRY.get_sample_value("h_count", {"a": "x"}) == 1
"""
    run(program(code))


def test_removal_takes_effect_in_all_processes(run: Run) -> None:
    code = """
counter = Counter("c", "", ["a", "b"])
held = counter.labels("x", "y")
for values_ in ("x", "y"), ("x", "z"), ("q", "z"):
    counter.labels(*values_).inc()
in_child(lambda: counter.remove("x", "y"))
assert 'b="y"' not in served()
counter.labels("x", "y").inc(7)
assert 'c_total{a="x",b="y"} 7.0' in served()
in_child(lambda: counter.remove_by_labels({"a": "x"}))
assert 'a="x"' not in served() and 'a="q"' in served()
counter.clear()
assert 'c_total{' not in served()
one = Counter("one", "")
one.inc(5)
in_child(one.reset)
one.inc()
assert REGISTRY.get_sample_value("one_total") == 1
"""
    run(program(code))


def test_values_behind_a_metric_can_be_read(run: Run) -> None:
    code = """
counter, gauge, summary = Counter("c", ""), Gauge("g", ""), Summary("s", "")
histogram = Histogram("h", "", ["a"], buckets=[1, 2])
counter.inc(3, {"trace_id": "abc"})
gauge.set(4)
summary.observe(5)
child = histogram.labels("x")
child.observe(0.5)
child.observe(1.5, {"trace_id": "def"})
assert (counter._value.get(), gauge._value.get(), summary._sum.get(), summary._count.get()) == (3, 4, 5, 1)
assert child._sum.get() == 2 and [bucket.get() for bucket in child._buckets] == [1, 1, 0]
assert counter._value.get_exemplar().labels == {"trace_id": "abc"}
counter._value.set(10)
counter._value.inc(1)
assert counter._value.get() == 11
counter._value.set(2)
assert counter._value.get() == 2
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
text = openmetrics(REGISTRY).decode()
assert '# {trace_id="def"} 1.5' in text and "h_created" in text and "g_created" not in text, text
"""
    run(program(code))


def test_functions_and_custom_collectors_are_asked(run: Run) -> None:
    code = """
from prometheus_client.core import GaugeMetricFamily

class Custom:
    def collect(self):
        yield GaugeMetricFamily("custom", "", value=42)

REGISTRY.register(Custom())
gauge = Gauge("g", "", ["a"], multiprocess_mode="livesum")
gauge.labels("x").set_function(lambda: 17)
text = served()
assert "custom 42.0" in text and 'g{a="x"} 17.0' in text, text
counter = Counter("c", "")
REGISTRY.unregister(counter)
assert "c_total" not in served()
restricted = generate_latest(REGISTRY.restricted_registry(["g"])).decode()
assert 'g{a="x"} 17.0' in restricted and "custom" not in restricted
"""
    run(program(code))


# One program for both: with the files of the multiprocess mode, and with the segment.
MODES = """
import os
if os.environ.get("SHMETRICS_SEGMENT"):
    import shmetrics.bridge
from prometheus_client import CollectorRegistry, Gauge, generate_latest, multiprocess

modes = ["all", "sum", "min", "max", "mostrecent"]
gauges = {mode: Gauge("g_" + mode, "", multiprocess_mode=mode) for m in modes for mode in (m, "live" + m)}

def child(value, lives):
    ready, end = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        for gauge in gauges.values():
            gauge.set(value)
        os.write(ready[1], b".")
        if lives:
            os.close(end[1])
            os.read(end[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    if not lives:
        os.waitpid(pid, 0)
        multiprocess.mark_process_dead(pid)
    return pid, end

for gauge in gauges.values():
    gauge.set(4)
dead = [child(value, False)[0] for value in (1, 9)]
living = child(6, True)[0]
names = {str(pid): name for pid, name in [(os.getpid(), "parent"), (living, "living"), *zip(dead, "12")]}
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
for line in sorted(generate_latest(registry).decode().splitlines()):
    if line[0] != "#":
        for pid, name in names.items():
            line = line.replace(f'pid="{pid}"', name)
        print(line)
"""


def test_gauges_of_all_ten_modes_give_what_its_multiprocess_mode_gives(
    environment: dict[str, str], tmp_path: Path
) -> None:
    def output(**variables: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", MODES],
            env={**environment, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return sorted(done.stdout.splitlines())

    files = output(SHMETRICS_SEGMENT="")
    assert len(files) >= 14 and any(tmp_path.iterdir())
    assert output() == files


def test_a_signal_handler_may_increment(run: Run) -> None:
    code = """
import signal
counter = Counter("c", "")
signal.signal(signal.SIGALRM, lambda *_: counter.inc())
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(100000):
    counter.inc()
signal.setitimer(signal.ITIMER_REAL, 0)
assert counter._value.get() >= 100000
"""
    run(program(code))
