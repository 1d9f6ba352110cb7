# SPDX-License-Identifier: MIT
"""Which segment is used, what is said about it, and that the application runs on in any case."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from conftest import SANITIZED, Run

RECORD = """
    import os, shmetrics
    counter = shmetrics.Counter("x", "X.")
    counter.inc()
    again = shmetrics.Gauge("y", "Y.")
    assert shmetrics.REGISTRY.get_sample_value("x_total") == 1
    print(shmetrics.REGISTRY._segment().path)
"""


def without_segment(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name != "SHMETRICS_SEGMENT"}


def test_the_environment_names_the_segment(run: Run, segment_directory: Path) -> None:
    done = run(RECORD)
    assert done.stdout.strip() == str(segment_directory / "test.smx1")
    assert done.stderr == ""


def test_the_environment_may_give_a_path(
    run: Run, environment: dict[str, str], segment_directory: Path
) -> None:
    path = segment_directory / "elsewhere"
    done = run(RECORD, env={**environment, "SHMETRICS_SEGMENT": str(path)})
    assert done.stdout.strip() == str(path) + ".smx1"


@pytest.mark.parametrize("empty", [None, ""])
def test_without_a_name_one_line_says_so(
    run: Run, environment: dict[str, str], empty: str | None
) -> None:
    env = without_segment(environment)
    if empty is not None:
        env["SHMETRICS_SEGMENT"] = empty
    done = run(RECORD, env=env)
    assert done.stdout.strip() == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("shmetrics: ") and "SHMETRICS_SEGMENT" in done.stderr


def test_the_line_is_a_warning_of_the_logger(run: Run, environment: dict[str, str]) -> None:
    done = run(
        """
        import logging, sys
        logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(name)s", level=logging.INFO)
        import shmetrics
        shmetrics.Counter("x", "X.")
        """,
        env=without_segment(environment),
    )
    assert (done.stdout, done.stderr) == ("WARNING shmetrics\n", "")


def test_importing_opens_nothing_and_says_nothing(
    run: Run, environment: dict[str, str], segment_directory: Path
) -> None:
    done = run("import shmetrics, shmetrics.asgi, shmetrics.fastapi, shmetrics.parser")
    assert (done.stdout, done.stderr, list(segment_directory.iterdir())) == ("", "", [])
    run("import shmetrics; shmetrics.Counter('x', '', registry=shmetrics.CollectorRegistry())")
    assert list(segment_directory.iterdir()) == []


def test_configure_names_the_segment(
    run: Run, environment: dict[str, str], segment_directory: Path
) -> None:
    code = 'import shmetrics; shmetrics.configure(segment="shop")' + RECORD.replace("\n    ", "\n")
    done = run(code, env=without_segment(environment))
    assert done.stdout.strip() == str(segment_directory / "shop.smx1")
    assert done.stderr == ""


def test_configure_may_give_the_directory(
    run: Run, environment: dict[str, str], segment_directory: Path
) -> None:
    other = segment_directory / "other"
    other.mkdir()
    code = (
        f'import shmetrics; shmetrics.configure("shop", directory={str(other)!r})'
        + RECORD.replace("\n    ", "\n")
    )
    done = run(code, env=without_segment(environment))
    assert done.stdout.strip() == str(other / "shop.smx1")


def test_configure_none_is_private_and_silent(run: Run, segment_directory: Path) -> None:
    done = run(
        "import shmetrics; shmetrics.configure(segment=None)" + RECORD.replace("\n    ", "\n")
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")
    assert list(segment_directory.iterdir()) == []


def test_configure_wins_and_says_so(run: Run, segment_directory: Path) -> None:
    done = run(
        'import shmetrics; shmetrics.configure(segment="shop")' + RECORD.replace("\n    ", "\n")
    )
    assert done.stdout.strip() == str(segment_directory / "shop.smx1")
    assert (
        len(done.stderr.splitlines()) == 1 and "SHMETRICS_SEGMENT=test is not used" in done.stderr
    )
    done = run(
        'import shmetrics; shmetrics.configure(segment="test")' + RECORD.replace("\n    ", "\n")
    )
    assert done.stderr == ""


def test_configure_sets_the_limits(run: Run, segment_directory: Path) -> None:
    run(
        """
        import shmetrics
        shmetrics.configure("small", size_max_bytes=1 << 20, series_max=50, family_series_max=5)
        for name in ("x", "y"):
            counter = shmetrics.Counter(name, "", ["a"])
            for number in range(20):
                counter.labels(number).inc()
        value = shmetrics.REGISTRY.get_sample_value
        assert value("x_total", {"a": "4"}) == 1
        assert value("x_total", {"a": "5"}) is None
        assert value("x_total", {"a": "_overflow"}) == 15
        """
    )
    assert (segment_directory / "small.smx1").stat().st_size <= 1 << 20


def test_configure_keep_goes_on(run: Run) -> None:
    code = """
        import sys, shmetrics
        shmetrics.configure("kept", keep=sys.argv[1] == "keep")
        counter = shmetrics.Counter("x", "")
        counter.inc()
        print(shmetrics.REGISTRY.get_sample_value("x_total"))
    """
    values = [float(run(code, how).stdout) for how in ("start", "keep", "keep", "start")]
    assert values == [1, 2, 3, 1]


def test_configure_comes_first(run: Run) -> None:
    run(
        """
        import shmetrics
        shmetrics.configure("one")
        shmetrics.configure("two")
        shmetrics.Counter("x", "")
        try:
            shmetrics.configure("three")
        except RuntimeError as error:
            assert "two.smx1" in str(error), error
        else:
            raise AssertionError("it came too late")
        """
    )


@pytest.mark.parametrize("name", ["", ".hidden", "a b", "x" * 200, "folder/"])
def test_configure_refuses_what_is_no_name(run: Run, name: str) -> None:
    run(
        """
        import sys, shmetrics
        try:
            shmetrics.configure(sys.argv[1])
        except ValueError as error:
            assert "segment" in str(error)
        else:
            raise AssertionError("accepted")
        """,
        name,
    )


def refused(run: Run, environment: dict[str, str], name: str) -> str:
    """Runs with a segment that cannot be opened; the one line that is said."""
    done = run(RECORD, env={**environment, "SHMETRICS_SEGMENT": name})
    assert done.stdout.strip() == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("shmetrics: ")
    return line


def test_a_folder_that_is_not_there(
    run: Run, environment: dict[str, str], segment_directory: Path
) -> None:
    assert "nowhere" in refused(run, environment, str(segment_directory / "nowhere" / "x"))


def test_a_name_that_is_none(run: Run, environment: dict[str, str]) -> None:
    assert "a b" in refused(run, environment, "a b")


def test_a_file_of_a_stranger(
    run: Run, environment: dict[str, str], segment_directory: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can make a file of somebody else")
    path = segment_directory / "strange.smx1"
    path.write_bytes(b"\0" * 4096)
    os.chown(path, 12345, 12345)
    assert "strange" in refused(run, environment, str(path))


def test_a_link(run: Run, environment: dict[str, str], segment_directory: Path) -> None:
    target = segment_directory / "target"
    target.write_bytes(b"precious")
    (segment_directory / "link.smx1").symlink_to(target)
    assert "link" in refused(run, environment, str(segment_directory / "link"))
    assert target.read_bytes() == b"precious"


def test_no_room_at_all(run: Run, environment: dict[str, str], segment_directory: Path) -> None:
    import resource

    limit = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))"
    )
    done = run(limit + RECORD.replace("\n    ", "\n"), env=environment)
    assert done.stdout.strip() == "" and len(done.stderr.splitlines()) == 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.skipif(SANITIZED, reason="the sanitizer's shadow takes terabytes of addresses")
def test_little_address_space(run: Run, environment: dict[str, str]) -> None:
    limit = """
