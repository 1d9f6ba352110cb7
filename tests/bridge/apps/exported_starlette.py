# SPDX-License-Identifier: MIT
"""exported_starlette - as the README of starlette_exporter has it"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette_exporter import PrometheusMiddleware, handle_metrics

import work


def job(request: Request) -> PlainTextResponse:
    return PlainTextResponse(work.job(request.path_params["number"]))


def hang(request: Request) -> PlainTextResponse:
    work.hang()
    return PlainTextResponse("")


app = Starlette(routes=[Route("/job/{number:int}", job), Route("/hang", hang)])
app.add_middleware(PrometheusMiddleware, group_paths=True)
app.add_route("/metrics", handle_metrics)
