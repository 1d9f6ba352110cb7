# SPDX-License-Identifier: MIT
"""llm - asks a language model that speaks the OpenAI chat API.

LLM_URL and LLM_API_KEY name it; without them the stand-in answers, inside this process but through the same
HTTP client.
"""

import os

import httpx

from shmetrics import catalog
from standins import llm as standin

MODEL = os.environ.get("LLM_MODEL", "stand-in")
TIMEOUT_SECONDS = 30.0


class LLM:
    """The model of this worker."""

    def __init__(self) -> None:
        url, key = os.environ.get("LLM_URL"), os.environ.get("LLM_API_KEY")
        self._client = httpx.AsyncClient(
            base_url=url or "http://stand-in",
            transport=None if url else httpx.ASGITransport(app=standin.app),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=TIMEOUT_SECONDS,
        )

    async def ask(self, operation: str, question: str, context: str) -> str:
        """An answer from the context. operation: what it is for, a label. Fails: httpx.HTTPError."""
        messages = [
            {"role": "system", "content": f"Answer from the context alone. Context: {context}"},
            {"role": "user", "content": question},
        ]
        with catalog.track_llm(MODEL, operation) as call:
            answer = await self._client.post(
                "/v1/chat/completions", json={"model": MODEL, "messages": messages}
            )
            answer.raise_for_status()
            completion = answer.json()
            usage = completion["usage"]
            call.tokens(prompt=usage["prompt_tokens"], completion=usage["completion_tokens"])
        return str(completion["choices"][0]["message"]["content"])

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()
