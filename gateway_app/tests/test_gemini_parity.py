"""Both of Gemini's transports send the same request, and make the same of the reply."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway_app.exceptions import ProviderError, RequestRejected
from gateway_app.providers.base import Provider
from gateway_app.providers.gemini import Gemini
from gateway_app.providers.gemini_sdk import GeminiSdk
from gateway_app.testing.replay import Exchange, ReplayServer, read_exchanges
from gateway_app.testing.wire.requests import in_camel_case
from gateway_app.tests.conftest import RECORDINGS
from gateway_app.types import CompletionRequest, Image, Message, Parameters, Role, ToolCall

OWN = Path(__file__).parent / "exchanges"
RECORDED = sorted(RECORDINGS.glob("*.jsonl"))
WRITTEN = [OWN / f"{name}.jsonl" for name in ("whole", "streams", "errors")]
BASE64 = ("data", "thoughtSignature")
MADE_UP = re.compile(r"call_[0-9a-f]{32}")
"""The id of a call that the vendor gave none."""


def request_of(exchange: Exchange) -> CompletionRequest:
    """What was asked when the exchange was recorded, as far as the gateway has words for it."""
    asked = exchange.request
    given = asked.get("generationConfig", {})
    system = "".join(part.get("text", "") for part in asked.get("systemInstruction", {}).get("parts", []))
    thinking = given.get("thinkingConfig", {})
    calling = asked.get("toolConfig", {}).get("functionCallingConfig", {})
    tools = [tool for group in asked.get("tools", []) for tool in group.get("functionDeclarations", [])]
    return CompletionRequest(
        model=exchange.model,
        messages=(Message(role="system", content=system), *messages(asked.get("contents", []))),
        parameters=Parameters(
            temperature=given.get("temperature"),
            max_tokens=given.get("maxOutputTokens"),
            top_p=given.get("topP"),
            stop=tuple(given.get("stopSequences", ())),
            thinking_budget=thinking.get("thinking_budget", thinking.get("thinkingBudget")),
            json_mode="responseMimeType" in given,
            response_schema=given.get("responseJsonSchema"),
            tools=tuple(
                {name.replace("parameters_json_schema", "parameters"): value for name, value in tool.items()}
                for tool in tools
            ),
            tool_choice={"NONE": "none", "ANY": "required"}.get(calling.get("mode", ""), "auto"),
            safety_settings={"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"} if system else None,
        ),
    )


def messages(turns: list[dict[str, Any]]) -> Iterator[Message]:
    for turn in turns:
        role: Role = "assistant" if turn.get("role") == "model" else "user"
        for part in turn["parts"]:
            if "text" in part:
                yield Message(role=role, content=part["text"])
            elif blob := part.get("inlineData"):
                media_type = blob.get("mimeType") or blob["mime_type"]
                yield Message(role=role, images=(Image(media_type=media_type, data=blob["data"]),))
            elif call := part.get("functionCall"):
                arguments, signature = json.dumps(call.get("args", {})), part.get("thoughtSignature")
                asked = ToolCall(id="c", name=call["name"], arguments=arguments, signature=signature)
                yield Message(role=role, tool_calls=(asked,))
            elif told := part.get("functionResponse"):
                yield Message(role="tool", name=told["name"], content=json.dumps(told.get("response", {})))


async def through(provider: Provider, exchange: Exchange, server: ReplayServer) -> tuple[Any, Any]:
    """What went over the wire, and what came of it."""
    await provider.open()
    chunks, failure = [], None
    try:
        async for chunk in provider.stream(request_of(exchange), whole=exchange.response_sse is None):
            chunks.append(replace(chunk, tool_calls=tuple(comparable(call) for call in chunk.tool_calls)))
    except (ProviderError, RequestRejected) as exc:
        failure = (type(exc), getattr(exc, "status", None), getattr(exc, "retry_after", None))
    finally:
        await provider.close()
    sent = server.requests.last(1)[0]
    key, kind = sent.headers["x-goog-api-key"], sent.headers["content-type"]
    return (sent.method, sent.path, key, kind, normal(in_camel_case(sent.body))), (chunks, failure)


def comparable(call: ToolCall) -> ToolCall:
    signature = call.signature and one_alphabet(call.signature)
    return replace(call, id=MADE_UP.sub("made up", call.id), signature=signature)


def normal(value: Any) -> Any:
    """The SDK writes bytes in the other alphabet of base64; Google reads both."""
    if isinstance(value, dict):
        return {
            name: one_alphabet(item) if name in BASE64 and isinstance(item, str) else normal(item)
            for name, item in value.items()
        }
    return [normal(item) for item in value] if isinstance(value, list) else value


def one_alphabet(base64: str) -> str:
    return base64.replace("-", "+").replace("_", "/").rstrip("=")


async def assert_alike(path: Path) -> int:
    exchanges = read_exchanges(path)
    for exchange in exchanges:
        async with ReplayServer([exchange, exchange]) as server:
            wire = await through(Gemini(api_key="for-tests", base_url=server.url), exchange, server)
            sdk = await through(GeminiSdk(api_key="for-tests", base_url=server.url), exchange, server)
        assert wire == sdk, exchange.name or exchange.model
    return len(exchanges)


@pytest.mark.skipif(not RECORDED, reason=f"no recorded traffic in {RECORDINGS}")
async def test_every_recorded_exchange_is_alike_over_both() -> None:
    assert sum([await assert_alike(path) for path in RECORDED]) == 174


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
async def test_the_projects_own_exchanges_are_alike_over_both(path: Path) -> None:
    assert await assert_alike(path) > 5
