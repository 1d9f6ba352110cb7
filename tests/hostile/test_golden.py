# SPDX-License-Identifier: MIT
"""test_golden - every golden segment file still says what it said when it was made

Each is read three times: by decode.py, which was written from layout.h alone; by the library's reader; and
through the exposition. golden/v1.json was written by hand from what sample.c records; v2.json, which
has every kind, exemplars and health checks besides, and v3.json, which has native histograms, were
written by decode.py and checked by hand; v4.json is v3.json with a family that has names of any kind.
"""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

import decode
import layout as L
from hostile import HERE, held_slots, program, shm_folder

Json = dict[str, Any]
STATES = ("starting", "running", "größer")
GOLDEN = sorted((HERE / "golden").glob("*.smx1.gz"))


def expected(name: str) -> Json:
    wanted = json.loads((HERE / "golden" / f"{name}.json").read_text("utf-8"))
    wanted["dropped"] = {**dict.fromkeys(L.DROPS, 0), **wanted["dropped"]}  # reasons that came later
    return wanted


def from_decoder(path: Path) -> Json:
    """What decode.py finds, in the form of the expectation."""
    segment = decode.plain(decode.decode_file(path))
    assert segment["problems"] == []
    families = []
    for family in segment["families"]:
        for series in family["series"]:
            del series["offset"]
            assert (series.pop("removed"), series.pop("incarnation")) == (False, 0)
            if "cells" in series:
                del series["gauge"]
                series["values"] = {str(c["slot"]): c["value"] for c in series.pop("cells")}
        kept = ("name", "kind", "mode", "unit", "label_names", "bounds", "native", "states", "series")
        families.append({**{name: family[name] for name in kept}, "help": family["help"] or ""})
        assert family["defined_by"] == [0, 1, 2]
    for check in segment["health"]:
        assert check.pop("defined_by") == [0, 1, 2]
    held = sum(slot["held"] for slot in segment["slots"])
    dropped, health = segment["header"]["dropped"], segment["health"]
    return without_empty(
        {"writers": held, "dropped": dropped, "families": families, "health": health}
    )


