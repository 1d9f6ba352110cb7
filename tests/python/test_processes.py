# SPDX-License-Identifier: MIT
"""Many processes, one segment: forked, spawned, killed, forked while threads record (I1, I3, I4)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Iterator

import pytest
from conftest import SANITIZED, Run, until

import shmetrics


class Observer:
    """Sees the segment as a process of its own that defines nothing."""

    def __init__(self, directory: Path) -> None:
        segment = shmetrics.Segment.open(str(directory / "test"))
        self.registry = shmetrics.CollectorRegistry(segment=segment)

    def value(self, name: str, **labels: str) -> Any:
        return self.registry.get_sample_value(name, labels)

    def samples(self, name: str) -> dict[str, float]:
        return {
            sample.labels.get("pid", ""): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == name
        }


@pytest.fixture
def observer(segment_directory: Path) -> Observer:
    return Observer(segment_directory)


class Program:
    """A program that is running; it talks on its standard output."""

    def __init__(self, code: str, environment: dict[str, str]) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def close(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.communicate()


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        program.close()


def test_spawned_processes_add_up(run: Run, observer: Observer) -> None:
    run(
        """
        import subprocess, sys
        code = (
            "import shmetrics; c = shmetrics.Counter('x', '', ['a']); h = shmetrics.Histogram('h', '')\\n"
            "for i in range(1000): c.labels(i % 10).inc(); h.observe(i)"
        )
        children = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
        assert [child.wait() for child in children] == [0] * 4
        """
    )
    assert [observer.value("x_total", a=str(digit)) for digit in range(10)] == [400] * 10
    assert observer.value("h_count") == 4000
    assert observer.value("h_sum") == 4 * 999 * 1000 / 2


def test_multiprocessing_adds_up_with_every_start_method(
    run: Run, observer: Observer, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys
            import shmetrics
            counter = shmetrics.Counter("x", "", ["method"])
            gauge = shmetrics.Gauge("g", "", multiprocess_mode="livesum")

            def work(method):
                gauge.set(5)
                for _ in range(500):
                    counter.labels(method).inc()

            if __name__ == "__main__":
                for method in ("fork", "spawn", "forkserver"):
                    context = multiprocessing.get_context(method)
                    children = [context.Process(target=work, args=(method,)) for _ in range(2)]
                    for child in children: child.start()
                    for child in children: child.join()
                    assert [child.exitcode for child in children] == [0, 0]
            """
        )
    )
    run(
        "import runpy, sys; sys.argv = [sys.argv[1]]; runpy.run_path(sys.argv[0], run_name='__main__')",
        str(script),
    )
    assert [
        observer.value("x_total", method=method) for method in ("fork", "spawn", "forkserver")
    ] == [1000] * 3
    assert observer.value("g") == 0


def test_a_forked_child_has_gauges_of_its_own(run: Run) -> None:
    run(
        """
        import os
        from shmetrics import Counter, Gauge, REGISTRY
        total = Gauge("total", "", multiprocess_mode="livesum")
        each = Gauge("each", "", ["a"])
        child_gauge = each.labels("1")
        counter = Counter("x", "")
        total.set(1)
        child_gauge.set(10)
        ready, done = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            total.inc()
            child_gauge.set(20)
            counter.inc()
            os.write(ready[1], b"x")
            os.read(done[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        own = str(os.getpid())
        value = REGISTRY.get_sample_value
        assert value("total") == 2
        assert value("each", {"a": "1", "pid": own}) == 10
        assert value("each", {"a": "1", "pid": str(pid)}) == 20
        assert value("each", {"a": "1"}) == 10
        os.write(done[1], b"x")
        assert os.waitpid(pid, 0)[1] == 0
        assert value("total") == 1
        assert value("each", {"a": "1", "pid": str(pid)}) is None
        assert value("x_total") == 1
        """
    )


