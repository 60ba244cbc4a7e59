"""What all pieces of one reply share, and what its caller wants in it."""

import hashlib
import time
from functools import lru_cache

import msgspec

from gateway_app.ids import uuid7_hex
from gateway_app.v1.schemas import ChatCompletionRequest


class ReplyForm(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created: int
    """Unix seconds."""
    model: str
    """As it was asked for."""
    system_fingerprint: str
    include_usage: bool
    """In a stream; a whole reply always has it."""
    one_call: bool
    """Not every vendor can be kept from parallel calls: only the first one is passed on."""


def reply_form(body: ChatCompletionRequest, *, version: str) -> ReplyForm:
    """`version` is the gateway's."""
    return ReplyForm(
        id=f"chatcmpl-{uuid7_hex()}",
        created=int(time.time()),
        model=body.model,
        system_fingerprint=_fingerprint(version, body.model),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        one_call=body.parallel_tool_calls is False,
    )


@lru_cache(maxsize=256)
def _fingerprint(version: str, model: str) -> str:
    """Version and model are all that it tells."""
    return f"fp_{hashlib.sha256(f'{version} {model}'.encode()).hexdigest()[:10]}"
