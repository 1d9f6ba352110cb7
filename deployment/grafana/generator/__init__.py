# SPDX-License-Identifier: MIT
"""generator - makes the dashboards from the tables of metrics

Its modules:

    tables.py     what metrics there are: the catalogue, the collector's own, Prometheus' of each scrape
    promql.py     queries, each metric and label looked up in the tables
    alerts.py     the thresholds that alerts and dashboards share
    panels.py     a panel, as Grafana's SDK builds it
    frame.py      what every dashboard has: variables, annotations, links
    overview.py, agents.py, business.py, collector.py     a dashboard each
"""
