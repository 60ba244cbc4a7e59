"""The Gemini adapter against the simulator: what goes out, what comes back, how failures are named."""

import asyncio
from contextlib import aclosing

import aiohttp
import pytest
from google.genai import errors

from gateway_app import exceptions as ours
from gateway_app.providers.base import Provider
from gateway_app.providers.gemini_sdk import FOREIGN_ERRORS
from gateway_app.testing.simulator import Simulator
from gateway_app.testing.wire.requests import in_camel_case
from gateway_app.tests.conftest import OpenGemini, ask, chunks_of, completion_of, until
from gateway_app.types import CompletionRequest, Image, Message, Parameters, ToolCall

WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_messages_and_parameters_reach_the_wire(
    gemini: Provider, simulator: Simulator, whole: bool
) -> None:
    request = CompletionRequest(
        model="gemini-2.5-flash",
        messages=(
            Message(role="system", content="Be brief."),
            Message(role="user", content="Hello"),
            Message(role="assistant", content="Good day."),
            Message(
                role="user", content="How are you?", images=(Image(media_type="image/png", data="iVBORw0="),)
            ),
        ),
        parameters=Parameters(
            temperature=0.2,
            max_tokens=300,
            top_p=0.9,
            stop=("END",),
            seed=7,
            thinking_budget=0,
            json_mode=True,
            safety_settings={"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"},
        ),
    )
    await chunks_of(gemini, request, whole=whole)
    sent = in_camel_case(simulator.requests()[-1].body)
    assert [turn["role"] for turn in sent["contents"]] == ["user", "model", "user"]
    assert sent["contents"][2]["parts"][0]["inlineData"] == {"mimeType": "image/png", "data": "iVBORw0="}
    assert sent["systemInstruction"]["parts"][0]["text"] == "Be brief."
    config = sent["generationConfig"]
    assert config["temperature"] == 0.2
    assert config["maxOutputTokens"] == 300
    assert config["topP"] == 0.9
    assert config["stopSequences"] == ["END"]
    assert config["seed"] == 7
    assert config["thinkingConfig"]["thinkingBudget"] == 0
    assert config["responseMimeType"] == "application/json"
    assert sent["safetySettings"] == [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]


async def test_a_tool_is_called_and_its_result_answered_from(gemini: Provider, simulator: Simulator) -> None:
    parameters = Parameters(tools=(WEATHER,), tool_choice="required")
    question = Message(role="user", content="What is the weather in Oslo?")
    asked = CompletionRequest(model="gemini-2.5-flash", messages=(question,), parameters=parameters)
    reply = await completion_of(gemini, asked, whole=False)
    assert reply.finish_reason == "tool_calls"
    (call,) = reply.tool_calls
    assert call.name == "get_weather"
    result = Message(role="tool", content='{"sky": "snowing"}', tool_call_id=call.id)
    turns = (question, Message(role="assistant", tool_calls=(call,)), result)
    answer = await completion_of(
        gemini, CompletionRequest(model="gemini-2.5-flash", messages=turns), whole=True
    )
    assert "snowing" in answer.text
    sent = in_camel_case(simulator.requests()[-1].body)["contents"]
    assert sent[2]["parts"][0]["functionResponse"]["name"] == "get_weather"
    assert (call.signature is None) == ("thoughtSignature" not in sent[1]["parts"][0])


async def test_system_text_alone_is_answered(gemini: Provider) -> None:
    request = CompletionRequest(model="gemini-2.5-flash", messages=(Message(role="system", content="Hello"),))
    assert (await completion_of(gemini, request, whole=True)).text


@pytest.mark.parametrize("content", ["[" * 500 + "]" * 500, '{"a":' * 100 + "1" + "}" * 100, "[" * 100_000])
async def test_a_tools_result_of_any_depth_is_passed_on(gemini: Provider, content: str) -> None:
    call = ToolCall(id="c", name="f", arguments=content)
    turns = (
        Message(role="user", content="Ask f."),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", content=content, tool_call_id="c"),
    )
    request = CompletionRequest(model="gemini-2.5-flash", messages=turns)
    assert (await completion_of(gemini, request, whole=True)).finish_reason == "stop"


async def test_a_blocked_prompt_is_an_answer_and_no_error(gemini: Provider) -> None:
    reply = await completion_of(gemini, ask("Hello [[fault:blocked]]"), whole=True)
    assert (reply.text, reply.finish_reason) == ("", "content_filter")


