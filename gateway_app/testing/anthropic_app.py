"""Anthropic's Messages, simulated: `POST /v1/messages`."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway_app.testing.anthropic_requests import as_gemini, decode, problems
from gateway_app.testing.vendor_app import Asked, Failure, Made, VendorApp, pieces
from gateway_app.testing.wire import framing

STOP_REASONS = {"STOP": "end_turn", "MAX_TOKENS": "max_tokens"}
"""Every other one is a refusal."""
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
OVERLOADED = 529
"""What Anthropic answers where others say 503."""


class AnthropicApp(VendorApp):
    path = "/v1/messages"

    def key(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-api-key", "")

    def read(self, body: bytes) -> Asked:
        try:
            given = decode(body)
            request = as_gemini(given)
        except (msgspec.DecodeError, KeyError) as exc:
            raise Failure(400, str(exc)) from exc
        if not given.model.startswith("claude-"):
            raise Failure(404, f"model: {given.model}")
        for problem in problems(given):
            raise Failure(400, problem)
        return Asked(model=given.model, stream=given.stream, include_usage=True, request=request)

    def whole(self, made: Made) -> dict[str, Any]:
        usage = {"output_tokens": made.visible_tokens + made.answer.thinking_tokens}
        return _message(made) | {
            "content": list(_blocks(made)),
            "stop_reason": _stop_reason(made),
            "usage": _input_usage(made) | usage | _thinking_usage(made),
        }

    def events(self, made: Made) -> list[bytes]:
        """A stream that lacks its stop reason also lacks its end."""
        return [
            f"event: {event['type']}\ndata: ".encode() + framing.encode(event) + b"\n\n"
            for event in _events(made)
        ]

    def error(self, failure: Failure) -> tuple[int, dict[str, Any]]:
        status = OVERLOADED if failure.status == 503 else failure.status
        error = {"type": ERROR_TYPES.get(failure.status, "api_error"), "message": failure.message}
        return status, {"type": "error", "error": error, "request_id": "req_simulated"}

    def error_event(self, failure: Failure) -> bytes:
        return b"event: error\ndata: " + framing.encode(self.error(failure)[1]) + b"\n\n"


def _events(made: Made) -> Iterator[dict[str, Any]]:
    usage = _input_usage(made) | {"output_tokens": 1}
    yield {"type": "message_start", "message": _message(made) | {"content": [], "usage": usage}}
    yield {"type": "ping"}
    for index, block in enumerate(_blocks(made)):
        yield {"type": "content_block_start", "index": index, "content_block": _emptied(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    if reason := _stop_reason(made):
        output = {"output_tokens": made.visible_tokens + made.answer.thinking_tokens}
        delta = {"stop_reason": reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": output | _thinking_usage(made)}
        yield {"type": "message_stop"}


def _blocks(made: Made) -> Iterator[dict[str, Any]]:
    answer = made.answer
    if answer.thinking_tokens:
        signature = base64.b64encode(f"thought {made.number}".encode()).decode()
        yield {"type": "thinking", "thinking": answer.thoughts, "signature": signature}
    if answer.text:
        yield {"type": "text", "text": answer.text}
    for number, call in enumerate(answer.calls):
        name = f"toolu_{made.number}_{number}"
        yield {"type": "tool_use", "id": name, "name": call.name, "input": dict(call.args)}


def _emptied(block: dict[str, Any]) -> dict[str, Any]:
    """A block as it stands before its first delta."""
    return block | {
        name: type(value)()
        for name, value in block.items()
        if name in ("text", "thinking", "signature", "input")
    }


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        for piece in pieces(block["text"]):
            yield {"type": "text_delta", "text": piece}
    elif block["type"] == "thinking":
        yield {"type": "thinking_delta", "thinking": block["thinking"]}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        text = framing.encode(block["input"]).decode()
        for piece in (text[: len(text) // 2], text[len(text) // 2 :]):
            yield {"type": "input_json_delta", "partial_json": piece}


def _stop_reason(made: Made) -> str | None:
    answer = made.answer
    if answer.block_reason:
        return "refusal"
    if answer.finish_reason is None:
        return None
    return "tool_use" if answer.calls else STOP_REASONS.get(answer.finish_reason, "refusal")


def _message(made: Made) -> dict[str, Any]:
    name = f"msg_{made.number}"
    ended = {"stop_reason": None, "stop_sequence": None}
    model = f"{made.asked.model}-simulated"
    return {"id": name, "type": "message", "role": "assistant", "model": model} | ended


def _input_usage(made: Made) -> dict[str, Any]:
    return {
        "input_tokens": made.prompt.total - made.prompt.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": made.prompt.cached,
    }


def _thinking_usage(made: Made) -> dict[str, Any]:
    thinking = made.answer.thinking_tokens
    return {"output_tokens_details": {"thinking_tokens": thinking}} if thinking else {}
