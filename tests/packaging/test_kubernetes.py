# SPDX-License-Identifier: MIT
"""test_kubernetes - the manifests: what the API would take, what a pod may do, and that names lead somewhere

    1  each object fits the API's schema, of the oldest version and the newest; unknown fields are refused
    2  the pod fits the Pod Security Standard "restricted", and writes in its volumes alone
    3  what selects, finds; ports, paths, users are those of the images; the job is the one the rules know

    4  what is asked about the application is asked of the application
    5  the sidecar can read what the backend writes, also as another user (README)

The schemas of PodMonitor and ServiceMonitor are those of Prometheus' operator, from its Go module.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import jsonschema
import kubernetes_validate
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import BUILD, COLLECTOR, WRITER, segment_folder, wait_until  # noqa: E402
from dockerfile import Dockerfile  # noqa: E402

DEPLOYMENT = Path(__file__).resolve().parents[2] / "deployment"
VERSIONS = ("1.30", kubernetes_validate.latest_version().rpartition(".")[0])
Object = Dict[str, Any]


def load() -> Iterator[Object]:
    for path in sorted((DEPLOYMENT / "kubernetes").glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


OBJECTS = {found["kind"]: found for found in load()}
POD = OBJECTS["Deployment"]["spec"]["template"]
CONTAINERS = {one["name"]: one for one in POD["spec"]["initContainers"] + POD["spec"]["containers"]}


# ---- 1: schemas ----


MODULE = "github.com/prometheus-operator/prometheus-operator"


def strict(schema: Any) -> Any:
    """The same, with no fields but those it names: a server would leave them out, and nobody notice."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(closed.get("properties"), dict) and "x-kubernetes-preserve-unknown-fields" not in closed:
        closed.setdefault("additionalProperties", False)
    return closed


