# SPDX-License-Identifier: MIT
"""plotting - draws the panels of a dashboard from its own JSON and a Prometheus, without a Grafana

Its modules:

    asking.py     the queries of a panel, put to Prometheus
    units.py      numbers as people read them, by Grafana's names of units
    drawing.py    a panel, and a dashboard of them in their places
"""
