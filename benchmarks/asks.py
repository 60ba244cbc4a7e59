"""What is asked of whom, in the bytes of the wire, and what must come back."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from benchmarks.load import Ask, Asks, Reply
from benchmarks.vendor import MODEL, text

SAME = 1
"""The number of the one request that is asked again and again where hits are measured."""
fresh = itertools.count(1000)
"""Numbers that nobody has asked yet."""


def _posted(path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> bytes:
    content = msgspec.json.encode(body)
    given = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": len(content),
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


def _says(number: int, *, cache: str | None) -> Callable[[Reply], bool]:
    """The whole text, word for word, and, where the gateway tells, that it came (not) from the cache."""
    wanted = text(number).encode()
    told = f"x-cache: {cache}\r\n".lower().encode() if cache else b""
    return lambda reply: wanted in reply.body and told in reply.head.lower() + b"\r\n"


def _streams(number: int, *, mark: bytes) -> Callable[[Reply], bool]:
    """Every piece in its order, a reason for the end, and `mark` behind it all."""
    wanted = text(number)

    def right(reply: Reply) -> bool:
        choices = _streamed_choices(reply.body)
        said = "".join(choice["delta"].get("content") or "" for choice in choices)
        return (
            said == wanted and choices[-1]["finish_reason"] == "stop" and reply.body.rstrip().endswith(mark)
        )

    return right


def _streamed_choices(body: bytes) -> list[dict[str, Any]]:
    events = [line.removeprefix(b"data: ") for line in body.split(b"\n") if line.startswith(b"data: {")]
    return [choice for event in events for choice in msgspec.json.decode(event).get("choices", ())]


def vendor_direct() -> Asks:
    """Gemini's wire, with nobody between."""
    path = f"/v1beta/models/{MODEL}:generateContent"

    def ask(number: int) -> Ask:
        turn = {"role": "user", "parts": [{"text": f"ask-{number}"}]}
        return Ask(request=_posted(path, {}, {"contents": [turn]}), right=_says(number, cache=None))

    return ask


def floor() -> Asks:
    request = _posted("/", {}, _openai(SAME))
    return lambda number: Ask(request=request, right=_says(SAME, cache=None))


def whole(
    headers: Mapping[str, str], body: Callable[[int], Mapping[str, Any]], *, path: str, cache: str | None
) -> Asks:
    """`cache`: what `X-Cache` must say, where there is such a header."""
    return lambda number: Ask(request=_posted(path, headers, body(number)), right=_says(number, cache=cache))


def streamed(
    headers: Mapping[str, str], body: Callable[[int], Mapping[str, Any]], *, mark: bytes = b"data: [DONE]"
) -> Asks:
    """`mark`: what must stand behind the last event."""
    return lambda number: Ask(
        request=_posted("/v1/chat/completions", headers, {**body(number), "stream": True}),
        right=_streams(number, mark=mark),
    )


def same(asks: Asks) -> Asks:
    """One request for all numbers, made once."""
    ask = asks(SAME)
    return lambda number: ask


def _openai(number: int) -> dict[str, Any]:
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": f"Summarize: ask-{number}"}],
        "temperature": 0.2,
        "max_tokens": 256,
    }


openai = _openai
"""A request on OpenAI's wire."""


def openai_prompt(number: int) -> dict[str, Any]:
    """The same through a prompt of our registry."""
    return {
        "model": "prompt:summarizer",
        "messages": [],
        "variables": {"text": f"ask-{number}"},
        "max_tokens": 256,
    }


def summary(number: int) -> dict[str, Any]:
    """`POST /summarize` and its stream: `/chat` through a prompt."""
    return {"prompt": f"ask-{number}", "max_tokens": 256}
