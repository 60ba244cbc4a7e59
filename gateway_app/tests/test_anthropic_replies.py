"""What comes back from Anthropic's Messages."""

from typing import Any

import pytest

from gateway_app import exceptions as ours
from gateway_app.providers.anthropic import Anthropic
from gateway_app.tests.anthropic_wire import MODEL, block, ended, said, started, text
from gateway_app.tests.conftest import ask, chunks_of, completion_of
from gateway_app.types import ToolCall, Usage


async def test_a_stream_and_a_whole_reply_say_the_same(anthropic: Anthropic) -> None:
    request = ask("Summarize: The sea rose. The town moved uphill. Nobody was hurt.", MODEL)
    whole = await completion_of(anthropic, request, whole=True)
    assert whole == await completion_of(anthropic, request, whole=False)
    assert whole.text
    assert whole.model == f"{MODEL}-simulated"


async def test_the_input_is_counted_from_the_first_event_on(anthropic: Anthropic) -> None:
    first, *_, last = await chunks_of(anthropic, ask("Tell me of the sea.", MODEL))
    assert first.usage is not None
    assert first.usage.input_tokens > 0
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert last.usage.input_tokens == first.usage.input_tokens
    assert last.usage.output_tokens > first.usage.output_tokens


async def test_what_the_cache_read_and_wrote_is_input_and_thinking_is_not_output() -> None:
    completion = await said(
        started(input_tokens=10, cache_creation_input_tokens=20, cache_read_input_tokens=30, output_tokens=1),
        *text(0, "Hi"),
        ended(output_tokens=50, output_tokens_details={"thinking_tokens": 40}),
    )
    assert completion.usage == Usage(
        input_tokens=60, cached_tokens=30, output_tokens=10, thinking_tokens=40, total_tokens=110
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "error"),
        ("a reason of tomorrow", "error"),
    ],
)
async def test_every_stop_reason_has_ours(reason: str, expected: str) -> None:
    assert (await said(started(), *text(0, "Hi"), ended(reason))).finish_reason == expected


@pytest.mark.parametrize("piece", [1, 7, 10_000])
async def test_parallel_calls_are_put_together_from_their_pieces(piece: int) -> None:
    def call(index: int, name: str, *pieces: str) -> list[dict[str, Any]]:
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in pieces]
        return block(index, {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": {}}, *deltas)

    completion = await said(
        started(),
        *block(0, {"type": "text", "text": "Let "}, {"type": "text_delta", "text": "me look."}),
        *call(1, "first", "", '{"a": ', '"ä"}'),
        *call(2, "second"),
        ended("tool_use"),
        piece=piece,
    )
    assert completion.text == "Let me look."
    assert completion.tool_calls == (
        ToolCall(id="toolu_first", name="first", arguments='{"a": "ä"}'),
        ToolCall(id="toolu_second", name="second", arguments="{}"),
    )


async def test_events_and_blocks_of_tomorrow_are_passed_over() -> None:
    completion = await said(
        started(),
        {"type": "weather_report", "sunny": True},
        *block(0, {"type": "aura", "colour": "violet"}, {"type": "aura_delta", "hue": 7}),
        *text(1, "Hi"),
        ended(),
    )
    assert (completion.text, completion.tool_calls) == ("Hi", ())


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_start"},
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_delta", "index": "zero", "delta": {}},
        {"type": "message_delta", "delta": {"stop_reason": 7}},
    ],
    ids=lambda event: event["type"],
)
async def test_what_is_not_of_anthropics_shape_is_a_bad_reply(event: dict[str, Any]) -> None:
    with pytest.raises(ours.ProviderBadReply):
        await said(event, *text(0, "Hi"), ended())


async def test_an_overloaded_vendor_says_so_in_the_stream() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(ours.ProviderUnavailable, match="Overloaded") as caught:
        await said(started(), *text(0, "Hi"), error)
    assert caught.value.status == 529


async def test_a_stream_without_a_stop_reason_is_a_bad_reply() -> None:
    with pytest.raises(ours.ProviderBadReply, match="ended before it was finished"):
        await said(started(), *text(0, "Hi"), {"type": "message_stop"})
