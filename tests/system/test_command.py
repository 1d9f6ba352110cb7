# SPDX-License-Identifier: MIT
"""The command line of `shmetrics`, and its `ls`, `dump` and `rm`, on segments of every kind."""

from __future__ import annotations

import fcntl
import json
import os
import random
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

import command
from command import AS_NOBODY_SPECIAL, Bench, give_away


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from command.bench(tmp_path)


# ---- the command line ----


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command(bench: Bench, arguments: list[str]) -> None:
    done = bench.call(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(
        f"\n  {name}  " in done.stdout
        for name in ("run    ", "ls     ", "dump   ", "rm     ", "version", "help   ")
    )


@pytest.mark.parametrize("name", ["run", "ls", "dump", "rm"])
def test_help_of_a_command_is_the_same_three_ways(bench: Bench, name: str) -> None:
    first = bench.call("help", name)
    assert first.returncode == 0 and first.stdout.startswith(f"Usage: shmetrics {name} ")
    assert "Examples:\n  " in first.stdout and max(map(len, first.stdout.splitlines())) <= 100
    for arguments in ([name, "--help"], [name, "-h"]):
        done = bench.call(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, first.stdout, "")


def test_version_is_the_library_s(bench: Bench) -> None:
    header = (command.ROOT / "include" / "shmetrics" / "version.h").read_text()
    version = header.split('SMX_VERSION "')[1].split('"')[0]
    for argument in ("version", "--version", "-V"):
        assert bench.call(argument).stdout == f"shmetrics {version}\n"


@pytest.mark.parametrize(
    ("arguments", "named", "see"),
    [
        ([], "a command is missing", "--help"),
        (["lst"], "'lst'", "--help"),
        (["--lst"], "'--lst'", "--help"),
        (["help", "lst"], "'lst'", "--help"),
        (["version", "x"], "'x'", "--help"),
        (["run"], "a command to run is missing", "help run"),
        (["run", "--"], "a command to run is missing", "help run"),
        (["run", ""], "empty", "help run"),
        (["run", "--frob", "true"], "'--frob'", "help run"),
        (["run", "-x", "true"], "'-x'", "help run"),
        (["run", "--listen"], "'--listen'", "help run"),
        (["run", "--keep", "true"], "--keep needs --segment", "help run"),
        (["run", "--segment", "a b", "true"], '"a b"', "help run"),
        (["run", "--segment", "", "true"], "must not be empty", "help run"),
        (["run", "--limit", "series_max", "true"], "--limit series_max: must be NAME=N", "help run"),
        (["run", "--limit", "series=1", "true"], "must be NAME=N, with size_max_bytes", "help run"),
        (["run", "--limit", "series_max=0", "true"], "a number from 1 to 16777216", "help run"),
        (["run", "--limit", "series_max=16777217", "true"], "a number from 1 to", "help run"),
        (["run", "--limit", "series_max=-1", "true"], "a number from 1 to", "help run"),
        (["run", "--limit", "series_max=1k", "true"], "a number from 1 to", "help run"),
        (["run", "--limit", "family_series_max=", "true"], "a number from 1 to", "help run"),
        (["run", "--limit", f"size_max_bytes={(1 << 20) - 1}", "true"], "from 1048576 to", "help run"),
        (["run", "--limit", f"size_max_bytes={1 << 64}", "true"], "to 68719476736", "help run"),
        (["run", "--listen", "9798", "true"], "--listen 9798: it has no ':PORT'", "help run"),
        (["run", "--listen", "h:65536", "true"], "--listen h:65536: the port", "help run"),
        (["run", "--listen", "h:", "true"], "--listen h:: the port", "help run"),
        (["run", "--listen", "h:-1", "true"], "--listen h:-1: the port", "help run"),
        (["run", "--listen", "::1:9798", "true"], "brackets", "help run"),
        (["ls", "x"], "'x'", "help ls"),
        (["ls", "--frob"], "'--frob'", "help ls"),
        (["dump"], "NAME", "help dump"),
        (["dump", "a", "b"], "'b'", "help dump"),
        (["dump", "-x", "a"], "'-x'", "help dump"),
        (["rm"], "NAME", "help rm"),
        (["rm", "--frob=1", "a"], "'--frob=1'", "help rm"),
    ],
)
def test_names_what_is_wrong_and_where_to_look(
    bench: Bench, arguments: list[str], named: str, see: str
) -> None:
    done = bench.call(*arguments)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        line.startswith("shmetrics: ")
        and named in line
        and line.endswith(f"; see 'shmetrics {see}'")
    )


