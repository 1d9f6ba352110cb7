# SPDX-License-Identifier: MIT
"""A program written for prometheus_client's multiprocess mode, with nothing but its import changed."""

from __future__ import annotations

from conftest import Run


def test_it_goes_on_as_it_was(run: Run) -> None:
    run(
        """
        import os
        from shmetrics import CollectorRegistry, Counter, Gauge, generate_latest, multiprocess

        requests = Counter("requests", "Requests.", ["code"])
        busy = Gauge("busy", "Busy.", multiprocess_mode="livesum")

        def metrics():
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            return generate_latest(registry)

        def child_exit(server, worker):
            multiprocess.mark_process_dead(worker)

        pid = os.fork()
        if pid == 0:
            requests.labels("200").inc(41)
            busy.inc()
            os._exit(0)
        assert os.wait()[1] == 0
        child_exit(None, pid)
        requests.labels("200").inc()
        text = metrics()
        for expected in (
            b'# TYPE requests_total counter\\nrequests_total{code="200"} 42.0\\n',
            b"# TYPE busy gauge\\nbusy 0.0\\n",
        ):
            assert expected in text, text
        assert b"process_" not in text
        """
    )
