"""What faults do to an answer, to the bytes that carry it, and to their delivery."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from gateway_app.testing.answers.answer import Answer
from gateway_app.testing.faults import Fault, Faults
from gateway_app.testing.wire.errors import GoogleError, of_status

HANG_SECONDS = 3600.0
"""How long "for ever" lasts."""
RESET_GRACE_SECONDS = 0.02
"""A reset throws away what the peer has not read yet: the chunks before it get this long to arrive."""
LONG_WORD = "x" * 199 + " "
HTML = b"<!DOCTYPE html><html><title>Error</title><body>That is an error.</body></html>"
HTML_TYPE = "text/html; charset=UTF-8"

_TEXT_BEGINS = re.compile(rb'"(?:text|content)":"')
_OF_DELIVERY = frozenset(("drip", "stall", "cut", "reset"))


@dataclass(frozen=True, slots=True)
class Send:
    data: bytes
    begins_chunk: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


class Break(Enum):
    """How the simulator leaves before the end."""

    CUT = "cut"
    RESET = "reset"


Step = Send | Wait | Break


def disturbed(answer: Answer, faults: Faults) -> Answer:
    """The answer with what the faults change of its content."""
    for fault in faults:
        answer = _disturbed(answer, fault)
    return answer


def _disturbed(answer: Answer, fault: Fault) -> Answer:
    match fault.fault:
        case "empty":
            return Answer(finish_reason=None)
        case "blocked":
            return Answer(finish_reason=None, block_reason="SAFETY")
        case "safety" | "recitation" | "max_tokens":
            half = answer.text[: len(answer.text) // 2]
            return replace(answer, text=half, calls=(), finish_reason=fault.fault.upper())
        case "thinking_only":
            tokens = answer.thinking_tokens or 64
            return Answer(thinking_tokens=tokens, thoughts=answer.thoughts, finish_reason="MAX_TOKENS")
        case "no_finish":
            return replace(answer, finish_reason=None)
        case "huge":
            return replace(answer, text="x" * fault.size, calls=())
        case "long":
            return replace(answer, text=LONG_WORD * (fault.size // len(LONG_WORD)), calls=())
        case _:
            return answer


def spoilt(chunks: list[bytes], faults: Faults) -> list[bytes]:
    """The chunks with one of them broken or all of them replaced, where a fault says so."""
    for fault in faults:
        if fault.fault == "wrong_type":
            return [HTML]
        place = min(fault.after, len(chunks) - 1)
        if fault.fault == "malformed":
            broken = chunks[place][: len(chunks[place]) // 2] + b"\r\n\r\n"
        elif fault.fault == "invalid_utf8":
            broken = _TEXT_BEGINS.sub(b"\\g<0>\xff\xfe", chunks[place], count=1)
        else:
            continue
        chunks = [*chunks[:place], broken, *chunks[place + 1 :]]
    return chunks


def error_asked(faults: Faults, *, stream: bool) -> GoogleError | None:
    """The error to answer with. What is an event in a stream is a 503 in place of a whole reply."""
    errors = (fault.error for fault in faults if fault.error)
    interrupted = not stream and any(fault.fault == "error_event" for fault in faults)
    return next(errors, of_status(503) if interrupted else None)


def content_type(faults: Faults, otherwise: str) -> str:
    return HTML_TYPE if any(fault.fault == "wrong_type" for fault in faults) else otherwise


def halves(body: bytes) -> list[bytes]:
    """A whole body in two pieces, so that something can happen between them."""
    return [body[: len(body) // 2], body[len(body) // 2 :]]


def seconds_before_headers(faults: Faults) -> float:
    waits = (fault for fault in faults if fault.fault in ("latency", "hang"))
    return sum(HANG_SECONDS if fault.fault == "hang" else fault.seconds for fault in waits)


def disturbs_delivery(faults: Faults) -> bool:
    """Whether something happens while a body is sent, so that it must go out piece by piece."""
    return any(fault.fault in _OF_DELIVERY for fault in faults)


def script(chunks: list[bytes], faults: Faults, *, chunk_delay: float, error_chunk: bytes) -> Iterator[Step]:
    """The delivery of `chunks`, step by step, with `chunk_delay` seconds between two."""
    by_kind = {fault.fault: fault for fault in faults}
    drip = by_kind.get("drip")
    delay = by_kind["chunk_delay"].seconds if "chunk_delay" in by_kind else chunk_delay
    endings = _endings(error_chunk)
    end = next((fault for fault in faults if fault.fault in endings), None)
    # However late it comes, a fault leaves something unsaid.
    sent = chunks[: min(end.after, len(chunks) - 1)] if end else chunks
    for number, chunk in enumerate(sent):
        if number and delay:
            yield Wait(delay)
        yield from _dripped(chunk, drip.seconds) if drip else (Send(chunk),)
    if end:
        yield from endings[end.fault]


def _endings(error_chunk: bytes) -> dict[str, tuple[Step, ...]]:
    return {
        "stall": (Wait(HANG_SECONDS), Break.CUT),
        "cut": (Break.CUT,),
        "reset": (Wait(RESET_GRACE_SECONDS), Break.RESET),
        "error_event": (Send(error_chunk, begins_chunk=False),),
    }


def _dripped(chunk: bytes, seconds: float) -> Iterator[Step]:
    for place in range(len(chunk)):
        yield Send(chunk[place : place + 1], begins_chunk=place == 0)
        yield Wait(seconds)
