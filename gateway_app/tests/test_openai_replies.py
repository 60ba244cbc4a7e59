"""What comes back in OpenAI's dialect, and what compatible servers do otherwise."""

import json
from typing import Any

import pytest

from gateway_app import exceptions as ours
from gateway_app.providers.openai import OpenAI
from gateway_app.tests.city_tools import TIME, WEATHER
from gateway_app.tests.conftest import ask, chunks_of, completion_of
from gateway_app.tests.scripted_vendor import in_pieces, scripted_vendor
from gateway_app.types import Completion, CompletionRequest, Message, Parameters, ToolCall, Usage

MODEL = "gpt-4.1-mini"


async def said(*events: dict[str, Any] | str, whole: bool = False, piece: int = 10_000) -> Completion:
    """What comes of a reply that a vendor sends as `events`, `piece` bytes at a time."""
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    data = texts[0] if whole else "".join(f"data: {text}\n\n" for text in texts)
    async with scripted_vendor(*in_pieces(data.encode(), piece)) as url:
        adapter = OpenAI(api_key="", base_url=url)
        await adapter.open()
        try:
            return await completion_of(adapter, ask("Hello", MODEL), whole=whole)
        finally:
            await adapter.close()


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def usage(**counts: Any) -> dict[str, Any]:
    return {"choices": [], "usage": counts}


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_parallel_calls_come_out_whole_and_their_results_go_back(openai: OpenAI, whole: bool) -> None:
    question = Message(role="user", content="What are the weather and the time of the city of Oslo?")
    asked = CompletionRequest(model=MODEL, messages=(question,), parameters=Parameters(tools=(WEATHER, TIME)))
    first = await completion_of(openai, asked, whole=whole)
    assert first.finish_reason == "tool_calls"
    assert [call.name for call in first.tool_calls] == ["get_weather", "get_time"]
    assert [json.loads(call.arguments) for call in first.tool_calls] == [{"city": "Oslo"}] * 2
    assert len({call.id for call in first.tool_calls}) == 2

    results = tuple(
        Message(role="tool", tool_call_id=call.id, content=f"{call.name} says 7") for call in first.tool_calls
    )
    turn = Message(role="assistant", tool_calls=first.tool_calls)
    second = await completion_of(
        openai, CompletionRequest(model=MODEL, messages=(question, turn, *results)), whole=whole
    )
    assert "get_weather says 7" in second.text
    assert "get_time says 7" in second.text


async def test_a_stream_and_a_whole_reply_say_the_same(openai: OpenAI) -> None:
    request = ask("Summarize: The sea rose. The town moved uphill. Nobody was hurt.", "gpt-5-mini")
    whole = await completion_of(openai, request, whole=True)
    assert whole == await completion_of(openai, request, whole=False)
    assert whole.text
    assert whole.model == "gpt-5-mini-simulated"


async def test_only_the_last_chunk_says_why_it_ended_and_what_was_used(openai: OpenAI) -> None:
    *before, last = await chunks_of(openai, ask("Tell me of the sea.", MODEL))
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert all(chunk.finish_reason is None and chunk.usage is None for chunk in before)


async def test_cached_and_reasoning_tokens_are_told_apart(openai: OpenAI) -> None:
    request = ask("Summarize: " + "The sea rose. " * 1000, "gpt-5-mini")
    await completion_of(openai, request, whole=True)
    used = (await completion_of(openai, request, whole=False)).usage
    assert used.cached_tokens >= 1024
    assert used.thinking_tokens > 0
    assert used.total_tokens == used.input_tokens + used.output_tokens + used.thinking_tokens