@pytest.mark.skipif(
    SANITIZED,
    reason="the sanitizer's allocator does not survive a fork while another thread allocates",
)
def test_fork_while_threads_record_loses_nothing_and_hangs_nowhere(run: Run) -> None:
    run(
        """
        import os, signal, threading
        from shmetrics import Counter, CollectorRegistry, Gauge, Histogram, REGISTRY, generate_latest
        counter = Counter("x", "", ["who", "turn"])
        histogram = Histogram("h", "")
        gauge = Gauge("g", "", multiprocess_mode="livesum")
        stop = threading.Event()
        counts = [0] * 4

        def record(index):
            while not stop.is_set():
                turn = str(counts[index] % 97)
                counter.labels("parent", turn).inc()
                histogram.observe(1)
                gauge.inc()
                gauge.dec()
                counts[index] += 1
                if counts[index] % 500 == 0:
                    generate_latest()
                    Counter("other", "", ["a"], registry=CollectorRegistry()).labels("1").inc()

        threads = [threading.Thread(target=record, args=(index,), daemon=True) for index in range(4)]
        for thread in threads: thread.start()
        forks = 60
        for number in range(forks):
            pid = os.fork()
            if pid == 0:
                signal.alarm(60)  # a deadlock ends the child, and the test
                for turn in range(50):
                    counter.labels("child", str(turn)).inc()
                    histogram.observe(2)
                gauge.set(1)
                Counter(f"late_{number % 5}", "").inc()
                generate_latest()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0, number
        stop.set()
        for thread in threads: thread.join()
        value = REGISTRY.get_sample_value
        text = generate_latest().decode()
        totals = {"parent": 0.0, "child": 0.0}
        for line in text.splitlines():
            if line.startswith("x_total{"):
                totals["parent" if 'who="parent"' in line else "child"] += float(line.rsplit(" ", 1)[1])
        assert totals == {"parent": sum(counts), "child": forks * 50}, (totals, counts)
        assert value("h_count") == sum(counts) + forks * 50
        assert value("h_sum") == sum(counts) + forks * 100
        assert value("g") == 0
        assert sum(value(f"late_{n}_total") for n in range(5)) == forks
        """
    )


RECORDER = """
    import os, sys
    from shmetrics import Counter, Gauge, Histogram
    counter = Counter("x", "", ["a"])
    gauge = Gauge("g", "", multiprocess_mode="livesum")
    each = Gauge("each", "")
    histogram = Histogram("h", "")
    gauge.set(1)
    each.set(7)
    print(os.getpid(), flush=True)
    done = 0
    while True:
        for _ in range(100):
            counter.labels("1").inc()
            histogram.observe(3)
        done += 100
        print(done, flush=True)
"""


def test_a_killed_process_leaves_its_counts_and_takes_its_gauges(
    environment: dict[str, str], observer: Observer, programs: list[Program]
) -> None:
    answered = 0
    last = 0.0
    rounds = 12
    for _ in range(rounds):
        program = Program(RECORDER, environment)
        programs.append(program)
        pid = program.line()
        while int(program.line()) < 2000:
            now = observer.value("x_total", a="1")
            assert now >= last
            last = now
        assert observer.value("g") == 1
        assert observer.samples("each") == {pid: 7}
        program.kill()
        answered += 2000
        assert observer.value("g") == 0
        assert observer.samples("each") == {}
        counted = observer.value("x_total", a="1")
        assert counted >= max(answered, last)
        assert counted - observer.value("h_count") in range(0, rounds + 1)
        assert observer.value("h_sum") == 3 * observer.value("h_count")
        last = counted


def test_a_stopped_process_is_alive(
    environment: dict[str, str], observer: Observer, programs: list[Program]
) -> None:
    program = Program(RECORDER, environment)
    programs.append(program)
    pid = program.line()
    program.line()
    os.kill(int(pid), signal.SIGSTOP)
    until(
        lambda: Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T",
        "the process stops",
    )
    assert observer.value("g") == 1
    assert observer.samples("each") == {pid: 7}


def test_the_segment_does_not_grow_with_restarts(
    run: Run, observer: Observer, segment_directory: Path
) -> None:
    code = """
        from shmetrics import Counter, Gauge, Histogram
        for kind, record in ((Counter, "inc"), (Gauge, "inc"), (Histogram, "observe")):
            metric = kind(kind.__name__.lower(), "", ["a"])
            for number in range(20):
                getattr(metric.labels(number), record)(1)
    """
    path = segment_directory / "test.smx1"
    run(code)
    size = path.stat().st_size
    for _ in range(8):
        run(code)
    assert path.stat().st_size == size
    assert observer.value("counter_total", a="3") == 9


