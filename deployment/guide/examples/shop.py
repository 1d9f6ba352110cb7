#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shop - a program to try the guide with: takes orders, has a health check, waits until it is told to stop

    SHMETRICS_SEGMENT=shop python shop.py --orders 3
"""

import argparse
import signal

from shmetrics import Counter, Histogram, health

ORDERS = Counter("orders_total", "Orders taken.", ["customer"])
TOOK = Histogram("order_duration_seconds", "Time an order took.", buckets=(0.1, 1, 10))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=1, help="how many (default 1)")
    parser.add_argument("--customers", type=int, default=1, help="of how many customers (default 1)")
    parser.add_argument("--check", action="store_true", help="with a health check, every 0.5 s")
    parser.add_argument("--once", action="store_true", help="end when the orders are taken")
    options = parser.parse_args()

    for number in range(options.orders):
        ORDERS.labels(f"c{number % options.customers}").inc()
        TOOK.observe(0.5)
    if options.check:
        health.check("database", lambda: None, interval=0.5, ttl=2)
        health.start()
    print(f"took {options.orders} orders", flush=True)
    if not options.once:
        signal.pause()


if __name__ == "__main__":
    main()