import os, resource
import shmetrics, shmetrics.asgi, threading
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20), resource.RLIM_INFINITY))
"""
    done = run(limit + RECORD.replace("\n    ", "\n"), env=environment)
    assert done.stdout.strip() == "" and len(done.stderr.splitlines()) == 1


def test_no_descriptors_left(run: Run) -> None:
    limit = """
import os, resource
import shmetrics
resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
"""
    done = run(limit + RECORD.replace("\n    ", "\n"))
    assert done.stdout.strip() == "" and len(done.stderr.splitlines()) == 1


def test_descriptors_run_out_later(run: Run) -> None:
    run(
        """
        import resource
        from shmetrics import Counter, Gauge, Histogram, REGISTRY, generate_latest
        counter = Counter("x", "", ["a"])
        counter.labels("first").inc()
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        for number in range(9000):
            counter.labels(number).inc()
        Gauge("g", "", ["a"]).labels("1").set(1)
        Histogram("h", "").observe(1)
        counter.labels("first").inc()
        assert REGISTRY.get_sample_value("x_total", {"a": "first"}) == 2
        """
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can drop privileges")
def test_privileges_are_dropped(run: Run) -> None:
    run(
        """
        import os
        from shmetrics import Counter, Gauge, REGISTRY
        counter = Counter("x", "", ["a"])
        gauge = Gauge("g", "", multiprocess_mode="livesum")
        gauge.set(1)
        pid = os.fork()
        if pid == 0:
            os.setgid(65534)
            os.setuid(65534)
            for number in range(9000):
                counter.labels(number).inc()
            gauge.set(2)
            Counter("y", "").inc()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        value = REGISTRY.get_sample_value
        assert value("x_total", {"a": "0"}) == value("y_total") == value("g") == 1
        """
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_may_not_be_written(
    run: Run, environment: dict[str, str], segment_directory: Path
) -> None:
    segment_directory.chmod(0o755)
    code = "import os, shmetrics; os.setuid(65534)" + RECORD.replace("\n    ", "\n")
    done = run(code, env=environment)
    assert done.stdout.strip() == "" and len(done.stderr.splitlines()) == 1
    assert "ermission" in done.stderr


def test_a_full_segment_does_not_disturb(run: Run) -> None:
    done = run(
        """
        import shmetrics
        shmetrics.configure("tiny", size_max_bytes=1 << 20)
        metrics = []
        for number in range(400):
            metric = shmetrics.Histogram(f"h{number}", "", ["a"])
            metric.labels("b").observe(1)
            metrics.append(metric)
        for metric in metrics:
            metric.labels("c").observe(2)
        seen = [shmetrics.REGISTRY.get_sample_value(f"h{n}_count", {"a": "b"}) for n in (0, 399)]
        assert seen[0] == 1, seen
        assert shmetrics.generate_latest()
        """
    )
    assert all("shmetrics: " in line for line in done.stderr.splitlines())


def test_the_file_is_for_its_owner_and_group(run: Run, segment_directory: Path) -> None:
    run("import os; os.umask(0o077)" + RECORD.replace("\n    ", "\n"))
    assert stat.S_IMODE((segment_directory / "test.smx1").stat().st_mode) == 0o660