def test_the_segment_lives_from_its_first_process_to_its_last(run: Run) -> None:
    code = """
        import shmetrics
        shmetrics.Counter("x", "").inc()
        print(shmetrics.REGISTRY.get_sample_value("x_total"))
    """
    assert [float(run(code).stdout) for _ in range(2)] == [1, 1]


def test_two_definitions_of_one_name_live_together(
    environment: dict[str, str], observer: Observer, programs: list[Program]
) -> None:
    code = """
        from shmetrics import Counter
        counter = Counter("x", "", {labels})
        counter.labels(*{values}).inc({amount})
        print("ready", flush=True)
        input()
    """
    definitions = [
        ("['a']", "['1']", 1),
        ("['a', 'b']", "['1', '2']", 5),
        ("['a', 'b']", "['1', '2']", 5),
    ]
    for labels, values, amount in definitions:
        program = Program(code.format(labels=labels, values=values, amount=amount), environment)
        programs.append(program)
        assert program.line() == "ready"
    assert observer.value("x_total", a="1", b="2") == 10
    assert observer.value("x_total", a="1") is None


def test_a_signal_handler_may_record(run: Run) -> None:
    run(
        """
        import os, signal
        from shmetrics import Counter, Histogram, REGISTRY
        counter, histogram = Counter("x", "", ["a"]), Histogram("h", "")

        def handle(number, frame):
            counter.labels("handler").inc()
            histogram.observe(1)

        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for number in range(200000):
            counter.labels("main").inc()
            histogram.observe(1)
        signal.setitimer(signal.ITIMER_REAL, 0)
        handled = REGISTRY.get_sample_value("x_total", {"a": "handler"})
        assert handled > 0
        assert REGISTRY.get_sample_value("x_total", {"a": "main"}) == 200000
        assert REGISTRY.get_sample_value("h_count") == 200000 + handled
        """
    )


def test_descriptors_closed_by_the_application_do_no_harm(run: Run) -> None:
    run(
        """
        import os
        from shmetrics import Counter, Gauge, REGISTRY
        gauge = Gauge("g", "", ["a"], multiprocess_mode="livesum")
        gauge.labels("1").set(2)
        os.closerange(3, 1000)
        assert REGISTRY.get_sample_value("g", {"a": "1"}) == 2
        counter = Counter("x", "", ["a"])
        for number in range(5000):
            counter.labels(number).inc()
        gauge.labels("2").set(3)
        assert REGISTRY.get_sample_value("x_total", {"a": "4999"}) == 1
        assert REGISTRY.get_sample_value("g", {"a": "2"}) == 3
        """
    )


def test_the_modes_of_gauges_over_processes_that_died(run: Run) -> None:
    """Two children that set 1 and 3 were killed; this process set 2 between them, and lives."""
    code = """
        import os
        import shmetrics

        modes = ("all", "sum", "min", "max", "mostrecent")
        modes += tuple("live" + mode for mode in modes)
        gauges = {mode: shmetrics.Gauge(mode, "", multiprocess_mode=mode) for mode in modes}

        def set_all(value):
            for gauge in gauges.values():
                gauge.set(value)

        def killed_child(value):
            pid = os.fork()
            if pid == 0:
                set_all(value)
                os.kill(os.getpid(), 9)
            os.waitpid(pid, 0)

        killed_child(1)
        set_all(2)
        killed_child(3)
        for mode in modes:
            print(mode, *sorted(s.value for m in gauges[mode].collect() for s in m.samples))
    """
    assert run(code).stdout.splitlines() == [
        "all 1.0 2.0 3.0",
        "sum 6.0",
        "min 1.0",
        "max 3.0",
        "mostrecent 3.0",
        "liveall 2.0",
        "livesum 2.0",
        "livemin 2.0",
        "livemax 2.0",
        "livemostrecent 2.0",
    ]
