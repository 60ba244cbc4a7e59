"""What all pieces of one reply share, and what its caller wants in it."""

import hashlib
import time
from dataclasses import dataclass

from gateway_app.ids import uuid7
from gateway_app.v1.schemas import ChatCompletionRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyForm:
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
    """`version` is the gateway's: together with the model it is all that the fingerprint tells."""
    digest = hashlib.sha256(f"{version} {body.model}".encode()).hexdigest()
    return ReplyForm(
        id=f"chatcmpl-{uuid7().hex}",
        created=int(time.time()),
        model=body.model,
        system_fingerprint=f"fp_{digest[:10]}",
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        one_call=body.parallel_tool_calls is False,
    )
