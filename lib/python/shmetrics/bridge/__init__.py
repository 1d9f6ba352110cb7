# SPDX-License-Identifier: MIT
"""bridge - an unmodified prometheus_client that records into the segment

Import it before the first metric, or run the program by `shmetrics run --bridge -- ...`, with no
change to its code. From then on:

- Metrics on prometheus_client.REGISTRY record into the segment of SHMETRICS_SEGMENT or configure().
  Other registries stay private to the process. Where PROMETHEUS_MULTIPROC_DIR is set, metrics on
  every registry record into the segment, as they would go into its files; no file is written.
- generate_latest(REGISTRY) and a registry with a MultiProcessCollector serve the whole segment: the
  records of all processes. Custom collectors and those of process, platform and garbage collector
  go on as before.
- Gauges forget a dead process by themselves; mark_process_dead() does nothing. multiprocess_mode
  means what it means there.
- A histogram's observation is one atomic operation: count and sum never disagree.
- What its multiprocess mode cannot do works: Info, Enum, exemplars, x_created, remove() and clear().

Without a segment, or with one that cannot be opened, prometheus_client is left as it is, with its
multiprocess mode if that is set. A metric that the segment refuses (such as a name in UTF-8) stays
the process's own, and the logger "shmetrics" says so once.

What does not carry over:

- Native histograms.
- Metrics made with registry=None and registered afterwards, and any metric made before the bridge
  was imported: the process's own.
- A metric that is unregistered stays in the segment, and who defines it again goes on with its
  numbers. Defined again with another type, labels, buckets or mode, it is the process's own.
- The mode "all" adds a label pid, also to what generate_latest(REGISTRY) gives; get_sample_value()
  without it means this process. So a gauge of that mode with a label "pid" is the process's own.
- Of a gauge with set_function() the segment has the value of the last generate_latest() in its
  process.
- child._value.get() of a counter is the total of all processes. Writing to the values behind a
  histogram (child._sum, child._buckets) does nothing.
"""

from __future__ import annotations

from . import install

install.install()
