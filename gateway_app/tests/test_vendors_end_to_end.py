"""A client changes the model's name and nothing else: Gemini, OpenAI and Anthropic through the same doors."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI, BadRequestError

from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.picture_host import PNG, PictureHost, picture_host
from gateway_app.tests.test_end_to_end import row
from llmgateway import parts
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.stack import Stack

MODELS = ["gemini-2.5-flash", "gpt-5-mini", "gpt-4.1-mini", "claude-sonnet-5-5", "claude-haiku-4-5"]
STORY = "The sea rose in the night. The town moved uphill. Nobody was hurt."
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PictureHost]:
    with picture_host(tmp_path_factory.mktemp("pictures")) as running:
        yield running


@pytest.fixture(scope="module")
def address(stack: Stack, pictures: PictureHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a gateway that has keys of all three vendors, and fetches from one host of images."""
    environment = stack.env | {
        "IMAGE_URL_HOSTS": pictures.authority,
        "IMAGE_URLS_ALLOW_PRIVATE": "1",
        "SSL_CERT_FILE": str(pictures.certificates),
        "OPENAI_BASE_URL": f"{stack.simulator_url}/v1",
        "OPENAI_API_KEY": "simulated",
        "ANTHROPIC_BASE_URL": stack.simulator_url,
        "ANTHROPIC_API_KEY": "simulated",
        "WEB_WORKERS": "1",
    }
    port = free_port()
    gateway = parts.gateway(environment, port=port, log=tmp_path_factory.mktemp("vendors") / "gateway.log")
    gateway.start()
    yield f"http://{LOOPBACK}:{port}"
    gateway.stop()


@pytest.fixture
async def api(address: str, stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {stack.key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
async def openai(address: str, stack: Stack) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{address}/v1", api_key=stack.key, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("model", MODELS)
async def test_a_prompt_runs_on_every_vendor_and_its_answer_is_cached(
    api: httpx.AsyncClient, model: str
) -> None:
    asked: dict[str, Any] = {"prompt": STORY, "model": model, "temperature": 0.4}
    first = (await api.post("/summarize", json=asked)).json()
    second = (await api.post("/summarize", json=asked)).json()
    assert first["response"]
    assert first["finish_reason"] == "stop"
    assert first["usage"]["total_tokens"] > 0
    assert float(first["cost_usd"]) > 0
    assert (first["cache_hit"], second["cache_hit"]) == (False, True)
    assert second["response"] == first["response"]


@pytest.mark.parametrize("model", MODELS)
async def test_every_vendor_streams_in_pieces(api: httpx.AsyncClient, model: str) -> None:
    asked = {"prompt": f"Tell me of the sea, {model}.", "model": model}
    headers = {"Accept": "text/event-stream"}
    async with api.stream("POST", "/chat/stream", json=asked, headers=headers) as response:
        lines = [line async for line in response.aiter_lines()]
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert names[0] == "start"
    assert names.count("delta") > 2
    assert names[-1] == "end"


@pytest.mark.parametrize("model", MODELS)
async def test_tools_go_there_and_back_through_openais_own_client(openai: AsyncOpenAI, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "Tell me the weather in Oslo."}]
    first = await openai.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    calls = first.choices[0].message.tool_calls
    assert calls
    assert calls[0].type == "function"
    assert json.loads(calls[0].function.arguments) == {"city": "Oslo"}

    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": calls[0].id, "content": "Seven degrees."})
    second = await openai.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    assert "Seven degrees" in (second.choices[0].message.content or "")


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gpt-4.1-mini", "claude-haiku-4-5"])
@pytest.mark.parametrize("way", ["data", "https"])
async def test_an_image_reaches_every_vendor_whichever_way_it_came(
    openai: AsyncOpenAI, stack: Stack, pictures: PictureHost, model: str, way: str
) -> None:
    url = f"data:image/png;base64,{PNG}" if way == "data" else pictures.url("/dot.png")
    parts: list[Any] = [
        {"type": "text", "text": f"What is this, sent as {way}?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]
    reply = await openai.chat.completions.create(
        model=model, messages=[{"role": "user", "content": parts}], stream=False
    )
    assert reply.choices[0].message.content
    vendor = SimulatorControl(stack.simulator_url)
    sent = json.dumps((await asyncio.to_thread(vendor.requests, 1))[0].body)
    assert PNG in sent
    assert ('"detail": "low"' in sent) is model.startswith("gpt"), "only OpenAI knows of it"


async def test_an_image_that_cannot_be_had_is_the_callers_mistake(
    openai: AsyncOpenAI, pictures: PictureHost
) -> None:
    for url in (pictures.url("/gone"), "https://elsewhere.example.com/dot.png"):
        image: Any = {"type": "image_url", "image_url": {"url": url}}
        with pytest.raises(BadRequestError) as caught:
            await openai.chat.completions.create(
                model="gpt-4.1-mini", messages=[{"role": "user", "content": [image]}]
            )
        assert (caught.value.code, caught.value.param) == (
            "invalid_image_url",
            "messages[0].content[0].image_url.url",
        )


@pytest.mark.parametrize("model", MODELS)
async def test_a_client_that_leaves_ends_the_vendors_stream_and_pays_for_what_he_got(
    api: httpx.AsyncClient, stack: Stack, model: str
) -> None:
    vendor = SimulatorControl(stack.simulator_url)
    before = (await asyncio.to_thread(vendor.stats)).streams_cancelled
    asked = {"prompt": f"Tell me of the sea, {model}. [[fault:stall after=5]]", "model": model}
    async with api.stream("POST", "/chat/stream", json=asked) as response:
        await anext(response.aiter_bytes())
    async with asyncio.timeout(1):
        while (await asyncio.to_thread(vendor.stats)).streams_cancelled == before:
            await asyncio.sleep(0.02)
    kept = await asyncio.to_thread(row, stack, response.headers["X-Request-ID"])
    assert kept["outcome"] == "cancelled"
    assert kept["input_tokens"] > 0
    assert kept["output_tokens"] > 0
    assert kept["cost_usd"] > 0
