"""OpenAI's chat completions, simulated: `POST /v1/chat/completions`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway_app.testing.openai_requests import as_gemini, decode
from gateway_app.testing.vendor_app import Asked, Failure, Made, VendorApp, pieces
from gateway_app.testing.wire import framing

CREATED = 1_790_000_000
FINISH_REASONS = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}
ERROR_TYPES = {401: "invalid_request_error", 429: "rate_limit_exceeded"}
_MODEL = re.compile(r"(gpt-|o\d|chatgpt-)")


class OpenAIApp(VendorApp):
    path = "/v1/chat/completions"

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get("Authorization", "").removeprefix("Bearer ")

    def read(self, body: bytes) -> Asked:
        try:
            given = decode(body)
            request = as_gemini(given)
        except (msgspec.DecodeError, KeyError) as exc:
            raise Failure(400, str(exc)) from exc
        if not _MODEL.match(given.model):
            raise Failure(404, f"The model `{given.model}` does not exist")
        if given.reasons and (given.max_tokens or given.temperature is not None):
            raise Failure(400, "Unsupported parameter: max_tokens or temperature")
        return Asked(
            model=given.model,
            stream=given.stream,
            include_usage=given.stream_options.include_usage,
            request=request,
        )

    def whole(self, made: Made) -> dict[str, Any]:
        answer = made.answer
        calls = [{key: value for key, value in call.items() if key != "index"} for call in _calls(made)]
        message = {"role": "assistant", "content": answer.text or None, "refusal": None} | (
            {"tool_calls": calls} if calls else {}
        )
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(made)}
        return _envelope(made, "chat.completion") | {"choices": [choice], "usage": _usage(made)}

    def events(self, made: Made) -> list[bytes]:
        chunks = [_chunk(made, delta) for delta in _deltas(made)]
        if finish := _finish(made):
            chunks.append(_chunk(made, {}, finish=finish))
            if made.asked.include_usage:
                tail = {"choices": [], "usage": _usage(made)}
                chunks.append(_envelope(made, "chat.completion.chunk") | tail)
        return [_event(framing.encode(chunk)) for chunk in chunks] + ([_event(b"[DONE]")] if finish else [])

    def error(self, failure: Failure) -> tuple[int, dict[str, Any]]:
        usual = "invalid_request_error" if failure.status < 500 else "server_error"
        kind = ERROR_TYPES.get(failure.status, usual)
        return failure.status, {
            "error": {"message": failure.message, "type": kind, "param": None, "code": None}
        }

    def error_event(self, failure: Failure) -> bytes:
        return _event(framing.encode(self.error(failure)[1]))


def _deltas(made: Made) -> Iterator[dict[str, Any]]:
    """Text in a few words a time; every call as its head, then its arguments in two halves."""
    yield {"role": "assistant", "content": ""}
    for piece in pieces(made.answer.text):
        yield {"content": piece}
    calls = _calls(made)
    for call in calls:
        head = call | {"function": call["function"] | {"arguments": ""}}
        yield {"tool_calls": [head]}
    for half in (0, 1):
        for call in calls:
            arguments = call["function"]["arguments"]
            middle = len(arguments) // 2
            piece = arguments[middle:] if half else arguments[:middle]
            yield {"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]}


def _calls(made: Made) -> list[dict[str, Any]]:
    return [
        {
            "index": number,
            "id": f"call_{made.number}_{number}",
            "type": "function",
            "function": {"name": call.name, "arguments": framing.encode(dict(call.args)).decode()},
        }
        for number, call in enumerate(made.answer.calls)
    ]


def _finish(made: Made) -> str | None:
    answer = made.answer
    if answer.block_reason:
        return "content_filter"
    if answer.finish_reason is None:
        return None
    return "tool_calls" if answer.calls else FINISH_REASONS.get(answer.finish_reason, "content_filter")


def _chunk(made: Made, delta: dict[str, Any], *, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    usage = {"usage": None} if made.asked.include_usage else {}
    return _envelope(made, "chat.completion.chunk") | {"choices": [choice]} | usage


def _envelope(made: Made, kind: str) -> dict[str, Any]:
    name = f"chatcmpl-{made.number}"
    return {"id": name, "object": kind, "created": CREATED, "model": f"{made.asked.model}-simulated"}


def _usage(made: Made) -> dict[str, Any]:
    written = made.visible_tokens + made.answer.thinking_tokens
    return {
        "prompt_tokens": made.prompt.total,
        "completion_tokens": written,
        "total_tokens": made.prompt.total + written,
        "prompt_tokens_details": {"cached_tokens": made.prompt.cached},
        "completion_tokens_details": {"reasoning_tokens": made.answer.thinking_tokens},
    }


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