STATUSES = {
    "400": ours.ProviderRefused,
    "401": ours.ProviderDenied,
    "403": ours.ProviderDenied,
    "404": ours.ModelNotFound,
    "429": ours.ProviderRateLimited,
    "500": ours.ProviderUnavailable,
    "502": ours.ProviderUnavailable,
    "503": ours.ProviderUnavailable,
    "504": ours.ProviderTimeout,
}
BROKEN = {
    "cut": ours.ProviderBadReply,
    "reset": ours.ProviderBadReply,
    "error_event": ours.ProviderUnavailable,
    "no_finish": ours.ProviderBadReply,
    "malformed": ours.ProviderBadReply,
    "invalid_utf8": ours.ProviderBadReply,
    "wrong_type": ours.ProviderBadReply,
    "empty": ours.ProviderBadReply,
}


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
@pytest.mark.parametrize(("fault", "expected"), STATUSES.items())
async def test_every_status_has_an_exception(
    gemini: Provider, fault: str, expected: type[Exception], whole: bool
) -> None:
    with pytest.raises(expected) as caught:
        await chunks_of(gemini, ask(f"Hello [[fault:{fault}]]"), whole=whole)
    assert type(caught.value) is expected


@pytest.mark.parametrize(("fault", "expected"), BROKEN.items())
async def test_every_broken_stream_has_an_exception(
    gemini: Provider, fault: str, expected: type[Exception]
) -> None:
    with pytest.raises(ours.ProviderError) as caught:
        await chunks_of(gemini, ask(f"Tell me of the sea. [[fault:{fault}]]"))
    assert type(caught.value) is expected


@pytest.mark.parametrize("fault", ["malformed", "invalid_utf8", "wrong_type", "empty", "cut", "reset"])
async def test_every_broken_whole_reply_has_an_exception(gemini: Provider, fault: str) -> None:
    with pytest.raises(ours.ProviderError):
        await chunks_of(gemini, ask(f"Tell me of the sea. [[fault:{fault}]]"), whole=True)


async def test_the_vendors_delay_is_known(gemini: Provider) -> None:
    with pytest.raises(ours.ProviderRateLimited) as caught:
        await chunks_of(gemini, ask("Hello [[fault:429 retry=7]]"))
    assert caught.value.retry_after == 7


async def test_a_bad_key_is_our_fault_and_not_the_callers(
    open_gemini: OpenGemini, simulator: Simulator
) -> None:
    async with open_gemini(simulator.url, api_key="") as gemini:
        with pytest.raises(ours.ProviderDenied, match="GEMINI_API_KEY is not set"):
            await chunks_of(gemini, ask("Hello"))


async def test_a_vendor_that_is_not_there_fails_at_once(open_gemini: OpenGemini) -> None:
    async with open_gemini("http://127.0.0.1:9") as gemini, asyncio.timeout(2):
        with pytest.raises(ours.ProviderUnavailable):
            await chunks_of(gemini, ask("Hello"), whole=True)


@pytest.mark.parametrize("fault", ["stall", "hang"])
async def test_cancelling_the_reader_closes_the_connection(
    gemini: Provider, simulator: Simulator, fault: str
) -> None:
    reading = asyncio.create_task(chunks_of(gemini, ask(f"Tell me of the sea. [[fault:{fault}]]")))
    await until(lambda: simulator.stats().in_flight == 1)
    reading.cancel()
    await until(lambda: simulator.stats().calls_cancelled == 1)


async def test_leaving_in_the_middle_closes_the_connection(gemini: Provider, simulator: Simulator) -> None:
    async with aclosing(gemini.stream(ask("Tell me of the sea. [[fault:stall after=2]]"))) as chunks:
        await anext(chunks)
    await until(lambda: simulator.stats().calls_cancelled == 1)


def foreign_errors() -> list[Exception]:
    """One of each kind that google-genai, aiohttp and asyncio let out."""
    return [
        errors.UnknownApiResponseError("?"),
        TimeoutError(),
        aiohttp.ClientPayloadError(),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientConnectionError(),
        ConnectionResetError(),
        ValueError("Expecting value"),
    ]


@pytest.mark.parametrize("foreign", foreign_errors(), ids=lambda exc: type(exc).__name__)
def test_every_foreign_error_is_translated(foreign: Exception) -> None:
    found = next(own for kind, own, _ in FOREIGN_ERRORS if isinstance(foreign, kind))
    assert issubclass(found, ours.ProviderError)