@pytest.mark.parametrize(
    "arguments",
    [["ls"], ["ls", "--json"], ["dump", "shop"], ["dump", "--json", "shop"], ["help", "rm"]],
)
def test_says_so_where_standard_output_is_full(bench: Bench, arguments: list[str]) -> None:
    bench.dead_segment("shop")
    with open("/dev/full", "w") as full:
        done = bench.call(*arguments, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (
        1,
        "shmetrics: standard output: No space left on device\n",
    )


# ---- files of every kind ----


def damage(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def make_strange(bench: Bench) -> dict[str, str]:
    """Puts files that are no segments into the folder: their names and a word of what is wrong."""
    path = bench.folder
    (path / "noise.smx1").write_bytes(os.urandom(9000))
    (path / "empty.smx1").touch()
    (path / "link.smx1").symlink_to("good.smx1")
    (path / "loop.smx1").symlink_to("loop.smx1")
    (path / "folder.smx1").mkdir()
    os.mkfifo(path / "fifo.smx1")
    (path / "newer.smx2").write_bytes(b"SHMTRIC2" + bytes(5000))
    damage(bench.dead_segment("version"), 8, b"\x07")
    damage(bench.dead_segment("size"), 192, b"\xff" * 8)
    os.truncate(bench.dead_segment("short"), 5000)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path / "socket.smx1"))
    return {
        "noise": "not a shmetrics segment",
        "empty": "shorter than a header",
        "link": "symbolic link",
        "loop": "symbolic link",
        "folder": "not a regular file",
        "fifo": "not a regular file",
        "socket": "",
        "newer": "layout version 2",
        "version": "version",
        "size": "",
        "short": "",
    }


# ---- ls ----


def test_ls_of_an_empty_folder_is_empty(bench: Bench) -> None:
    done = bench.call("ls")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "",
        f"shmetrics: no segments in {bench.folder}\n",
    )
    assert bench.call("ls", "--json").stdout == "[]\n"


def test_ls_says_why_a_folder_cannot_be_listed(bench: Bench, tmp_path: Path) -> None:
    bench.environment["SHMETRICS_DIR"] = str(tmp_path / "nowhere")
    done = bench.call("ls")
    assert (done.returncode, done.stderr) == (
        1,
        f"shmetrics: {tmp_path}/nowhere: No such file or directory\n",
    )


def test_ls_tells_the_living_from_the_dead(bench: Bench) -> None:
    bench.dead_segment("dead")
    live = bench.writer("live")
    listing = bench.listing()
    assert {name: entry["state"] for name, entry in listing.items()} == {
        "dead": "dead",
        "live": "live",
    }
    assert [writer["pid"] for writer in listing["live"]["writers"]] == [live.pid]
    assert listing["dead"]["writers"] == [] and listing["dead"]["slots_dead"] == 1
    for entry in listing.values():
        size = (bench.folder / f"{entry['name']}.smx1").stat().st_size
        assert (entry["families"], entry["series"], entry["size_bytes"]) == (4, 6, size)
    header, dead, living = bench.call("ls").stdout.splitlines()
    assert header.split() == [
        "NAME",
        "STATE",
        "WRITERS",
        "SERIES",
        "SIZE",
        "USED",
        "CREATED",
        "PROBLEM",
    ]
    assert dead.split()[:4] == ["dead", "dead", "0", "6"]
    assert living.split()[:4] == ["live", "live", "1", "6"]


def test_ls_lists_what_is_no_segment_with_what_is_wrong(bench: Bench) -> None:
    bench.dead_segment("good")
    strange = make_strange(bench)
    (bench.folder / "unrelated.txt").touch()
    (bench.folder / ".hidden.smx1").touch()
    listing = bench.listing()
    assert set(listing) == {"good", *strange}
    assert listing.pop("good")["state"] == "dead"
    for name, entry in listing.items():
        assert entry["state"] == "refused" and strange[name] in entry["problem"], entry
        assert str(bench.folder) not in entry["problem"]
    assert bench.call("ls").returncode == 0


def test_ls_prints_no_bytes_that_a_terminal_would_obey(bench: Bench) -> None:
    (bench.folder / "\x1b[2Jevil\n.smx1").touch()
    assert "\\x1b[2Jevil\\x0a" in bench.call("ls").stdout
    assert list(bench.listing()) == ["\x1b[2Jevil\n"]


