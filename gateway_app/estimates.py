"""How many tokens a call takes, as far as one can tell before its vendor has counted."""

from collections.abc import Iterable

from msgspec.structs import replace

from gateway_app.types import CompletionRequest, Usage

CHARACTERS = 4
"""To a token, as a rule of thumb."""
IMAGE = 3_000
"""Tokens of an image of ordinary size."""
IMAGE_AT_MOST = 50_000
"""No vendor counts more, whatever its size; OpenAI's smallest models come close."""
TURN_AT_MOST = 16
"""Tokens that a vendor puts around one message."""


def input_tokens(request: CompletionRequest) -> int:
    """About."""
    return sum(_bytes(request)) // CHARACTERS + IMAGE * _images(request)


def input_at_most(request: CompletionRequest) -> int:
    """A token is at least one byte, so the bytes of a text bound its tokens."""
    turns = TURN_AT_MOST * len(request.messages)
    return sum(_bytes(request)) + turns + IMAGE_AT_MOST * _images(request)


def broken_off(request: CompletionRequest, *, counted: Usage | None, written: int) -> Usage:
    """What a reply took that ended after `written` characters, by the vendor's count or else about.

    Some vendors count as they speak, some at the end alone: a count that is far too low is none yet.
    """
    known = counted or Usage()
    output = max(known.output_tokens, 0 if _plausible(known, written) else written // CHARACTERS)
    given = known.input_tokens or input_tokens(request)
    total = given + output + known.thinking_tokens
    return replace(known, input_tokens=given, output_tokens=output, total_tokens=total)


def _plausible(counted: Usage, written: int) -> bool:
    return counted.output_tokens * 2 * CHARACTERS >= written


def _images(request: CompletionRequest) -> int:
    return sum(len(message.images) for message in request.messages)


def _bytes(request: CompletionRequest) -> Iterable[int]:
    for message in request.messages:
        yield len(message.content.encode())
        yield from (len(call.arguments.encode()) + len(call.name) for call in message.tool_calls)
    yield from (
        len(repr(said).encode()) for said in (request.parameters.tools, request.parameters.response_schema)
    )
