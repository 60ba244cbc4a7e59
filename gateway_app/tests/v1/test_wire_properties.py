"""OpenAI's wire, there and back: what goes out comes in the same, whatever is said and however it is cut."""

import base64
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway_app.events import Answer, Delta, End, Fold, Start
from gateway_app.providers import openai_messages
from gateway_app.providers.openai_reading import Reading
from gateway_app.providers.sse import EventParser
from gateway_app.types import CompletionRequest, Image, Message, Parameters, ToolCall, Usage
from gateway_app.v1.form import ReplyForm
from gateway_app.v1.messages import messages
from gateway_app.v1.parameters import parameters
from gateway_app.v1.reading import read
from gateway_app.v1.stream import ChunkStream
from gateway_app.v1.whole import chat_completion

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True)
SCHEMAS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(NAMES, st.just({"type": "string"}), max_size=3)}
)
IMAGES = st.builds(
    Image,
    media_type=st.sampled_from(["image/png", "image/jpeg"]),
    data=st.binary(min_size=1, max_size=20).map(lambda data: base64.b64encode(data).decode()),
    detail=st.sampled_from([None, "low", "high"]),
)
CALLS = st.lists(
    st.builds(ToolCall, id=st.uuids().map(str), name=NAMES, arguments=st.text(min_size=1)),
    max_size=3,
    unique_by=lambda call: call.id,
)
COUNTS = st.integers(min_value=0, max_value=10**9)
START = Start(request_id="r", model="m", cache="MISS", waited=0.0, upstream=0.0)
FORM = ReplyForm(
    id="chatcmpl-1", created=1, model="m", system_fingerprint="fp", include_usage=True, one_call=False
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns of every role; each call of a tool has its answer."""
    said = []
    for role in draw(st.lists(st.sampled_from(["system", "user", "assistant"]), min_size=1, max_size=5)):
        if role == "user":
            pictures = tuple(draw(st.lists(IMAGES, max_size=2)))
            said.append(Message(role="user", content=draw(st.text()), images=pictures))
        elif role == "system":
            said.append(Message(role="system", content=draw(st.text())))
        else:
            calls = draw(CALLS)
            said.append(Message(role="assistant", content=draw(st.text()), tool_calls=tuple(calls)))
            said += [
                Message(role="tool", content=draw(st.text()), tool_call_id=call.id, name=call.name)
                for call in calls
            ]
    return tuple(said)


@st.composite
def wishes(draw: st.DrawFn) -> Parameters:
    tools = draw(st.lists(NAMES.filter(lambda name: name not in ("auto", "none", "required")), unique=True))
    schema = draw(st.none() | SCHEMAS)
    return Parameters(
        temperature=draw(st.none() | st.floats(min_value=0, max_value=2)),
        max_tokens=draw(st.none() | st.integers(min_value=1, max_value=10**6)),
        top_p=draw(st.none() | st.floats(min_value=0, max_value=1)),
        stop=tuple(draw(st.lists(st.text(min_size=1), max_size=4))),
        seed=draw(st.none() | st.integers(min_value=-(2**31), max_value=2**31 - 1)),
        response_schema=schema,
        json_mode=schema is None and draw(st.booleans()),
        tools=tuple({"name": name, "parameters": draw(SCHEMAS)} for name in tools),
        tool_choice=draw(st.sampled_from(["auto", "none", "required", *tools])) if tools else None,
    )


@st.composite
def counts(draw: st.DrawFn) -> Usage:
    """As a vendor counts that leaves nothing out."""
    asked, said, thought = draw(COUNTS), draw(COUNTS), draw(COUNTS)
    return Usage(
        input_tokens=asked,
        cached_tokens=draw(st.integers(min_value=0, max_value=asked)),
        output_tokens=said,
        thinking_tokens=thought,
        total_tokens=asked + said + thought,
    )


@given(conversations(), wishes(), st.booleans())
def test_a_request_comes_in_as_it_went_out(
    turns: tuple[Message, ...], wished: Parameters, whole: bool
) -> None:
    sent = CompletionRequest(model="gpt-4.1-mini", messages=turns, parameters=wished)
    got = read(msgspec.json.encode(openai_messages.body(sent, whole=whole)))
    assert messages(got.messages, {}) == turns
    assert parameters(got) == wished
    assert bool(got.stream) is not whole


@given(st.lists(st.text(min_size=1), max_size=6), CALLS, counts(), st.lists(st.integers(0, 3000), max_size=9))
def test_a_stream_comes_in_as_it_went_out(
    texts: list[str], calls: list[ToolCall], used: Usage, places: list[int]
) -> None:
    stream, end = ChunkStream(FORM), _end(calls, used)
    deltas = [*(Delta(text=text) for text in texts), Delta(tool_calls=tuple(calls))]
    sent = stream.start() + b"".join(map(stream.delta, deltas)) + stream.end(START, end)
    reading, fold, parser = Reading(), Fold(), EventParser()
    for piece in _cut(sent, places):
        for event in parser.feed(piece):
            if event.data != b"[DONE]":
                fold.add(reading.chunk(event.data))
    fold.add(reading.last())
    _same(fold, text="".join(texts), calls=calls, end=end)


@given(st.text(), CALLS, counts())
def test_a_whole_reply_comes_in_as_it_went_out(text: str, calls: list[ToolCall], used: Usage) -> None:
    end = _end(calls, used)
    answer = Answer(start=START, text=text, tool_calls=tuple(calls), end=end)
    reading, fold = Reading(), Fold()
    fold.add(reading.chunk(msgspec.json.encode(chat_completion(FORM, answer))))
    fold.add(reading.last())
    _same(fold, text=text, calls=calls, end=end)


def _end(calls: list[ToolCall], used: Usage) -> End:
    reason: Any = "tool_calls" if calls else "stop"
    return End(usage=used, finish_reason=reason, latency=0.1, upstream=0.1, cost_usd=Decimal(0))


def _same(fold: Fold, *, text: str, calls: list[ToolCall], end: End) -> None:
    heard = fold.completion(asked="m")
    assert (heard.text, heard.tool_calls) == (text, tuple(calls))
    assert (heard.usage, heard.finish_reason) == (end.usage, end.finish_reason)


def _cut(stream: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place for place in places if place < len(stream)), len(stream)]
    return [stream[start:end] for start, end in pairwise(bounds)]