def test_ls_as_json_is_valid_whatever_a_file_is_called(bench: Bench) -> None:
    for name in (
        b"\xff",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xf4\x90\x80\x80",
        "\u20ac\U0001f4c8".encode(),
    ):
        (bench.folder / os.fsdecode(name + b".smx1")).touch()
    names = {entry["name"] for entry in json.loads(bench.call("ls", "--json").stdout)}
    assert names == {"\ufffd" * 1, "\ufffd" * 2, "\ufffd" * 3, "\ufffd" * 4, "\u20ac\U0001f4c8"}


def test_ls_lists_what_it_may_not_read(bench: Bench) -> None:
    give_away(bench.dead_segment("secret"), 0o600)
    (entry,) = json.loads(bench.call("ls", "--json", before=AS_NOBODY_SPECIAL).stdout)
    assert entry["state"] == "refused" and "Permission denied" in entry["problem"]


# ---- dump ----

EXPECTED_TEXT = """\
# TYPE duration_seconds histogram
duration_seconds_bucket{le="0.5"} 1
duration_seconds_bucket{le="1.0"} 3
duration_seconds_bucket{le="+Inf"} 4
duration_seconds_sum 9.75
duration_seconds_count 4
# TYPE ratio gauge
ratio NaN
# HELP requests_total Requests, "all"\\nof them
# TYPE requests_total counter
requests_total{path="/",method="GET"} 18446744073709551615
requests_total{path="a\\"b\\\\c\\nd\x1b\u00e9",method="PUT"} 2.5
# TYPE temperature gauge
temperature{pid="PID"} -Inf
"""


def test_dump_prints_what_a_scrape_would(bench: Bench) -> None:
    writer = bench.writer("shop")
    done = bench.call("dump", "shop")
    assert (done.returncode, done.stderr) == (0, "")
    # The order of a family's series is that of an index with a random seed.
    expected = EXPECTED_TEXT.replace("PID", str(writer.pid)).splitlines()
    assert sorted(done.stdout.splitlines()) == sorted(expected)
    assert bench.call("dump", f"{bench.folder}/shop").stdout == done.stdout


def test_dump_as_json_holds_every_number_in_full(bench: Bench) -> None:
    writer = bench.writer("shop")
    done = bench.call("dump", "--json", "shop")
    assert (done.returncode, done.stderr) == (0, "")
    segment = json.loads(done.stdout)
    families = {family["name"]: family for family in segment["families"]}
    series = {
        name: [{**s, "created": None} for s in family["series"]]
        for name, family in families.items()
    }
    assert [w["pid"] for w in segment["writers"]] == [writer.pid]
    requests = sorted(series["requests"], key=lambda s: s["labels"]["path"])
    assert requests == [
        {"labels": {"path": "/", "method": "GET"}, "created": None, "value": 2**64 - 1},
        {"labels": {"path": 'a"b\\c\nd\x1b\u00e9', "method": "PUT"}, "created": None, "value": 2.5},
    ]
    buckets = [{"le": 0.5, "count": 1}, {"le": 1, "count": 3}, {"le": "+Inf", "count": 4}]
    histogram: dict[str, Any] = {
        "labels": {},
        "created": None,
        "count": 4,
        "sum": 9.75,
        "buckets": buckets,
    }
    assert series["duration_seconds"] == [histogram]
    own = {"pid": writer.pid}
    assert series["temperature"] == [
        {"labels": {}, "created": None, "values": [{**own, "value": "-Inf"}]}
    ]
    assert series["ratio"] == [
        {"labels": {}, "created": None, "value": "NaN", "values": [{**own, "value": "NaN"}]}
    ]
    about = {
        name: (f["kind"], f.get("mode"), f["help"], f["label_names"])
        for name, f in families.items()
    }
    assert about["requests"] == ("counter", None, 'Requests, "all"\nof them', ["path", "method"])
    assert about["temperature"] == ("gauge", "liveall", "", [])
    assert all(f["served"] and f["live_writers"] == 1 for f in families.values())


def test_dump_of_a_dead_segment_has_its_counters_and_no_gauges(bench: Bench) -> None:
    bench.dead_segment("shop")
    text = bench.call("dump", "shop").stdout
    assert "duration_seconds_count 4\n" in text and "pid=" not in text and "ratio 0\n" in text


def test_dump_of_what_is_no_segment_is_one_line_and_1(bench: Bench) -> None:
    strange = make_strange(bench)
    for name in [*strange, "absent", "a b", ""]:
        for arguments in (["dump", name], ["dump", "--json", name]):
            done = bench.call(*arguments)
            (line,) = done.stderr.splitlines()
            assert (done.returncode, done.stdout) == (1, ""), arguments
            assert line.startswith("shmetrics: ") and (name in line or name == "loop"), line


