"""The simulator speaks Google's wire: google-genai itself is the client, over a real socket."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from google import genai
from google.genai import errors, types

from gateway_app.testing.gemini_app import BAD_KEY
from gateway_app.testing.simulator import Simulator

FLASH = "gemini-2.5-flash"
NEWER = "gemini-3-flash-preview"
TIDE = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_tide",
            description="Get the tide at a harbour",
            parameters_json_schema={
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        )
    ]
)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def gemini(sim: Simulator, http: aiohttp.ClientSession) -> genai.client.AsyncClient:
    return client(sim, http).aio


def client(sim: Simulator, http: aiohttp.ClientSession, key: str = "any-key") -> genai.Client:
    options = types.HttpOptions(
        base_url=sim.url,
        api_version="v1beta",
        retry_options=types.HttpRetryOptions(attempts=1),
        aiohttp_client=http,
    )
    return genai.Client(api_key=key, http_options=options)


async def post(
    sim: Simulator, http: aiohttp.ClientSession, body: Any, method: str = "generateContent"
) -> Any:
    url = f"{sim.url}/v1beta/models/{FLASH}:{method}"
    data = body if isinstance(body, str) else json.dumps(body)
    async with http.post(url, data=data, headers={"x-goog-api-key": "k"}) as reply:
        return reply.status, await reply.json()


async def test_a_text_comes_back_whole(gemini: genai.client.AsyncClient) -> None:
    reply = await gemini.models.generate_content(model=FLASH, contents="Say ahoy there")
    usage = reply.usage_metadata
    assert reply.text == "ahoy there"
    assert reply.candidates[0].finish_reason == types.FinishReason.STOP
    assert (reply.model_version, usage.prompt_token_count, usage.candidates_token_count) == (FLASH, 4, 3)
    assert usage.total_token_count == 4 + 3 + usage.thoughts_token_count


async def test_a_stream_grows_to_the_same_text(gemini: genai.client.AsyncClient) -> None:
    prompt = {"model": FLASH, "contents": "Write 40 words about ships"}
    whole = await gemini.models.generate_content(**prompt)
    chunks = [chunk async for chunk in await gemini.models.generate_content_stream(**prompt)]
    tokens = [chunk.usage_metadata.candidates_token_count for chunk in chunks]
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert tokens == sorted(tokens)
    assert tokens[-1] == whole.usage_metadata.candidates_token_count
    assert [chunk.candidates[0].finish_reason for chunk in chunks] == [None] * 7 + [types.FinishReason.STOP]


async def test_all_of_a_configuration_is_understood(gemini: genai.client.AsyncClient) -> None:
    config = types.GenerateContentConfig(
        system_instruction="You answer as JSON.",
        temperature=0.2,
        top_p=0.9,
        top_k=40,
        candidate_count=1,
        max_output_tokens=200,
        stop_sequences=["END"],
        presence_penalty=0.1,
        frequency_penalty=0.1,
        seed=7,
        response_mime_type="application/json",
        response_json_schema={
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
        thinking_config=types.ThinkingConfig(thinking_budget=0),
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=types.HarmBlockThreshold.BLOCK_NONE,
            )
        ],
    )
    reply = await gemini.models.generate_content(model=FLASH, contents="I live in Brest.", config=config)
    assert json.loads(reply.text) == {"city": "Brest"}
    assert reply.usage_metadata.thoughts_token_count is None


async def test_thoughts_are_parts_of_their_own(gemini: genai.client.AsyncClient) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    reply = await gemini.models.generate_content(model=FLASH, contents="Say ahoy", config=config)
    thought, said = reply.candidates[0].content.parts
    assert (thought.thought, said.thought, reply.text) == (True, None, "ahoy")


async def test_a_function_is_called_and_its_result_told(gemini: genai.client.AsyncClient) -> None:
    config = types.GenerateContentConfig(
        tools=[TIDE], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)
    )
    question = types.Content(role="user", parts=[types.Part(text="How is the tide in Brest?")])
    called = await gemini.models.generate_content(model=NEWER, contents=[question], config=config)
    call = called.function_calls[0]
    result = types.Part.from_function_response(name=call.name, response={"metres": 5.4})
    history = [question, called.candidates[0].content, types.Content(role="user", parts=[result])]
    told = await gemini.models.generate_content(model=NEWER, contents=history, config=config)
    assert (call.name, call.args, told.text) == ("get_tide", {"city": "Brest"}, "get tide: metres is 5.4.")


async def test_a_call_without_its_signature_is_refused(sim: Simulator, http: aiohttp.ClientSession) -> None:
    call = {"functionCall": {"name": "get_tide", "args": {}}}
    result = {"functionResponse": {"name": "get_tide", "response": {}}}
    contents = [
        {"role": "user", "parts": [{"text": "How is the tide?"}]},
        {"role": "model", "parts": [call]},
        {"role": "user", "parts": [result]},
    ]
    url = f"{sim.url}/v1beta/models/{NEWER}:generateContent"
    async with http.post(url, json={"contents": contents}, headers={"x-goog-api-key": "k"}) as reply:
        refused = await reply.json()
    assert "missing a thought_signature" in refused["error"]["message"]


async def test_an_image_is_acknowledged_and_counted(gemini: genai.client.AsyncClient) -> None:
    image = types.Part.from_bytes(data=b"\xff" * 1000, mime_type="image/png")
    reply = await gemini.models.generate_content(model=FLASH, contents=["What is this?", image])
    details = {detail.modality: detail.token_count for detail in reply.usage_metadata.prompt_tokens_details}
    assert reply.text.startswith("I received image/png of 1,000 bytes.")
    assert details[types.MediaModality.IMAGE] == 258


async def test_a_long_beginning_that_came_before_is_cached(gemini: genai.client.AsyncClient) -> None:
    handbook = "The lamp must be lit before sunset. " * 150
    cached = [
        (await gemini.models.generate_content(model=FLASH, contents=handbook + question)).usage_metadata
        for question in ("When?", "Why?")
    ]
    assert [usage.cached_content_token_count for usage in cached] == [None, 1024]
    assert cached[1].prompt_token_count > 1024


async def test_tokens_are_counted(gemini: genai.client.AsyncClient) -> None:
    counted = await gemini.models.count_tokens(model=FLASH, contents="twelve chars")
    assert counted.total_tokens == 3


async def test_texts_are_embedded(gemini: genai.client.AsyncClient) -> None:
    config = types.EmbedContentConfig(output_dimensionality=64)
    reply = await gemini.models.embed_content(
        model="gemini-embedding-001", contents=["a lamp", "ships"], config=config
    )
    assert [len(embedding.values) for embedding in reply.embeddings] == [64, 64]


async def test_the_models_are_listed_and_described(gemini: genai.client.AsyncClient) -> None:
    names = [model.name async for model in await gemini.models.list()]
    assert f"models/{FLASH}" in names
    assert (await gemini.models.get(model=FLASH)).input_token_limit == 1_048_576


@pytest.mark.parametrize(
    ("key", "model", "code", "status"),
    [
        (BAD_KEY, FLASH, 400, "INVALID_ARGUMENT"),
        ("any-key", "gemini-0-flash", 404, "NOT_FOUND"),
        ("any-key", "gemini-embedding-001", 404, "NOT_FOUND"),
    ],
)
async def test_a_refusal_is_googles_error(
    sim: Simulator, http: aiohttp.ClientSession, key: str, model: str, code: int, status: str
) -> None:
    vendor = client(sim, http, key)
    with pytest.raises(errors.ClientError) as refused:
        await vendor.aio.models.generate_content(model=model, contents="hello")
    assert (refused.value.code, refused.value.status) == (code, status)


async def test_a_call_without_a_key_is_refused(sim: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{sim.url}/v1beta/models/{FLASH}:generateContent", json={}) as reply:
        assert (reply.status, (await reply.json())["error"]["status"]) == (403, "PERMISSION_DENIED")


HELLO = [{"parts": [{"text": "hello"}]}]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "Invalid JSON payload received."),
        ("[" * 100_000, "Invalid JSON payload received."),
        ("[]", "Expected `object`, got `array`"),
        ({}, "contents is not specified"),
        ({"contents": HELLO, "stream": True}, 'Unknown name "stream": Cannot find field.'),
        (
            {"contents": HELLO, "generationConfig": {"max_tokens": 5}},
            "at 'generation_config': Cannot find field.",
        ),
        ({"contents": [{"parts": [{"text": 1}]}]}, "Invalid value at 'contents[0].parts[0].text'"),
        ({"contents": [{"parts": []}]}, "contents.parts must not be empty"),
        ({"contents": [{"parts": [{}]}]}, "required oneof field 'data'"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}, "Please use a valid role"),
        ({"contents": HELLO, "generationConfig": {"temperature": 3}}, "must be in the range [0.0, 2.0]"),
        (
            {"contents": HELLO, "generationConfig": {"maxOutputTokens": 0}},
            "max_output_tokens must be positive",
        ),
        (
            {"contents": HELLO, "generationConfig": {"responseSchema": {}}},
            "response_mime_type application/json",
        ),
    ],
)
async def test_a_wrong_body_is_googles_400(
    sim: Simulator, http: aiohttp.ClientSession, body: Any, says: str
) -> None:
    status, reply = await post(sim, http, body)
    assert (status, reply["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert says in reply["error"]["message"]


async def test_names_in_snake_case_are_taken_too(sim: Simulator, http: aiohttp.ClientSession) -> None:
    body = {
        "contents": [{"parts": [{"text": "Say a b c d e f g"}]}],
        "generation_config": {"max_output_tokens": 2},
    }
    _, reply = await post(sim, http, body)
    assert reply["candidates"][0]["finishReason"] == "MAX_TOKENS"


async def test_events_are_framed_as_google_frames_them(sim: Simulator, http: aiohttp.ClientSession) -> None:
    url = f"{sim.url}/v1beta/models/{FLASH}:streamGenerateContent"
    async with http.post(f"{url}?alt=sse&key=k", json={"contents": HELLO}) as reply:
        raw = await reply.text()
        assert reply.content_type == "text/event-stream"
    events = raw.removesuffix("\r\n\r\n").split("\r\n\r\n")
    assert all(json.loads(event.removeprefix("data: "))["responseId"] for event in events)


async def test_without_sse_a_stream_is_one_array(sim: Simulator, http: aiohttp.ClientSession) -> None:
    body = {"contents": [{"parts": [{"text": "Say a b c d e f g"}]}]}
    _, reply = await post(sim, http, body, "streamGenerateContent")
    assert len(reply) == 2
