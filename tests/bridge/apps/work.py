# SPDX-License-Identifier: MIT
"""work - what each application does: a quick job, and one that never ends

The metrics here are the application's own, beside those of the package under test.
"""

import os
import time
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

JOBS = Counter("jobs", "Jobs done.", ["kind"])
SIZES = Histogram("job_size", "Sizes of jobs.", buckets=[1, 10, 100])
BUSY = Gauge("jobs_in_progress", "Jobs under way.", multiprocess_mode="livesum")


def job(number: int) -> str:
    """Counts itself; tells who did it."""
    JOBS.labels(kind="even" if number % 2 == 0 else "odd").inc()
    SIZES.observe(number % 7)
    return str(os.getpid())


def hang() -> None:
    """Until the process is killed. Leaves its pid for the one who will."""
    with BUSY.track_inprogress():
        Path(os.environ["HANG_FILE"]).write_text(str(os.getpid()))
        time.sleep(600)
