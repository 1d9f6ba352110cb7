# SPDX-License-Identifier: MIT
"""llm - stands in for a language model behind an OpenAI-style HTTP API.

    uvicorn standins.llm:app --port 8001

POST /v1/chat/completions answers from what the request itself holds: the context that came with the
question, shortened. It knows nothing else, so its answers are always the same. PUT /control makes
it slow, lets it fail or make things up: {"seconds": 2.0, "failing": 0.1, "inventing": 0.5} delays every
answer, fails one in ten with 500, and makes every other one of words that the context has not. A question
with the words "out of order" always fails.
"""

import re
import time
from typing import Literal

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from . import behaviour

_WORD = re.compile(r"\w+")
ANSWER_SENTENCES = 2
MADE_UP = "Unicorns juggle purple teapots beneath marzipan volcanoes."


class Message(BaseModel):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=100_000)


class Completion(BaseModel):
    """What is asked for. Other parameters of the real API are accepted and have no effect."""

    model: str = Field(max_length=100)
    messages: list[Message] = Field(min_length=1, max_length=100)


class Control(behaviour.Control):
    """Also the part of the answers that are made up."""

    inventing: float = Field(default=0.0, ge=0, le=1)


app = FastAPI(title="A stand-in for a language model")
_behaviour = behaviour.Behaviour(Control())


def _tokens(text: str) -> int:
    """Roughly what a tokenizer makes of it: words."""
    return len(_WORD.findall(text))


def _answer(messages: list[Message]) -> str:
    """The first sentences of the context; what the user said if there is none."""
    context = " ".join(message.content for message in messages if message.role == "system")
    text = context.partition("Context:")[2].strip() or messages[-1].content
    return " ".join(re.split(r"(?<=[.!?])\s+", text)[:ANSWER_SENTENCES])


@app.post("/v1/chat/completions")
async def complete(asked: Completion) -> dict[str, object]:
    """One completion, with the tokens it used."""
    number = await _behaviour.begin()
    if "out of order" in asked.messages[-1].content:
        raise HTTPException(500, "failed, as it was told")
    assert isinstance(_behaviour.control, Control)
    invents = behaviour.is_due(number, _behaviour.control.inventing)
    answer = MADE_UP if invents else _answer(asked.messages)
    prompt_tokens = sum(_tokens(message.content) for message in asked.messages)
    completion_tokens = _tokens(answer)
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


@app.get("/v1/models")
async def models() -> dict[str, object]:
    """The one model; a cheap question for health checks."""
    return {"object": "list", "data": [{"id": "stand-in", "object": "model"}]}


@app.put("/control")
async def control(wanted: Control) -> Control:
    """Changes the behaviour from the next answer on."""
    _behaviour.control = wanted
    return wanted
