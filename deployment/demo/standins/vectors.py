# SPDX-License-Identifier: MIT
"""vectors - stands in for a remote vector store.

    uvicorn standins.vectors:app --port 8002

POST /query gives the nearest texts of a namespace; the texts are those of src.knowledge. PUT /control makes
it slow or lets it fail: {"seconds": 2.0, "failing": 0.1}. Stop the process, and the backend's readiness
says so.
"""

from fastapi import FastAPI
from pydantic import BaseModel, Field

from src import knowledge

from . import behaviour


class Query(BaseModel):
    """What is looked for."""

    namespace: str = Field(max_length=100)
    vector: list[float] = Field(min_length=knowledge.DIMENSIONS, max_length=knowledge.DIMENSIONS)
    top_k: int = Field(default=3, ge=1, le=100)


app = FastAPI(title="A stand-in for a vector store")
_store = knowledge.LocalStore()
_behaviour = behaviour.Behaviour(behaviour.Control())


@app.post("/query")
async def query(wanted: Query) -> dict[str, list[dict[str, object]]]:
    """The nearest texts, best first; none in a namespace that does not exist."""
    await _behaviour.begin()
    chunks = await _store.query(wanted.namespace, wanted.vector, wanted.top_k)
    return {"matches": [{"text": chunk.text, "score": chunk.score} for chunk in chunks]}


@app.get("/health")
async def health() -> dict[str, str]:
    """That it is there."""
    return {"status": "up"}


@app.put("/control")
async def control(wanted: behaviour.Control) -> behaviour.Control:
    """Changes the behaviour from the next answer on."""
    _behaviour.control = wanted
    return wanted