def from_reader(path: Path) -> Json:
    """What the library's reader finds, in the form of the expectation."""
    done = subprocess.run([program("dumpjson"), path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    segment = json.loads(done.stdout)
    assert segment.pop("damaged") == 0
    for family in segment["families"]:
        assert family.pop("live_writers") == 3
        assert not any([series.pop("removed") for series in family["series"]])
        family["series"].sort(key=lambda s: (s["overflow"], s["labels"]))
    segment["families"].sort(key=lambda f: f["name"])
    for check in segment["health"]:
        assert check.pop("live_writers") == 3
    segment["health"].sort(key=lambda check: check["name"])
    return without_empty(segment)


def without_empty(segment: Json) -> Json:
    """Of what earlier golden files had none."""
    for family in segment["families"]:
        native = family["native"]
        if native is None:
            del family["native"]
        elif not isinstance(native, dict):
            family["native"] = dict(zip(("schema", "first", "side"), native), negative=bool(native[3]))
        if not family["states"]:
            del family["states"]
        for series in family["series"]:
            if not series.get("exemplars", True):
                del series["exemplars"]
    if not segment["health"]:
        del segment["health"]
    return segment


def assert_same(found: Any, wanted: Any, where: str = "") -> None:
    """Equality, but for the last digits of sums, which depend on the order of addition."""
    if isinstance(wanted, dict):
        if where == ".dropped":  # a reason that came later: nothing was dropped for it
            found = {name: count for name, count in found.items() if name in wanted or count}
        assert sorted(found) == sorted(wanted), where
        for name in wanted:
            assert_same(found[name], wanted[name], f"{where}.{name}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for i, member in enumerate(wanted):
            assert_same(found[i], member, f"{where}[{i}]")
    elif isinstance(wanted, float):
        assert math.isclose(found, wanted, rel_tol=1e-14), f"{where}: {found} is not {wanted}"
    else:
        assert found == wanted, where


@pytest.fixture(params=GOLDEN, ids=lambda path: path.name.split(".")[0])
def golden(request: pytest.FixtureRequest) -> Iterator[tuple[Path, Json]]:
    with shm_folder() as folder:
        path = folder / "golden.smx1"
        path.write_bytes(gzip.decompress(request.param.read_bytes()))
        path.chmod(0o600)
        yield path, expected(request.param.name.split(".")[0])


def test_there_is_a_golden_file() -> None:
    assert GOLDEN


@pytest.mark.parametrize("read", [from_decoder, from_reader])
def test_a_golden_file_is_read_as_it_was_meant(
    golden: tuple[Path, Json], read: Callable[[Path], Json]
) -> None:
    path, wanted = golden
    with held_slots(path):
        assert_same(read(path), wanted)


@pytest.fixture
def fresh() -> Iterator[Path]:
    """What a golden file made today would be."""
    with shm_folder() as folder:
        subprocess.run([program("make_golden"), folder / "fresh.smx1"], check=True, timeout=60)
        yield folder / "fresh.smx1"


@pytest.mark.parametrize("read", [from_decoder, from_reader])
def test_this_version_writes_what_the_golden_file_says(
    fresh: Path, read: Callable[[Path], Json]
) -> None:
    newest = max(GOLDEN, key=lambda golden: int(golden.name.split(".")[0].removeprefix("v")))
    with held_slots(fresh):
        assert_same(read(fresh), expected(newest.name.split(".")[0]))


def samples(text: str) -> dict[str, float]:
    """Without exemplars."""
    lines = [line.partition(" # ")[0] for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_a_golden_file_is_rendered_as_it_was_meant(golden: tuple[Path, Json]) -> None:
    path, _ = golden
    with held_slots(path):
        done = subprocess.run(
            [program("dumpjson"), "--text", path], capture_output=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    text, _, openmetrics = done.stdout.decode("utf-8").partition("\n---\n")
    found = samples(text)
    assert found.items() >= samples(openmetrics).items()
    assert found['golden_requests_total{method="POST",path="/items\\n\\"new\\"\\\\"}'] == 6
    assert found['golden_requests_total{method="GET",path="/größe/日本/😀"}'] == 3
    assert found['golden_requests_total{method="_overflow",path="_overflow"}'] == 15
    # Two roundings (of the whole part, of the sum) may cost a unit in the last place.
    assert abs(found["golden_sent_bytes_total"] - (2**53 + 13.75)) <= 2
    assert found['golden_latency_seconds_bucket{route="/items/{id}",le="0.1"}'] == 4
    assert found['golden_latency_seconds_bucket{route="/items/{id}",le="+Inf"}'] == 9
    assert found['golden_latency_seconds_count{route="/items/{id}"}'] == 9
    assert found["golden_temperature_sum"] == math.inf
    assert found['golden_livesum{pool="blue"}'] == 601.5
    assert found['golden_livemin{pool="blue"}'] == 100.5
    assert found['golden_livemax{pool="blue"}'] == 300.5
    assert found['golden_livemostrecent{pool="blue"}'] == 300.5
    assert sorted(v for k, v in found.items() if k.startswith("golden_liveall{")) == [
        -7,
        100.5,
        200.5,
        300.5,
    ]
    assert [key for key in found if "_overflow" in key] == [
        'golden_requests_total{method="_overflow",path="_overflow"}'
    ]


def test_the_newest_golden_file_is_rendered_with_all_its_kinds() -> None:
    with shm_folder() as folder:
        path = folder / "v2.smx1"
        path.write_bytes(gzip.decompress((HERE / "golden" / "v2.smx1.gz").read_bytes()))
        path.chmod(0o600)
        with held_slots(path):
            done = subprocess.run(
                [program("dumpjson"), "--text", path], capture_output=True, timeout=60
            )
    text, _, openmetrics = done.stdout.decode("utf-8").partition("\n---\n")
    found = samples(text)
    assert found['golden_payload_bytes_count{route="/items/{id}"}'] == 3
    assert found['golden_payload_bytes_sum{route="/items/{id}"}'] == 3072
    assert found['golden_build_info{branch="größer\\n\\"main\\"",version="1.2.3"}'] == 1
    assert found['golden_node_info{pool="blue",host="a"}'] == 1
    assert [found[f'golden_phase{{pool="blue",golden_phase="{state}"}}'] for state in STATES] == [0, 0, 1]
    exemplar = '# {trace_id="b7ad6b7169203331"} 0.0625 '
    assert f'\ngolden_traced_seconds_bucket{{le="0.1"}} 3 {exemplar}' in openmetrics
    assert [found[f'golden_phase{{pool="red",golden_phase="{state}"}}'] for state in STATES] == [1, 0, 0]


def test_native_histograms_are_rendered_in_text_with_what_text_has() -> None:
    with shm_folder() as folder:
        path = folder / "v3.smx1"
        path.write_bytes(gzip.decompress((HERE / "golden" / "v3.smx1.gz").read_bytes()))
        path.chmod(0o600)
        done = subprocess.run(
            [program("dumpjson"), "--text", path], capture_output=True, timeout=60
        )
    text, _, openmetrics = done.stdout.decode("utf-8").partition("\n---\n")
    found = samples(text)
    assert found['golden_native_seconds_bucket{route="/items/{id}",le="+Inf"}'] == 12
    assert found['golden_native_seconds_count{route="/items/{id}"}'] == 12
    assert 'golden_native_seconds_bucket{route="/items/{id}",le="+Inf"} 12 # {trace_id=' in openmetrics
    assert found['golden_change_bucket{le="-1.0"}'] == 6
    assert found['golden_change_bucket{le="0.0"}'] == 9
    assert found['golden_change_bucket{le="2.0"}'] == 15
    assert found["golden_change_count"] == 18


def test_names_of_any_kind_are_rendered_for_every_scraper() -> None:
    with shm_folder() as folder:
        path = folder / "v4.smx1"
        path.write_bytes(gzip.decompress((HERE / "golden" / "v4.smx1.gz").read_bytes()))
        path.chmod(0o600)
        done = subprocess.run(
            [program("dumpjson"), "--text", path], capture_output=True, timeout=60
        )
    text, _, openmetrics = done.stdout.decode("utf-8").partition("\n---\n")
    # What is no letter, digit or underscore, one of it for each: ö and ß; a dot, a space, "日本", \n.
    line = 'golden_gr__e_total{an_label______="1"} 6\n'
    assert line in text and line in openmetrics


def test_without_live_writers_gauges_are_gone(golden: tuple[Path, Json]) -> None:
    path, _ = golden
    done = subprocess.run([program("dumpjson"), "--text", path], capture_output=True, timeout=60)
    text, _, openmetrics = done.stdout.decode("utf-8").partition("\n---\n")
    found = samples(text)
    assert found.items() >= samples(openmetrics).items()
    assert found['golden_requests_total{method="GET",path="/"}'] == 33
    assert not any(
        key.startswith(("golden_liveall{", "golden_livemin{", "golden_livemax{")) for key in found
    )
    assert found.get('golden_livesum{pool="blue"}', 0) == 0


def test_a_damaged_expectation_would_be_noticed(golden: tuple[Path, Json]) -> None:
    path, wanted = golden
    (latency,) = [f for f in wanted["families"] if f["name"] == "golden_latency_seconds"]
    latency["series"][1]["buckets"][0] += 1
    with held_slots(path), pytest.raises(AssertionError):
        assert_same(from_decoder(path), wanted)


def test_the_decoder_agrees_that_a_fresh_segment_is_undamaged(fresh: Path) -> None:
    command = [sys.executable, str(HERE / "decode.py"), "--check", str(fresh)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "no problems"), done.stdout
    assert L.get(fresh.read_bytes(), L.HEADER, 0, "stripe_count") == 4


def test_the_processes_used_several_stripes(golden: tuple[Path, Json]) -> None:
    """Or adding up the stripes would not have been tested."""
    path, _ = golden
    data = path.read_bytes()
    decoder = decode.Decoder(data)
    (requests,) = [f for f in decoder.decode()["families"] if f["name"] == "golden_requests"]
    at = L.get(data, L.SERIES, requests["series"][0]["offset"], "cells_or_gauge")
    stripes = [L.get(data, L.CELL, L.cell_offset(at, 0, s, 4), "count") for s in range(4)]
    assert sum(stripes) == 33 and sum(count > 0 for count in stripes) > 1