def test_dump_survives_damage_anywhere(bench: Bench) -> None:
    """I8: whatever bytes stand there, an answer or one line, and no death by a signal."""
    path = bench.dead_segment("shop")
    whole = path.read_bytes()
    used = bench.listing()["shop"]["used_bytes"]
    chance = random.Random(1)
    for round in range(60):
        first = used - 12000 if round % 2 else 0  # half of them where the records are
        offset = chance.randrange(first, used) & ~7
        data = chance.randbytes(8) if round % 3 else b"\xff" * 64
        damage(path, offset, data)
        for arguments in (["dump", "shop"], ["dump", "--json", "shop"], ["ls", "--json"]):
            done = bench.call(*arguments, errors="replace")
            if done.returncode:
                refused = done.returncode == 1 and done.stderr.startswith("shmetrics: segment ")
                assert refused and len(done.stderr.splitlines()) == 1, (offset, data, done)
            elif "--json" in arguments:
                json.loads(done.stdout)
        path.write_bytes(whole)


# ---- rm ----


def test_rm_removes_dead_segments(bench: Bench) -> None:
    bench.dead_segment("one")
    bench.dead_segment("two")
    done = bench.call("rm", "one", f"{bench.folder}/two.smx1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert bench.files() == []


def test_rm_refuses_a_live_segment_and_names_who_holds_it(bench: Bench) -> None:
    first, second = bench.writer("shop"), bench.writer("shop")
    path = bench.folder / "shop.smx1"
    done = bench.call("rm", "shop")
    pids = f"{first.pid}, {second.pid}"
    assert (done.returncode, done.stderr) == (
        1,
        f"shmetrics: {path}: not removed: 2 live processes hold it (pid {pids}); "
        "stop them or use --force\n",
    )
    bench.end(second)
    assert (
        bench.call("rm", "shop").stderr.count(f"1 live process holds it (pid {first.pid}); stop it")
        == 1
    )
    done = bench.call("rm", "--force", "shop")
    assert (done.returncode, bench.files()) == (0, [])
    assert (
        done.stderr == f"shmetrics: {path}: removed; 1 live process (pid {first.pid}) "
        "goes on recording into it\n"
    )


def test_rm_removes_what_is_no_segment_only_by_force(bench: Bench) -> None:
    bench.dead_segment("good")
    strange = [name for name in make_strange(bench) if name != "newer"]
    before = bench.files()
    for name in strange:
        done = bench.call("rm", name)
        (line,) = done.stderr.splitlines()
        assert (
            done.returncode == 1
            and f"{name}.smx1: not removed: " in line
            and "--force removes" in line
        )
    assert bench.files() == before
    for name in strange:
        done = bench.call("rm", "-f", name)
        assert done.returncode == (1 if name == "folder" else 0), done.stderr
    assert bench.files() == [
        "folder.smx1",
        "good.smx1",
        "newer.smx2",
    ], "not what the link led to, not a folder"


def test_rm_does_the_rest_when_one_cannot_be_removed(bench: Bench) -> None:
    bench.dead_segment("shop")
    done = bench.call("rm", "absent", "shop")
    assert (done.returncode, bench.files()) == (1, [])
    assert done.stderr == f"shmetrics: {bench.folder}/absent.smx1: there is no such segment\n"


def test_rm_leaves_what_the_user_may_not_remove(bench: Bench) -> None:
    path = bench.dead_segment("shop")
    give_away(bench.folder, 0o755)
    done = bench.call("rm", "shop", before=AS_NOBODY_SPECIAL)
    assert (done.returncode, done.stderr) == (
        1,
        f"shmetrics: {path}: not removed: Permission denied\n",
    )
    assert path.exists()


def test_rm_removes_without_looking_into_it_only_by_force(bench: Bench) -> None:
    path = bench.dead_segment("secret")
    give_away(path, 0o600)
    done = bench.call("rm", "secret", before=AS_NOBODY_SPECIAL)
    assert done.returncode == 1 and "Permission denied); --force removes the file" in done.stderr
    assert bench.call("rm", "--force", "secret", before=AS_NOBODY_SPECIAL).returncode == 0
    assert not path.exists()


def test_rm_waits_for_nobody_who_is_just_opening_the_segment(bench: Bench) -> None:
    """The life lock (layout.h: SMX_LOCK_LIFE), held by a process that does not go on."""
    path = bench.dead_segment("shop")
    with path.open("r+b") as file:
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 1 << 61, 1, 0)
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)
        done = bench.call("rm", "shop")
        assert done.returncode == 1 and "a process is opening it at this moment" in done.stderr
        assert path.exists()
    assert bench.call("rm", "shop").returncode == 0
