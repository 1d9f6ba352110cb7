# SPDX-License-Identifier: MIT
"""running - the whole stack on the loopback interface, and what tests may do to it

    traffic -> backend (4 workers) -> segment -> collector -> Prometheus -> Alertmanager -> receivers
               PostgreSQL, Redis, stand-ins                             -> VictoriaMetrics

The configurations of Prometheus and Alertmanager are deployment's own (configured.py).
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import configured
import serving
from certificates import Authority
from command import COLLECTOR
from dependencies import Dependency, postgresql, redis_server
from load import Load
from programs import Program
from receivers import Receivers

SEGMENT = "convergeai"
WORKERS = 4
HEALTHY = {"failing": 0.02}  # of the model's answers: there are errors to be shown, and no alert

Vector = list[tuple[dict[str, str], float]]
Result = TypeVar("Result")


class StandIn:
    """A stand-in's faults."""

    def __init__(self, url: str, healthy: dict[str, float]) -> None:
        self.url = url
        self._healthy = healthy

    def be(self, **control: float) -> None:
        """seconds, failing, and of the model inventing; what is not named is as always."""
        content = json.dumps({**self._healthy, **control}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/control", content, headers, method="PUT")
        with urllib.request.urlopen(request, timeout=30):
            pass

    def be_healthy(self) -> None:
        self.be()


class Stack:
    """All programs of it, by name: backend, collector, prometheus, alertmanager, victoria, llm, vectors."""

    def __init__(
        self, programs: dict[str, Program], of: dict[str, Dependency], receivers: Receivers
    ) -> None:
        self.programs = programs
        self.dependencies = of  # database, redis: stop() and start() them
        self.receivers = receivers
        self.backend = programs["backend"].url
        self.collector = programs["collector"].url
        self.prometheus = programs["prometheus"].url
        self.alertmanager = programs["alertmanager"].url
        self.victoria = programs["victoria"].url
        self.llm = StandIn(programs["llm"].url, HEALTHY)
        self.vectors = StandIn(programs["vectors"].url, {})
        self.traffic = Load(self.backend)

    def query(self, promql: str, server: str | None = None) -> Vector:
        """The series that an expression gives now, at Prometheus or another server with its interface."""
        data = self.ask(f"/api/v1/query?{urllib.parse.urlencode({'query': promql})}", server)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        assert data["resultType"] == "vector", f"{promql} is a {data['resultType']}"
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def ask(self, path: str, server: str | None = None) -> Any:
        """The data of Prometheus' answer."""
        try:
            with urllib.request.urlopen((server or self.prometheus) + path, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code}: {error.read().decode()}") from None

    def until(self, what: str, fact: Callable[[], Result], seconds: float) -> Result:
        """The first true result; past the deadline a failure that says what was waited for."""
        end = time.monotonic() + seconds
        while not (result := fact()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds:g} s: {what}; there is {result!r}")
            time.sleep(0.1)
        return result

    def firing(self) -> set[str]:
        """The names of the alerts that fire, says Prometheus."""
        return {labels["alertname"] for labels, _ in self.query('ALERTS{alertstate="firing"}')}

    def kill(self, name: str) -> None:
        """Ends its processes by SIGKILL, workers and all."""
        self.programs[name].kill()

    def stop(self, name: str) -> None:
        """Asks it to end, and waits."""
        self.programs[name].stop()

    def restart(self, name: str) -> None:
        """On the same port, and until it is up; stopped before where it still runs."""
        program = self.programs[name]
        program.stop()
        program.launch()
        program.wait_until_up()

    def workers(self) -> list[int]:
        """The backend's processes that answer requests."""
        pids = self.programs["backend"].pids()
        return [pid for pid in pids if serving.is_spawned(serving.command_line(pid))]

    def suspend(self, name: str, workers: int = WORKERS) -> None:
        """By SIGSTOP; of the backend so many of its workers."""
        self._signal(name, signal.SIGSTOP, workers)

    def resume(self, name: str) -> None:
        self._signal(name, signal.SIGCONT, WORKERS)

    def _signal(self, name: str, which: signal.Signals, workers: int) -> None:
        program = self.programs[name]
        program.signal(self.workers()[:workers] if name == "backend" else program.pids(), which)


def _uvicorn(app: str, *more: object) -> Callable[[int], list[object]]:
    quiet = ["--host", "127.0.0.1", "--no-access-log", "--log-level", "critical"]
    return lambda port: [sys.executable, "-m", "uvicorn", app, *quiet, "--port", port, *more]


def _small(folder: Path) -> dict[str, Program]:
    """What depends on nothing else."""
    demo = {"folder": folder, "cwd": serving.DEMO, "env": {"PYTHONDONTWRITEBYTECODE": "1"}}

    def victoria(port: int) -> list[object]:
        store = [f"-storageDataPath={folder}/victoria", "-retentionPeriod=1"]
        fresh = ["-search.latencyOffset=0s", "-search.disableCache"]
        return ["victoria-metrics", f"-httpListenAddr=127.0.0.1:{port}", *store, *fresh]

    return {
        "llm": Program("llm", _uvicorn("standins.llm:app"), "/v1/models", **demo),
        "vectors": Program("vectors", _uvicorn("standins.vectors:app"), "/health", **demo),
        "victoria": Program("victoria", victoria, "/health", folder),
    }


def _backend(folder: Path, segments: Path, of: dict[str, Dependency], urls: dict[str, str]) -> Program:
    """Hung workers stay: uvicorn would kill them after 5 s."""
    env = {
        **serving.environment(segments, folder),
        "SHMETRICS_SEGMENT": SEGMENT,
        "DATABASE_URL": f"postgresql://test@127.0.0.1:{of['database'].port}/postgres",
        "REDIS_URL": f"redis://127.0.0.1:{of['redis'].port}",
        "VECTOR_STORE_URL": urls["vectors"],
        "LLM_URL": urls["llm"],
    }
    command = _uvicorn("src.main:app", "--workers", WORKERS, "--timeout-worker-healthcheck", 600)
    return Program("backend", command, "/api/v1/health/ready", folder, env, serving.DEMO)


def _collector(folder: Path, segments: Path) -> Program:
    def command(port: int) -> list[object]:
        flags = [f"--segment={SEGMENT}", f"--segment.dir={segments}"]
        return [COLLECTOR, *flags, f"--web.listen-address=127.0.0.1:{port}"]

    return Program("collector", command, "/health", folder)


def _alertmanager(folder: Path, receivers: Receivers, authority: Authority) -> Program:
    config = configured.alertmanager(folder, receivers, authority.certificate)

    def command(port: int) -> list[object]:
        files = [f"--config.file={config}", f"--storage.path={folder}/alertmanager-data"]
        listen = [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
        return ["prometheus-alertmanager", *files, *listen]

    return Program("alertmanager", command, "/-/ready", folder)


def _prometheus(folder: Path, programs: dict[str, Program]) -> Program:
    ports = {name: programs[name].port for name in ("collector", "alertmanager", "victoria")}
    config = configured.prometheus(folder, **ports)

    def command(port: int) -> list[object]:
        files = [f"--config.file={config}", f"--storage.tsdb.path={folder}/prometheus-data"]
        listen = [f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle"]
        times = ["--rules.alert.resend-delay=5s", "--storage.remote.flush-deadline=1s"]
        features = "--enable-feature=exemplar-storage,native-histograms"
        return ["prometheus", *files, *listen, *times, features, "--log.level=warn"]

    return Program("prometheus", command, "/-/ready", folder)


def _launch(program: Program, atexit: contextlib.ExitStack) -> None:
    program.launch()
    atexit.callback(program.stop)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """The stack, up and with traffic; all of it is ended, Prometheus before what it writes to."""
    with contextlib.ExitStack() as atexit:
        segments = atexit.enter_context(serving.segment_folder())
        data = Path(atexit.enter_context(tempfile.TemporaryDirectory(prefix="shmetrics-stack.")))
        data.chmod(0o755)  # the database has a user of its own
        authority = Authority(data, "authority")
        pair = authority.issue("server")
        receivers = Receivers()
        atexit.callback(receivers.start(pair))
        programs = {**_small(folder), "collector": _collector(folder, segments)}
        programs["alertmanager"] = _alertmanager(folder, receivers, authority)
        for program in programs.values():
            _launch(program, atexit)
        of = {"database": postgresql(data), "redis": redis_server(data)}
        for dependency in of.values():
            atexit.callback(dependency.stop)
            dependency.start()
        urls = {name: program.url for name, program in programs.items()}
        programs["backend"] = _backend(folder, segments, of, urls)
        _launch(programs["backend"], atexit)
        programs["prometheus"] = _prometheus(folder, programs)
        stack = Stack(programs, of, receivers)
        for name in programs:
            if name != "prometheus":
                programs[name].wait_until_up()
        stack.until("all workers are up", lambda: len(stack.workers()) == WORKERS, 60)
        stack.llm.be_healthy()
        stack.traffic.burst()
        _launch(programs["prometheus"], atexit)
        programs["prometheus"].wait_until_up()
        stack.until("it has been scraped", lambda: stack.query("up") and not stack.firing(), 60)
        stack.traffic.start()
        atexit.callback(stack.traffic.stop)
        yield stack
