# SPDX-License-Identifier: MIT
"""tasks - a Celery application whose tasks count what they do"""

import os

from celery import Celery

import work

folder = os.environ["BROKER_FOLDER"]
app = Celery(
    "tasks",
    broker="filesystem://",
    broker_transport_options={
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": folder,
        "polling_interval": 0.05,
    },
)
app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)


@app.task
def job(number: int) -> None:
    work.job(number)


@app.task
def hang() -> None:
    work.hang()
