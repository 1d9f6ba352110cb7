# SPDX-License-Identifier: MIT
"""knowledge - what the assistant knows, and the search for it by vectors.

A text's vector counts its words, each at the place its hash gives; the nearest texts are those at the
smallest angle. That is little, and enough to behave like a vector store: namespaces, scores, nothing found.
The search is local, or in a remote store where VECTOR_STORE_URL names one.
"""

import math
import os
import re
import zlib
from typing import NamedTuple, Protocol

import httpx

DIMENSIONS = 256
TOP_K = 3
LEAST_SCORE = 0.1

TEXTS = {
    "faq": (
        "We are open from Monday to Friday, from 8 to 18 o'clock. Bookings are possible at any time.",
        "A booking can be cancelled free of charge until the day before. Write: cancel, and its number.",
        "We accept cards and bank transfer. Payment is due when the work is done.",
        "Our workers bring their own tools and materials. You do not need to prepare anything.",
        "If something went wrong, complain with the number of the booking. We answer within one working day.",
    ),
    "services": (
        "Cleaning: two workers clean a flat in three hours. Windows are included. It costs 90 euros.",
        "Gardening: a gardener mows and plants for half a day. Waste is taken along. It costs 140 euros.",
        "Painting: two painters paint a room in one day. Paint in white is included. It costs 420 euros.",
        "Plumbing: a plumber comes within the day. The first hour costs 80 euros, material is extra.",
    ),
}

_WORD = re.compile(r"\w{3,}")


class Chunk(NamedTuple):
    """A text that was found; score: the cosine of the angle to the question, 1 for the same words."""

    text: str
    score: float


class Store(Protocol):
    """Whatever can be asked for the nearest texts."""

    async def query(self, namespace: str, vector: list[float], top_k: int) -> list[Chunk]: ...


def words(text: str) -> set[str]:
    """The words of a text that count, in lower case, without a plural's s."""
    return {word.lower().removesuffix("s") for word in _WORD.findall(text)}


def embed(text: str) -> list[float]:
    """The vector of a text, of length 1 (or 0 for a text without words)."""
    vector = [0.0] * DIMENSIONS
    for word in words(text):
        vector[zlib.crc32(word.encode()) % DIMENSIONS] += 1.0
    length = math.sqrt(math.fsum(x * x for x in vector))
    return [x / length for x in vector] if length else vector


class LocalStore:
    """All texts in this process."""

    def __init__(self) -> None:
        self._texts = {
            namespace: [(text, embed(text)) for text in texts] for namespace, texts in TEXTS.items()
        }

    async def query(self, namespace: str, vector: list[float], top_k: int) -> list[Chunk]:
        """The nearest texts of a namespace, best first, those below LEAST_SCORE left out."""
        found = (
            Chunk(text, math.fsum(x * y for x, y in zip(vector, other)))
            for text, other in self._texts.get(namespace, ())
        )
        near = sorted(found, key=lambda chunk: chunk.score, reverse=True)
        return [chunk for chunk in near[:top_k] if chunk.score >= LEAST_SCORE]


class RemoteStore:
    """A store behind HTTP, such as standins/vectors.py."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=5.0)

    async def query(self, namespace: str, vector: list[float], top_k: int) -> list[Chunk]:
        """Asks it. Fails: httpx.HTTPError."""
        answer = await self._client.post(
            "/query", json={"namespace": namespace, "vector": vector, "top_k": top_k}
        )
        answer.raise_for_status()
        return [Chunk(match["text"], match["score"]) for match in answer.json()["matches"]]

    async def check(self) -> None:
        """For readiness. Fails: httpx.HTTPError."""
        (await self._client.get("/health")).raise_for_status()


def open_store() -> Store:
    """The store of this worker."""
    url = os.environ.get("VECTOR_STORE_URL")
    return RemoteStore(url) if url else LocalStore()


def grounding(answer: str, chunks: list[Chunk]) -> float:
    """The part of the words of an answer that the texts have it was made from, 0 to 1."""
    said = words(answer)
    known = set().union(*(words(chunk.text) for chunk in chunks))
    return len(said & known) / len(said) if said else 0.0
