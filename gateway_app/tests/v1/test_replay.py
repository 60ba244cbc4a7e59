"""What Google really sent comes out of `/v1/chat/completions` as OpenAI would have said it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types import CompletionUsage

from gateway_app.testing.replay import Exchange, ReplayServer, read_exchanges
from gateway_app.tests.conftest import RECORDINGS
from gateway_app.tests.v1.conftest import MODEL, user
from llmgateway import parts
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.stack import Stack

RECORDED = sorted(RECORDINGS.glob("*.jsonl"))
REASONS = {"STOP": "stop", "MAX_TOKENS": "length"}
"""All that the recordings have."""


@pytest.fixture
def exchanges() -> list[Exchange]:
    if not RECORDED:
        pytest.skip(f"no recorded traffic in {RECORDINGS}")
    return [exchange for path in RECORDED for exchange in read_exchanges(path)]


@pytest.fixture
async def replayed(exchanges: list[Exchange], stack: Stack, tmp_path: Path) -> AsyncIterator[AsyncOpenAI]:
    """A client of a gateway whose vendor answers with one recording after the other."""
    async with ReplayServer(exchanges) as vendor:
        port = free_port()
        environment = stack.env | {"GEMINI_BASE_URL": vendor.url, "WEB_WORKERS": "1"}
        gateway = parts.gateway(environment, port=port, log=tmp_path / "gateway.log")
        await asyncio.to_thread(gateway.start)
        url, uncached = f"http://{LOOPBACK}:{port}/v1", {"Cache-Control": "no-store"}
        client = AsyncOpenAI(base_url=url, api_key=stack.key, max_retries=0, default_headers=uncached)
        async with client:
            yield client
        await asyncio.to_thread(gateway.stop)


def documents(exchange: Exchange) -> list[dict[str, Any]]:
    """The vendor's JSON objects, read without the code under test."""
    if exchange.response_sse is None:
        return [exchange.response or {}]
    lines = exchange.response_sse.splitlines()
    return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]


def expected(exchange: Exchange) -> dict[str, Any]:
    sent = documents(exchange)
    candidates = [candidate for document in sent for candidate in document.get("candidates", [])[:1]]
    pieces = [part for candidate in candidates for part in candidate.get("content", {}).get("parts", [])]
    calls = [
        (part["functionCall"]["name"], part["functionCall"].get("args", {}), part.get("thoughtSignature"))
        for part in pieces
        if "functionCall" in part
    ]
    reason = REASONS[[c["finishReason"] for c in candidates if "finishReason" in c][-1]]
    counts = [document["usageMetadata"] for document in sent if "usageMetadata" in document][-1]
    thinking = counts.get("thoughtsTokenCount", 0)
    return {
        "text": "".join(part.get("text", "") for part in pieces if not part.get("thought")),
        "calls": calls,
        "finish_reason": "tool_calls" if calls and reason == "stop" else reason,
        "prompt": counts.get("promptTokenCount", 0) + counts.get("toolUsePromptTokenCount", 0),
        "cached": counts.get("cachedContentTokenCount", 0),
        "completion": counts.get("candidatesTokenCount", 0) + thinking,
        "reasoning": thinking,
        "total": counts["totalTokenCount"],
    }


def told(
    text: str | None, calls: Iterable[Any], reason: str | None, usage: CompletionUsage | None
) -> dict[str, Any]:
    assert usage
    assert usage.prompt_tokens_details
    assert usage.completion_tokens_details
    return {
        "text": text or "",
        "calls": [
            (call.function.name, json.loads(call.function.arguments), signature(call)) for call in calls
        ],
        "finish_reason": reason,
        "prompt": usage.prompt_tokens,
        "cached": usage.prompt_tokens_details.cached_tokens,
        "completion": usage.completion_tokens,
        "reasoning": usage.completion_tokens_details.reasoning_tokens,
        "total": usage.total_tokens,
    }


def signature(call: Any) -> str | None:
    found: str | None = call.model_extra.get("extra_content", {}).get("google", {}).get("thought_signature")
    return found


async def whole(client: AsyncOpenAI) -> dict[str, Any]:
    reply = await client.chat.completions.create(model=MODEL, messages=[user("As recorded.")])
    (choice,) = reply.choices
    return told(choice.message.content, choice.message.tool_calls or (), choice.finish_reason, reply.usage)


async def streamed(client: AsyncOpenAI) -> dict[str, Any]:
    options: Any = {"include_usage": True}
    async with client.chat.completions.stream(
        model=MODEL, messages=[user("As recorded.")], stream_options=options
    ) as events:
        reply = await events.get_final_completion()
    (choice,) = reply.choices
    return told(choice.message.content, choice.message.tool_calls or (), choice.finish_reason, reply.usage)


async def test_every_recorded_reply_comes_out_as_google_sent_it(
    replayed: AsyncOpenAI, exchanges: list[Exchange]
) -> None:
    assert len(exchanges) == 174
    for exchange in exchanges:
        ask = whole if exchange.response_sse is None else streamed
        assert await ask(replayed) == expected(exchange)