@functools.lru_cache(None)
def operator_schema(kind: str) -> Any:
    go = shutil.which("go")
    if not go:
        pytest.skip("there is no go to fetch the operator's schemas: https://go.dev/dl")
    done = subprocess.run(
        [go, "mod", "download", "-json", MODULE],
        cwd=Path(__file__).resolve().parent / "prometheus-operator",
        stdout=subprocess.PIPE,
        check=True,
    )
    folder = Path(json.loads(done.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
    definition = yaml.safe_load((folder / f"monitoring.coreos.com_{kind.lower()}s.yaml").read_text())
    (version,) = definition["spec"]["versions"]
    return strict(version["schema"]["openAPIV3Schema"])


def check(found: Object) -> None:
    """Raises unless it fits."""
    if found["apiVersion"] == "monitoring.coreos.com/v1":
        schema = operator_schema(found["kind"])
        jsonschema.Draft7Validator(schema).validate(found)
        return
    for version in VERSIONS:
        kubernetes_validate.validate(found, version, strict=True)


@pytest.mark.parametrize("kind", OBJECTS)
def test_each_object_fits_its_schema(kind: str) -> None:
    check(OBJECTS[kind])


RULES = sorted((DEPLOYMENT / "prometheus" / "rules").glob("*.yml"))


@pytest.mark.parametrize("path", RULES, ids=[path.stem for path in RULES])
def test_the_rules_fit_a_prometheus_rule_as_they_are(path: Path) -> None:
    """As the README says."""
    head = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule"}
    check({**head, "metadata": {"name": path.stem}, "spec": yaml.safe_load(path.read_text())})


def rename(where: Callable[[Object], Object], old: str, new: str) -> Callable[[Object], None]:
    def change(found: Object) -> None:
        where(found)[new] = where(found).pop(old)

    return change


def container(found: Object) -> Object:
    first: Object = found["spec"]["template"]["spec"]["containers"][0]
    return first


FAULTS = {
    "a field that is not there": ("Deployment", rename(container, "livenessProbe", "livenesProbe")),
    "a wrong type": ("Deployment", lambda found: container(found).update(ports="8000")),
    "a missing field": ("Service", lambda found: found["spec"]["ports"][0].pop("port")),
    "the operator's: not there": ("PodMonitor", lambda found: found["spec"].update(jobLable="x")),
    "the operator's: a wrong value": (
        "ServiceMonitor",
        lambda found: found["spec"]["endpoints"][0].update(interval="15 seconds"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_schemas_refuse(fault: str) -> None:
    kind, change = FAULTS[fault]
    found = copy.deepcopy(OBJECTS[kind])
    change(found)
    with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
        check(found)


# ---- 2: rights ----


def test_the_pod_is_restricted() -> None:
    spec = POD["spec"]
    context = spec["securityContext"]
    assert context["runAsNonRoot"] is True and context["runAsUser"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & spec.keys()
    for name, one in CONTAINERS.items():
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert one["resources"]["limits"]["memory"] and one["resources"]["requests"]["memory"], name
    for volume in spec["volumes"]:
        assert volume["emptyDir"]["medium"] == "Memory" and volume["emptyDir"]["sizeLimit"], volume


# ---- 3: names ----


def labels_of(found: Object) -> Dict[str, str]:
    return dict(found["metadata"]["labels"])


def selects(selector: Dict[str, str], labels: Dict[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


def test_what_selects_finds() -> None:
    service, pod = OBJECTS["Service"], labels_of(POD)
    assert selects(OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"], pod)
    assert selects(service["spec"]["selector"], pod)
    assert selects(OBJECTS["PodMonitor"]["spec"]["selector"]["matchLabels"], pod)
    assert selects(OBJECTS["ServiceMonitor"]["spec"]["selector"]["matchLabels"], labels_of(service))
    assert selects(OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"], pod)
    assert selects(OBJECTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"], pod)


def test_ports_are_found_by_their_names() -> None:
    ports = {port["name"] for one in CONTAINERS.values() for port in one["ports"]}
    served = OBJECTS["Service"]["spec"]["ports"]
    assert {port["targetPort"] for port in served} == ports
    assert {one["port"] for one in OBJECTS["PodMonitor"]["spec"]["podMetricsEndpoints"]} == {"metrics"}
    monitored = {one["port"] for one in OBJECTS["ServiceMonitor"]["spec"]["endpoints"]}
    assert monitored <= {port["name"] for port in served}
    rules = OBJECTS["NetworkPolicy"]["spec"]["ingress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == ports
    assert ["from" in rule for rule in rules if {"port": "metrics"} in rule["ports"]] == [True]


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_pod_is_made_for_the_images(name: str) -> None:
    image, one, context = Dockerfile(name), CONTAINERS[name], POD["spec"]["securityContext"]
    assert [str(port["containerPort"]) for port in one["ports"]] == image.of("EXPOSE")
    assert image.of("USER") == [f"{context['runAsUser']}:{context['runAsGroup']}"]
    mounts = {mount["mountPath"]: mount for mount in one["volumeMounts"]}
    assert mounts[image.environment()["SHMETRICS_DIR"]].get("readOnly", False) == (name == "collector")
    database = image.environment().get("DEMO_DATABASE")
    assert database is None or str(Path(database).parent) in mounts


@pytest.mark.parametrize("kind", ["PodMonitor", "ServiceMonitor"])
def test_the_job_is_the_one_that_the_rules_know(kind: str) -> None:
    of = POD if kind == "PodMonitor" else OBJECTS["Service"]
    job = labels_of(of)[OBJECTS[kind]["spec"]["jobLabel"]]
    configuration = yaml.safe_load((DEPLOYMENT / "prometheus" / "prometheus.yml").read_text())
    assert job in {scrape["job_name"] for scrape in configuration["scrape_configs"]}


# ---- 4: probes ----


def probes(name: str) -> Dict[str, Object]:
    return {key: value["httpGet"] for key, value in CONTAINERS[name].items() if key.endswith("Probe")}


def test_the_application_is_asked_about_itself() -> None:
    backend = probes("backend")
    assert {get["port"] for get in backend.values()} == {"http"}
    assert backend["readinessProbe"]["path"] == "/api/v1/health/ready"
    assert backend["livenessProbe"]["path"] == "/api/v1/health/live", "it must not depend on dependencies"


def test_the_sidecar_speaks_for_itself_alone() -> None:
    sidecar = probes("collector")
    assert sidecar.keys() == {"startupProbe", "livenessProbe"}, "a readinessProbe would speak for the pod"
    assert {(get["port"], get["path"]) for get in sidecar.values()} == {("metrics", "/-/healthy")}
    assert CONTAINERS["collector"]["restartPolicy"] == "Always", "else the pod would wait for its end"


# ---- 5: who may read ----


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """The programs and their library where every user may run them; the build may be root's alone."""
    with tempfile.TemporaryDirectory(prefix="shmetrics-programs.") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path in (WRITER, COLLECTOR, BUILD / "lib" / "libshmetrics.so.0"):
            shutil.copy(path, folder)
        yield folder


def recorded(programs: Path, segments: Path) -> "subprocess.Popen[str]":
    """A process of user 1001 that holds the segment app."""
    process = subprocess.Popen(
        [programs / WRITER.name, "app"],
        env={"SHMETRICS_DIR": str(segments), "LD_LIBRARY_PATH": str(programs)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=1001,
        group=1001,
        extra_groups=[2000],
    )
    assert process.stdout and process.stdout.readline().startswith("ok")
    return process


SERVED = {
    "segment attached": ["--segment.owner=1001"],
    "segment cannot be served": [],
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be several users")
@pytest.mark.parametrize("said", SERVED)
def test_another_user_of_the_group_reads_if_told_whose(said: str, programs: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with segment_folder() as segments, log.open("wb") as output:
        os.chown(segments, 0, 2000)
        segments.chmod(0o2770)  # as an emptyDir with fsGroup 2000
        writer = recorded(programs, segments)
        flags = [f"--segment.dir={segments}", "--web.listen-address=127.0.0.1:0", *SERVED[said]]
        reader = subprocess.Popen(
            [programs / COLLECTOR.name, *flags],
            env={"LD_LIBRARY_PATH": str(programs)},
            stderr=output,
            user=1002,
            group=1002,
            extra_groups=[2000],
        )
        try:
            wait_until(lambda: f'msg="{said}" segment=app' in log.read_text(), said)
        finally:
            for process in (reader, writer):
                process.kill()
                process.communicate()
    assert ("1001" in log.read_text()) == (said == "segment cannot be served"), "whose it is"
