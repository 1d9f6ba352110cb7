# SPDX-License-Identifier: MIT
"""collector - "shmetrics - Collector and segments": is what the others show whole, and what does it cost"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from . import alerts, frame
from .panels import GREEN, RED, UP, AnyPanel, Query, graph, number, states
from .promql import rates, select, share, values

SEGMENT = 'segment=~"$segment"'
PER_SEGMENT = ("segment",)
GOOD = {"1": ("good", GREEN), "0": ("bad", RED)}


def _of_segment(name: str, *matchers: str, by: tuple[str, ...] = PER_SEGMENT, of: str = "sum") -> str:
    return values(name, SEGMENT, *matchers, by=by, of=of)


def _fullness() -> str:
    used = _of_segment("shmetrics_segment_bytes", 'state="used"')
    return f"{used} / ({_of_segment('shmetrics_segment_bytes')} > 0)"


def _now() -> list[AnyPanel]:
    return [
        number(
            "Collector",
            "Whether Prometheus can scrape it.",
            "none",
            Query(values("up", of="min"), "up"),
            words=UP,
        ),
        number(
            "Segments",
            "Down if any segment cannot be read.",
            "none",
            Query(values("shmetrics_segment_up", SEGMENT, of="min"), "all"),
            words=UP,
        ),
        number(
            "Live writers",
            "Processes that hold a slot.",
            "short",
            Query(_of_segment("shmetrics_segment_writers", 'state="live"', by=()), "live"),
        ),
        number(
            "Configuration",
            "Whether it was good when last read. If not, the one before is in force.",
            "none",
            Query(values("shmetrics_config_last_reload_successful", of="min"), "last reload"),
            words=GOOD,
        ),
        number(
            "Configuration read",
            "When a good one was last read.",
            "dateTimeFromNow",
            Query(
                f"1000 * {values('shmetrics_config_last_reload_success_timestamp_seconds', of='max')}",
                "read",
            ),
        ),
        number(
            "Running for",
            "Time since the collector started.",
            "s",
            Query(f"time() - {values('process_start_time_seconds', of='max')}", "uptime"),
            decimals=0,
        ),
    ]


def _room() -> list[AnyPanel]:
    """What the segments hold, and what they may."""
    states_of = ("segment", "state")
    limit = _of_segment("shmetrics_segment_series_limit")
    at_limit = f"{_of_segment('shmetrics_segment_series')} / ({limit} > 0)"
    started = rates("shmetrics_segment_writers_started_total", SEGMENT, by=PER_SEGMENT)
    return [
        graph(
            "How full",
            "Bytes in use, of the bytes the segment may have. When it is full, new series are not recorded.",
            "percentunit",
            Query(_fullness(), "{{segment}}"),
            alert=alerts.SEGMENT_NEARLY_FULL,
        ),
        graph(
            "Bytes",
            "used, free (allocated, not used yet) and unallocated: together the segment's limit.",
            "bytes",
            Query(_of_segment("shmetrics_segment_bytes", by=states_of), "{{segment}} {{state}}"),
            stacked=True,
        ),
        graph(
            "Slots",
            "live: held by a process. dead: its process is gone; the next one takes it over.",
            "short",
            Query(_of_segment("shmetrics_segment_writers", by=states_of), "{{segment}} {{state}}"),
            stacked=True,
        ),
        graph(
            "Processes started",
            "Processes that began to write, per second. 0 soon after a start; not where workers die.",
            "cps",
            Query(started, "{{segment}}"),
        ),
        graph(
            "Series",
            "Series in the segment, removed ones too.",
            "short",
            Query(_of_segment("shmetrics_segment_series"), "{{segment}}"),
        ),
        graph(
            "Series, of the limit",
            "Beyond the limit all new series go to overflow series.",
            "percentunit",
            Query(at_limit, "{{segment}}"),
            alert=alerts.SERIES_NEARLY_AT_LIMIT,
        ),
    ]


def _condition() -> list[AnyPanel]:
    """Whether the segments are whole."""
    dropped = rates("shmetrics_segment_dropped_total", SEGMENT, by=("segment", "reason"))
    return [
        graph(
            "Dropped by reason",
            "What was refused or not recorded as it was asked for, per second. Anything but 0 wants a look.",
            "cps",
            Query(dropped, "{{segment}} {{reason}}"),
            stacked=True,
        ),
        graph(
            "Walk duration",
            "How long the last walk through the segment took.",
            "s",
            Query(_of_segment("shmetrics_segment_walk_duration_seconds", of="max"), "{{segment}}"),
        ),
        graph(
            "Damaged, in conflict, renamed",
            "Records that make no sense, names with more than one definition, families with a renamed label.",
            "short",
            Query(_of_segment("shmetrics_segment_damaged_records"), "{{segment}} damaged"),
            Query(_of_segment("shmetrics_segment_conflicts"), "{{segment}} in conflict"),
            Query(_of_segment("shmetrics_segment_renamed_labels"), "{{segment}} renamed"),
        ),
        graph(
            "Age",
            "Time since the segment's generation began, and its counters with it.",
            "s",
            Query(
                f"time() - {_of_segment('shmetrics_segment_created_timestamp_seconds', of='max')}",
                "{{segment}}",
            ),
            width=4,
        ),
        graph(
            "Files",
            "More than one while live processes hold a replaced file.",
            "short",
            Query(_of_segment("shmetrics_segment_files"), "{{segment}}"),
            width=4,
        ),
    ]


def _health() -> list[AnyPanel]:
    check = ("segment", "check")
    age = _of_segment("shmetrics_health_age_seconds", by=check, of="max")
    lives = _of_segment("shmetrics_health_ttl_seconds", by=check, of="min")
    return [
        states(
            "Health checks",
            "The outcome of each; a stale one is down.",
            Query(_of_segment("shmetrics_health_up", by=check, of="min"), "{{segment}} {{check}}"),
            UP,
        ),
        graph(
            "Age of outcomes, of their time to live",
            "Over 1 an outcome is stale: no worker runs the check.",
            "percentunit",
            Query(f"{age} / {lives}", "{{segment}} {{check}}"),
            alert=alerts.HEALTH_CHECK_STALE,
            width=12,
        ),
    ]


def _scrapes() -> list[AnyPanel]:
    compressed = rates("shmetrics_collector_gzip_output_bytes_total")
    plain = rates("shmetrics_collector_gzip_input_bytes_total")
    return [
        graph(
            "Scrape duration",
            "Rendering, as the collector measures it; all of it, as Prometheus does.",
            "s",
            Query(values("shmetrics_collector_scrape_duration_seconds", of="max"), "rendering"),
            Query(values("scrape_duration_seconds", of="max"), "whole scrape"),
        ),
        graph(
            "Size of a scrape",
            "Samples in a scrape, and those that are new.",
            "short",
            Query(values("scrape_samples_scraped", by=("instance",)), "{{instance}} samples"),
            Query(values("scrape_series_added", by=("instance",)), "{{instance}} new"),
        ),
        graph(
            "Scrapes",
            "Answered, and of these shared, failed and refused; per second.",
            "reqps",
            Query(rates("shmetrics_collector_scrapes_total"), "all"),
            Query(rates("shmetrics_collector_scrapes_shared_total"), "shared"),
            Query(rates("shmetrics_collector_scrapes_failed_total"), "failed"),
            Query(
                rates("shmetrics_collector_scrapes_rejected_total", by=("reason",)),
                "refused: {{reason}}",
            ),
        ),
        graph(
            "Sent",
            "Bytes of answers, as they were sent.",
            "Bps",
            Query(rates("shmetrics_collector_sent_bytes_total"), "sent"),
        ),
        graph(
            "Compression",
            "Size of compressed answers, of what they were before.",
            "percentunit",
            Query(share(compressed, plain), "compressed"),
        ),
        graph(
            "Held by answers",
            "Memory that answers hold until they are sent: slow readers make it grow.",
            "bytes",
            Query(values("shmetrics_collector_held_bytes"), "held"),
        ),
    ]


def _left_out() -> list[AnyPanel]:
    """What is not served, and to whom nothing is."""
    return [
        graph(
            "Hidden families",
            "Families that are not served with the segments together, by reason.",
            "short",
            Query(values("shmetrics_collector_families_hidden", by=("reason",)), "{{reason}}"),
            Query(values("shmetrics_collector_segments_ignored"), "segments ignored"),
        ),
        graph(
            "Handshakes and passwords",
            "TLS handshakes and requests that had to say who they are from, per second; failures among them.",
            "cps",
            Query(rates("shmetrics_collector_tls_handshakes_total"), "handshakes"),
            Query(rates("shmetrics_collector_tls_handshakes_failed_total"), "handshakes failed"),
            Query(
                rates("shmetrics_collector_client_certificates_refused_total"), "certificates refused"
            ),
            Query(rates("shmetrics_collector_authentications_total"), "authentications"),
            Query(rates("shmetrics_collector_authentications_failed_total"), "authentications failed"),
        ),
        graph(
            "Connections closed",
            "For taking too long to send a request or to read an answer, or as too many; per second.",
            "cps",
            Query(rates("shmetrics_collector_connections_reaped_total"), "took too long"),
            Query(
                rates("shmetrics_collector_connections_refused_total", by=("reason",)),
                "too many: {{reason}}",
            ),
        ),
    ]


def _process() -> list[AnyPanel]:
    return [
        graph(
            "CPU",
            "Of the collector; 100 % is one processor.",
            "percentunit",
            Query(rates("process_cpu_seconds_total", by=("instance",)), "{{instance}}"),
            width=6,
        ),
        graph(
            "Memory",
            "Of the collector, mapped segments included.",
            "bytes",
            Query(values("process_resident_memory_bytes", by=("instance",)), "{{instance}}"),
            width=6,
        ),
        graph(
            "File descriptors",
            "Open, of those it may have open.",
            "percentunit",
            Query(f"{select('process_open_fds')} / {select('process_max_fds')}", "{{instance}}"),
            width=6,
        ),
        number(
            "Version",
            "Of the collector.",
            "none",
            Query(select("shmetrics_build_info"), "{{version}}"),
            names=True,
            width=3,
        ),
        number(
            "Certificate expires",
            "In. Empty if the collector speaks plain HTTP.",
            "s",
            Query(
                f"{values('shmetrics_collector_certificate_expiry_timestamp_seconds', of='min')} - time()",
                "expires",
            ),
            width=3,
        ),
    ]


def make() -> builders.Dashboard:
    """The dashboard."""
    made = frame.begin(
        "shmetrics-collector",
        "shmetrics - Collector and segments",
        "The collector's own metrics, and what it knows of each segment and health check.",
        "shmetrics_build_info",
        frame.chosen("segment", "shmetrics_segment_up", 'job=~"$job"', text="Segments"),
    )
    frame.add_row(made, "Now", _now())
    frame.add_row(made, "Segments", [*_room(), *_condition()])
    frame.add_row(made, "Health", _health())
    frame.add_row(made, "Scrapes", [*_scrapes(), *_left_out()])
    frame.add_row(made, "Process", _process())
    return made
