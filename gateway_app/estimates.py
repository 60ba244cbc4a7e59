"""How many tokens a call takes, as far as one can tell before its vendor has counted."""

from typing import NamedTuple

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


class Size(NamedTuple):
    """Of what is sent."""

    bytes: int
    turns: int
    images: int

    @property
    def about(self) -> int:
        """Tokens."""
        return self.bytes // CHARACTERS + IMAGE * self.images

    @property
    def at_most(self) -> int:
        """Tokens: one is at least one byte, so the bytes of a text bound its tokens."""
        return self.bytes + TURN_AT_MOST * self.turns + IMAGE_AT_MOST * self.images


def size(request: CompletionRequest) -> Size:
    parameters, images = request.parameters, 0
    total = len(repr(parameters.tools).encode()) if parameters.tools else 0
    if parameters.response_schema is not None:
        total += len(repr(parameters.response_schema).encode())
    for message in request.messages:
        total += _bytes(message.content) + _bytes(message.name) + _bytes(message.tool_call_id)
        images += len(message.images)
        for call in message.tool_calls:
            # A signature may be thoughts that the vendor reads again.
            total += sum(map(_bytes, (call.id, call.name, call.arguments, call.signature)))
    return Size(bytes=total, turns=len(request.messages), images=images)


def _bytes(text: str | None) -> int:
    if not text:
        return 0
    return len(text) if text.isascii() else len(text.encode())


def broken_off(request: CompletionRequest, *, counted: Usage | None, written: int) -> Usage:
    """What a reply took that ended after `written` characters, by the vendor's count or else about.

    Some vendors count as they speak, some at the end alone: a count that is far too low is none yet.
    """
    known = counted or Usage()
    output = max(known.output_tokens, 0 if _plausible(known, written) else written // CHARACTERS)
    given = known.input_tokens or size(request).about
    total = given + output + known.thinking_tokens
    return replace(known, input_tokens=given, output_tokens=output, total_tokens=total)


def _plausible(counted: Usage, written: int) -> bool:
    return counted.output_tokens * 2 * CHARACTERS >= written
