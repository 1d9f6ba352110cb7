# SPDX-License-Identifier: MIT
"""test_stack - the live stack does what its traffic does: counted, scraped, recorded, written elsewhere"""

from __future__ import annotations

import math

from load import CONNECTIONS
from running import WORKERS, Stack


def total(stack: Stack, promql: str, server: str | None = None) -> float:
    return math.fsum(value for _, value in stack.query(f"sum({promql})", server))


def test_every_answer_is_counted_and_scraped(stack: Stack) -> None:
    done = stack.traffic.done
    assert done.requests > 0
    stack.until(
        "Prometheus has all that was answered",
        lambda: total(stack, "http_requests_total") >= done.requests,
        30,
    )
    for (method, endpoint, status), answered in done.answers.items():
        wanted = f'http_requests_total{{method="{method}",endpoint="{endpoint}",status_code="{status}"}}'
        assert total(stack, wanted) >= answered, wanted
    counted = total(stack, "http_requests_total")
    assert counted <= stack.traffic.done.requests + CONNECTIONS, "nothing is counted twice"
    assert total(stack, "agent_executions_total") >= done.agent_executions
    assert total(stack, "user_registrations_total") >= done.users
    assert total(stack, 'shmetrics_segment_writers{state="live"}') == WORKERS


def test_what_is_scraped_is_written_to_the_remote_store(stack: Stack) -> None:
    here = total(stack, "http_requests_total")
    stack.until(
        "VictoriaMetrics has as many requests",
        lambda: total(stack, "http_requests_total", stack.victoria) >= here,
        30,
    )


def test_nothing_fires_while_all_is_well(stack: Stack) -> None:
    recorded = "job:http_requests_errors:ratio_rate5m"
    stack.until("the error rate is recorded", lambda: stack.query(recorded), 30)
    assert stack.firing() == set()
