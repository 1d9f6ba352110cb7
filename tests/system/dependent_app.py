# SPDX-License-Identifier: MIT
"""dependent_app - an application with a database, Redis and a vector store: test_readiness.py serves it

Each run of the check of the database is noted in the file HEALTH_RUNS, with the process that ran it.
"""

import os

import httpx
import psycopg
import redis
from fastapi import FastAPI

from shmetrics import health

app = FastAPI()
cache = redis.Redis(
    port=int(os.environ["HEALTH_REDIS_PORT"]), socket_timeout=2, socket_connect_timeout=2
)
vectors = httpx.AsyncClient(base_url=f"http://127.0.0.1:{os.environ['HEALTH_VECTOR_PORT']}")


async def ping_database() -> None:
    with open(os.environ["HEALTH_RUNS"], "a") as runs:
        runs.write(f"{os.getpid()}\n")
    async with await psycopg.AsyncConnection.connect(os.environ["HEALTH_DATABASE"]) as connection:
        await connection.execute("SELECT 1")


async def ping_vectors() -> None:
    (await vectors.get("/")).raise_for_status()


times = {"interval": 1.0, "ttl": float(os.environ["HEALTH_TTL"]), "timeout": 4.0}
health.check("database", ping_database, **times)
health.check("redis", cache.ping, **times)
health.check("pinecone", ping_vectors, **times)
health.mount(app)
