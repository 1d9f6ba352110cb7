# SPDX-License-Identifier: MIT
"""The same values, exposed by us and by client_golang, are the same to every judge in every format (I12)

The judges are the parsers of Prometheus 3 and of prometheus/common, those of prometheus_client, and promtool.
What is asked is what these scrapers send, to the letter (test_asked.py).
"""

from __future__ import annotations

import shutil
import subprocess

import pytest
from exposers import OWN, Exposer, Read, key_of, read
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

OPENMETRICS = "application/openmetrics-text;version="
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
SCRAPERS = {
    "prometheus_2.42": f"{OPENMETRICS}1.0.0,{OPENMETRICS}0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "prometheus_2.42_native": f"{PROTOBUF},{OPENMETRICS}1.0.0;q=0.8,{OPENMETRICS}0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "prometheus_3": f"{OPENMETRICS}1.0.0;escaping=allow-utf-8;q=0.7,{OPENMETRICS}0.0.1;q=0.6,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3",
    "prometheus_3_native": f"{PROTOBUF};q=0.7,"
    f"{OPENMETRICS}1.0.0;escaping=allow-utf-8;q=0.6,{OPENMETRICS}0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "vmagent": "text/plain;version=0.0.4;q=1,*/*;q=0.1",
    "curl": "*/*",
    "nothing": "",
}
FORMAT = {
    "prometheus_2.42": "application/openmetrics-text",
    "prometheus_2.42_native": "application/vnd.google.protobuf",
    "prometheus_3": "application/openmetrics-text",
    "prometheus_3_native": "application/vnd.google.protobuf",
}
SAMPLES_MIN = 45
INFO = "app_build"  # client_golang has no infos: to it this is a gauge


def described(found: Read) -> dict[str, tuple[str, str]]:
    return {name: about for name, about in found.families.items() if not name.startswith(INFO)}


def assert_same(ours: Read, reference: Read) -> None:
    assert ours.samples == reference.samples
    assert described(ours) == described(reference)
    assert ours.natives == reference.natives
    assert ours.exemplars == reference.exemplars


@pytest.mark.parametrize("scraper", SCRAPERS)
def test_prometheus_reads_the_same_of_both(judged: tuple[Exposer, Exposer], scraper: str) -> None:
    ours, reference = (exposer.scrape(SCRAPERS[scraper]) for exposer in judged)
    types = [body.content_type.split(";")[0] for body in (ours, reference)]
    assert types == [FORMAT.get(scraper, "text/plain")] * 2
    found = read("prometheus", ours)
    assert_same(found, read("prometheus", reference))
    assert len(found.samples) >= SAMPLES_MIN
    assert bool(found.natives) == ("native" in scraper)
    assert bool(found.exemplars) == (scraper in FORMAT)


@pytest.mark.parametrize("scraper", ["prometheus_2.42_native", "prometheus_3_native", "vmagent"])
def test_expfmt_reads_the_same_of_both(judged: tuple[Exposer, Exposer], scraper: str) -> None:
    found, reference = (read("expfmt", exposer.scrape(SCRAPERS[scraper])) for exposer in judged)
    assert_same(found, reference)
    assert bool(found.natives) == ("native" in scraper)


@pytest.mark.parametrize("scraper", ["prometheus_2.42", "vmagent"])
def test_prometheus_client_reads_the_same_of_both(judged: tuple[Exposer, Exposer], scraper: str) -> None:
    parse = parse_openmetrics if scraper == "prometheus_2.42" else parse_text
    values = []
    for exposer in judged:
        families = list(parse(exposer.scrape(SCRAPERS[scraper]).body.decode()))
        families = [family for family in families if not family.name.startswith(OWN)]
        samples = [sample for family in families for sample in family.samples]
        values.append({key_of(sample.name, sample.labels): float(sample.value) for sample in samples})
        assert len(values[-1]) == len(samples)
    assert values[0] == values[1]


def test_all_formats_say_the_same(judged: tuple[Exposer, Exposer]) -> None:
    """As Prometheus stores it: of a native histogram without bounds it has no buckets in protobuf."""
    text, openmetrics, protobuf = (
        read("prometheus", judged[0].scrape(SCRAPERS[scraper]))
        for scraper in ("vmagent", "prometheus_3", "prometheus_3_native")
    )
    assert text.samples == openmetrics.samples
    native = {name for name, _ in protobuf.natives}
    left_out = {key for key in text.samples if key[0].removesuffix("_bucket") in native}
    assert {key: text.samples[key] for key in text.samples.keys() - left_out} == protobuf.samples
    assert openmetrics.exemplars == protobuf.exemplars and openmetrics.exemplars


def test_promtool_finds_no_fault(judged: tuple[Exposer, Exposer]) -> None:
    if not shutil.which("promtool"):
        pytest.skip("there is no promtool; on Debian: apt-get install prometheus")
    body = judged[0].scrape("").body
    done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True)
    complaints = [line for line in done.stderr.decode().splitlines() if "no help text" not in line]
    assert done.returncode in (0, 3) and not complaints, complaints