async def test_what_was_sound_and_what_images_is_known() -> None:
    told = usage(
        prompt_tokens=90,
        completion_tokens=50,
        prompt_tokens_details={"audio_tokens": 60, "image_tokens": 20},
        completion_tokens_details={"audio_tokens": 40},
    )
    found = (await said(delta("stop", content="Hi"), told, "[DONE]")).usage
    assert (found.input_audio_tokens, found.input_image_tokens, found.output_audio_tokens) == (60, 20, 40)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 30, "total_tokens": 40},
            Usage(input_tokens=10, output_tokens=5, thinking_tokens=25, total_tokens=40),
            id="reasoning within the completion",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40},
            Usage(input_tokens=10, output_tokens=5, thinking_tokens=25, total_tokens=40),
            id="reasoning beside the completion",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 30},
            Usage(input_tokens=10, output_tokens=5, thinking_tokens=25, total_tokens=40),
            id="without a total",
        ),
    ],
)
async def test_usage_means_the_same_whoever_counts(counts: dict[str, Any], expected: Usage) -> None:
    details = {"completion_tokens_details": {"reasoning_tokens": 25}, "prompt_tokens_details": None}
    told = usage(**counts, **details)
    assert (await said(delta("stop", content="Hi"), told, "[DONE]")).usage == expected
    assert (await said(told, delta("stop", content="Hi"), "[DONE]")).usage == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("function_call", "tool_calls"),
        ("a reason of tomorrow", "error"),
    ],
)
async def test_every_finish_reason_has_ours(reason: str, expected: str) -> None:
    assert (await said(delta(reason, content="Hi"), "[DONE]")).finish_reason == expected


async def test_a_refusal_is_no_answer() -> None:
    completion = await said(delta(refusal="I cannot "), delta("stop", refusal="help."), "[DONE]")
    assert (completion.text, completion.finish_reason) == ("I cannot help.", "content_filter")


@pytest.mark.parametrize("piece", [1, 7, 10_000])
async def test_interleaved_arguments_are_put_together_by_their_index(piece: int) -> None:
    def call(index: int, arguments: str, **head: Any) -> dict[str, Any]:
        function = {"arguments": arguments} | ({"name": head.pop("name")} if head else {})
        return delta(tool_calls=[{"index": index, "function": function} | head])

    completion = await said(
        call(1, "", id="call_b", name="second"),
        call(0, "", id="call_a", name="first"),
        call(1, '{"b": '),
        call(0, '{"a": '),
        call(0, '"ä"}'),
        call(1, "2}"),
        delta("stop"),
        "[DONE]",
        piece=piece,
    )
    assert completion.finish_reason == "tool_calls"
    assert completion.tool_calls == (
        ToolCall(id="call_a", name="first", arguments='{"a": "ä"}'),
        ToolCall(id="call_b", name="second", arguments='{"b": 2}'),
    )


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_calls_without_an_index_or_an_id_are_calls_too(whole: bool) -> None:
    calls = [{"function": {"name": name, "arguments": "{}"}} for name in ("first", "second")]
    part = "message" if whole else "delta"
    completion = await said(
        {"choices": [{part: {"tool_calls": calls}, "finish_reason": "tool_calls"}]}, whole=whole
    )
    assert [(call.id, call.name) for call in completion.tool_calls] == [
        ("call_1", "first"),
        ("call_2", "second"),
    ]


@pytest.mark.parametrize(
    "event",
    [
        delta("tool_calls", tool_calls=[{"index": 0, "id": "call_a", "function": {"arguments": "{}"}}]),
        delta("stop", content=7),
        {"choices": "none"},
        "null",
        "[]",
        "[" * 5000,
        "not JSON",
    ],
    ids=["nameless call", "no text", "no choices", "null", "array", "nested", "not JSON"],
)
async def test_what_is_not_of_openais_shape_is_a_bad_reply(event: dict[str, Any] | str) -> None:
    with pytest.raises(ours.ProviderBadReply):
        await said(event, delta("stop", content="Hi"))


async def test_an_error_in_a_stream_is_raised() -> None:
    with pytest.raises(ours.ProviderRateLimited, match="Slow down"):
        await said(delta(content="Hi"), {"error": {"message": "Slow down", "code": "rate_limit_exceeded"}})


async def test_fields_of_tomorrow_and_comments_are_passed_over() -> None:
    completion = await said(
        delta("stop", content="Hi", aura="violet") | {"weather": {"sunny": True}}, "[DONE]"
    )
    assert completion.text == "Hi"
