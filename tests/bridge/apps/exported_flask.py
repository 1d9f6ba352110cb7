# SPDX-License-Identifier: MIT
"""exported_flask - as the README of prometheus-flask-exporter has it, with files or without"""

import os

from flask import Flask
from prometheus_flask_exporter import PrometheusMetrics
from prometheus_flask_exporter.multiprocess import GunicornInternalPrometheusMetrics

import work

app = Flask(__name__)
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    metrics = GunicornInternalPrometheusMetrics(app, group_by="url_rule")
else:
    metrics = PrometheusMetrics(app, group_by="url_rule")


@app.route("/job/<int:number>")
def job(number: int) -> str:
    return work.job(number)


@app.route("/hang")
def hang() -> str:
    work.hang()
    return ""
