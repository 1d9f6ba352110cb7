# SPDX-License-Identifier: MIT
"""alerts - the thresholds that a panel shows; a test compares them with the alerts' own rules"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alert:
    """An alert that looks at what a panel shows. below: it fires under the threshold, not over it."""

    name: str
    threshold: float
    critical: bool = False
    below: bool = False

    @property
    def search(self) -> str:
        """Where Grafana shows it: it lists the rules of its data sources, too."""
        return f"/alerting/list?search=rule:{self.name}"


HIGH_ERROR_RATE = Alert("HighErrorRate", 0.05, critical=True)
HIGH_LATENCY = Alert("HighLatency", 5)
HIGH_AGENT_ERROR_RATE = Alert("HighAgentErrorRate", 0.10)
SLOW_AGENT_EXECUTION = Alert("SlowAgentExecution", 10)
HIGH_LLM_ERROR_RATE = Alert("HighLLMErrorRate", 0.05, critical=True)
SLOW_DATABASE_QUERIES = Alert("SlowDatabaseQueries", 1)
LOW_GROUNDING_SCORE = Alert("LowGroundingScore", 0.45, below=True)
SEGMENT_NEARLY_FULL = Alert("SegmentNearlyFull", 0.8)
SERIES_NEARLY_AT_LIMIT = Alert("SeriesNearlyAtLimit", 0.8)
HEALTH_CHECK_STALE = Alert("HealthCheckStale", 1)

ALL = tuple(value for value in globals().values() if isinstance(value, Alert))
