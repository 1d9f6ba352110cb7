# SPDX-License-Identifier: MIT
"""instrumented_fastapi - as the README of prometheus-fastapi-instrumentator has it"""

from fastapi import FastAPI
from prometheus_fastapi_instrumentator import Instrumentator

import work

app = FastAPI()


@app.get("/job/{number}")
def job(number: int) -> str:
    return work.job(number)


@app.get("/hang")
def hang() -> None:
    work.hang()


Instrumentator().instrument(app).expose(app)
