"""What tracers are told of: finished calls and the scores that people and evaluations give them."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from gateway_app.json_numbers import real
from gateway_app.records import CallRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A judgement of one call. The same `id` again replaces it."""

    id: str
    call_id: UUID
    name: str
    value: bool | float | str
    comment: str | None = None


Record = CallRecord | Score

encode_score = msgspec.json.Encoder().encode
read_call = msgspec.json.Decoder(CallRecord, float_hook=real).decode
read_score = msgspec.json.Decoder(Score).decode


def trace_id(call_id: UUID) -> str:
    """32 hexadecimal digits, the same with every tracer.

    Made of the call's own id: a request id may be the client's, who may use it twice.
    """
    return call_id.hex
