"""What Google really sent comes out of the adapter as Google sent it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway_app.exceptions import (
    GatewayError,
    ModelNotFound,
    ProviderBadReply,
    ProviderDenied,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway_app.testing.replay import Exchange, ReplayServer, read_exchanges
from gateway_app.tests.conftest import RECORDINGS, OpenGemini, ask, completion_of
from gateway_app.types import Completion, Usage

OWN = Path(__file__).parent / "exchanges"
RECORDED = sorted(RECORDINGS.glob("*.jsonl"))
UNFINISHED = {
    "no-candidates": ProviderBadReply,
    "ends-without-a-finish-reason": ProviderBadReply,
    "error-in-mid-stream": ProviderUnavailable,
}
ERRORS = {
    "400-invalid-argument": ProviderRefused,
    "400-api-key-invalid": ProviderDenied,
    "400-failed-precondition": ProviderRefused,
    "401": ProviderDenied,
    "403": ProviderDenied,
    "404": ModelNotFound,
    "429-with-retry-info": ProviderRateLimited,
    "429-without-retry-info": ProviderRateLimited,
    "500": ProviderUnavailable,
    "503": ProviderUnavailable,
    "504": ProviderTimeout,
}
WRITTEN = [OWN / "whole.jsonl", OWN / "streams.jsonl"]


def documents(exchange: Exchange) -> list[dict[str, Any]]:
    """The reply's JSON objects, read without the code under test."""
    if exchange.response_sse is None:
        return [exchange.response or {}]
    lines = exchange.response_sse.replace("\r\n", "\n").split("\n")
    return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]


def parts(exchange: Exchange) -> Iterator[dict[str, Any]]:
    for document in documents(exchange):
        for candidate in document.get("candidates", [])[:1]:
            yield from candidate.get("content", {}).get("parts", [])


def text(exchange: Exchange) -> str:
    return "".join(part["text"] for part in parts(exchange) if "text" in part and not part.get("thought"))


def calls(exchange: Exchange) -> list[tuple[str, Any]]:
    found = [part["functionCall"] for part in parts(exchange) if "functionCall" in part]
    return [(call["name"], call.get("args", {})) for call in found]


def finish_reason(exchange: Exchange) -> str:
    candidates = [c for document in documents(exchange) for c in document.get("candidates", [])[:1]]
    sent = [c["finishReason"] for c in candidates if "finishReason" in c]
    if not sent:
        return "content_filter"  # blocked before the first word
    if sent[-1] == "STOP":
        return "tool_calls" if calls(exchange) else "stop"
    if sent[-1] == "MAX_TOKENS":
        return "length"
    return "content_filter" if sent[-1] in ("SAFETY", "RECITATION", "PROHIBITED_CONTENT") else "error"


def usage(exchange: Exchange) -> Usage:
    counts = [d["usageMetadata"] for d in documents(exchange) if "usageMetadata" in d][-1]

    def of(modality: str, details: str) -> int:
        return sum(each["tokenCount"] for each in counts.get(details, ()) if each["modality"] == modality)

    return Usage(
        input_tokens=counts.get("promptTokenCount", 0) + counts.get("toolUsePromptTokenCount", 0),
        cached_tokens=counts.get("cachedContentTokenCount", 0),
        output_tokens=counts.get("candidatesTokenCount", 0),
        thinking_tokens=counts.get("thoughtsTokenCount", 0),
        total_tokens=counts["totalTokenCount"],
        input_audio_tokens=of("AUDIO", "promptTokensDetails"),
        cached_audio_tokens=of("AUDIO", "cacheTokensDetails"),
        output_audio_tokens=of("AUDIO", "candidatesTokensDetails"),
        input_image_tokens=of("IMAGE", "promptTokensDetails"),
        output_image_tokens=of("IMAGE", "candidatesTokensDetails"),
    )


def assert_as_sent(completion: Completion, exchange: Exchange) -> None:
    assert completion.text == text(exchange)
    assert [(call.name, json.loads(call.arguments)) for call in completion.tool_calls] == calls(exchange)
    assert completion.finish_reason == finish_reason(exchange)
    assert completion.usage == usage(exchange)
    assert completion.model == documents(exchange)[-1].get("modelVersion", completion.model)


async def replay(path: Path, open_gemini: OpenGemini, *, piece_bytes: int | None = None) -> int:
    exchanges = [exchange for exchange in read_exchanges(path) if exchange.name not in UNFINISHED]
    async with (
        ReplayServer(exchanges, piece_bytes=piece_bytes) as server,
        open_gemini(server.url) as gemini,
    ):
        for exchange in exchanges:
            whole = exchange.response_sse is None
            completion = await completion_of(gemini, ask("As recorded.", exchange.model), whole=whole)
            assert_as_sent(completion, exchange)
    return len(exchanges)


@pytest.mark.skipif(not RECORDED, reason=f"no recorded traffic in {RECORDINGS}")
async def test_every_recorded_reply_comes_out_as_google_sent_it(open_gemini: OpenGemini) -> None:
    assert sum([await replay(path, open_gemini) for path in RECORDED]) == 174


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
async def test_the_projects_own_exchanges_come_out_as_written(path: Path, open_gemini: OpenGemini) -> None:
    assert await replay(path, open_gemini) > 5


@pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
async def test_a_stream_may_be_cut_into_packets_anywhere(piece_bytes: int, open_gemini: OpenGemini) -> None:
    await replay(OWN / "streams.jsonl", open_gemini, piece_bytes=piece_bytes)


def failing() -> list[tuple[Exchange, type[GatewayError]]]:
    expected = UNFINISHED | ERRORS
    files = [*WRITTEN, OWN / "errors.jsonl"]
    found = [exchange for path in files for exchange in read_exchanges(path) if exchange.name in expected]
    assert {exchange.name for exchange in found} == set(expected)
    return [(exchange, expected[exchange.name]) for exchange in found]


@pytest.mark.parametrize(("exchange", "expected"), failing(), ids=lambda value: getattr(value, "name", ""))
async def test_a_reply_that_is_none_has_an_exception(
    exchange: Exchange, expected: type[GatewayError], open_gemini: OpenGemini
) -> None:
    async with ReplayServer([exchange]) as server, open_gemini(server.url) as gemini:
        with pytest.raises(expected) as caught:
            await completion_of(gemini, ask("Hello"), whole=exchange.response_sse is None)
    assert type(caught.value) is expected
