"""What goes to Anthropic and comes from there, as tests say it."""

import json
from typing import Any

from gateway_app.providers.anthropic import Anthropic
from gateway_app.testing.simulator import Simulator
from gateway_app.tests.conftest import ask, chunks_of, completion_of
from gateway_app.tests.scripted_vendor import in_pieces, scripted_vendor
from gateway_app.types import Completion, CompletionRequest, Message, Parameters

MODEL = "claude-sonnet-5-5"


async def sent(
    anthropic: Anthropic,
    simulator: Simulator,
    *messages: Message,
    model: str = MODEL,
    parameters: Parameters | None = None,
) -> dict[str, Any]:
    """The body that `messages` with `parameters` go out as."""
    asked = messages or (Message(role="user", content="Hello"),)
    request = CompletionRequest(model=model, messages=asked, parameters=parameters or Parameters())
    await chunks_of(anthropic, request, whole=True)
    body: dict[str, Any] = simulator.requests()[-1].body
    return body


async def said(*events: dict[str, Any], piece: int = 10_000) -> Completion:
    """What comes of a reply that Anthropic sends as `events`, `piece` bytes at a time."""
    data = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    async with scripted_vendor(*in_pieces(data.encode(), piece)) as url:
        adapter = Anthropic(api_key="k", base_url=url)
        await adapter.open()
        try:
            return await completion_of(adapter, ask("Hello", MODEL), whole=False)
        finally:
            await adapter.close()


def started(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"model": MODEL, "content": [], "usage": usage}}


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def ended(reason: str = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}
