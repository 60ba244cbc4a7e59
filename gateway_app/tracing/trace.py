"""A finished call laid out as a trace: when each try began and ended, and what belongs to which."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from gateway_app.content import Content
from gateway_app.pricing import Part, parts
from gateway_app.records import Attempt, CallRecord
from gateway_app.tracing.records import trace_id
from gateway_app.types import Usage

LANGFUSE_NAMES: Mapping[Part, str] = {
    "input": "input",
    "audio input": "input_audio_tokens",
    "cached input": "input_cached_tokens",
    "cached audio": "input_cached_audio_tokens",
    "output": "output",
    "audio output": "output_audio_tokens",
    "thinking": "output_reasoning_tokens",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One try at one vendor."""

    id: str
    """16 hexadecimal digits."""
    attempt: Attempt
    began: datetime
    ended: datetime
    first_token: datetime | None = None
    usage: Usage | None = None
    """Like all that follows but the error, of the last try alone: what a call used is said once."""
    cost_usd: Decimal | None = None
    model_served: str | None = None
    content: Content | None = None
    finish_reason: str | None = None
    error: str | None = None
    """Our code for what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One call."""

    id: str
    root_id: str
    """Of the span around the tries."""
    name: str
    call: CallRecord
    began: datetime
    ended: datetime
    generations: tuple[Generation, ...]
    tags: tuple[str, ...]

    @property
    def from_cache(self) -> bool:
        """Answered without a vendor, by the cache or by another caller's try."""
        return not self.generations and self.call.cache in ("HIT", "COALESCED")

    @property
    def parameters(self) -> dict[str, Any]:
        """Those that were set."""
        call = self.call
        own = {"temperature": call.temperature, "max_tokens": call.max_tokens}
        return {**call.parameters, **{name: value for name, value in own.items() if value is not None}}

    @property
    def prompt_number(self) -> int | None:
        """Langfuse's prompt versions are numbers: `v7` is 7; a version without one has no link."""
        match = re.fullmatch(r"v?(\d{1,9})", self.call.prompt_version or "")
        return int(match[1]) if match else None

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is known of the call as a whole, the unknown left out."""
        call = self.call
        known = {
            "request_id": call.request_id,
            "project": call.project_name or None,
            "key": call.key_name,
            "surface": call.surface,
            "streamed": call.streamed,
            "cache": call.cache,
            "prompt_name": call.prompt_name,
            "prompt_version": call.prompt_version,
            "experiment_phase": call.phase,
            "version_reason": call.arm_reason,
            "outcome": call.outcome,
            "error_code": call.error_code,
            "saved_usd": None if call.saved_usd is None else float(call.saved_usd),
        }
        return {name: value for name, value in known.items() if value is not None}


def lay_out(call: CallRecord) -> Trace:
    identifier = trace_id(call.id)
    return Trace(
        id=identifier,
        root_id=span_id(identifier, "root"),
        name=call.prompt_name or call.surface,
        call=call,
        began=call.created_at,
        ended=call.created_at + timedelta(seconds=call.latency),
        generations=_generations(call, identifier),
        tags=tuple(filter(None, (call.surface, call.prompt_name, call.prompt_version))),
    )


def split(usage: Usage) -> dict[str, int]:
    """Parts that do not overlap, under the names that Langfuse adds up: `input…`, `output…`."""
    found = {LANGFUSE_NAMES[part]: tokens for part, tokens in parts(usage).items()}
    silent = {name: tokens for name, tokens in found.items() if tokens or "audio" not in name}
    return {**silent, "total": sum(silent.values())}


def span_id(trace: str, name: str) -> str:
    """16 hexadecimal digits, always the same for the same trace and name."""
    return sha256(f"{trace}/{name}".encode()).hexdigest()[:16]


def _generations(call: CallRecord, trace: str) -> tuple[Generation, ...]:
    tries = call.attempts or _taken_over(call)
    return tuple(
        _generation(call, attempt, identifier=span_id(trace, str(number)), last=attempt is tries[-1])
        for number, attempt in enumerate(tries)
    )


def _taken_over(call: CallRecord) -> tuple[Attempt, ...]:
    """Who joined another's call, and pays for it because the other left, has that try as his own."""
    if not call.cost_usd:
        return ()
    return (Attempt(provider=call.provider or "", model=call.model or "", seconds=call.latency),)


def _generation(call: CallRecord, attempt: Attempt, *, identifier: str, last: bool) -> Generation:
    began = call.created_at + timedelta(seconds=attempt.at)
    ended = began + timedelta(seconds=attempt.seconds)
    if not last:
        return Generation(id=identifier, attempt=attempt, began=began, ended=ended, error=attempt.error)
    waited = call.time_to_first_token
    return Generation(
        id=identifier,
        attempt=attempt,
        began=began,
        ended=ended,
        first_token=None if waited is None else call.created_at + timedelta(seconds=waited),
        usage=None if call.usage == Usage() else call.usage,
        cost_usd=call.cost_usd,
        content=call.content,
        model_served=call.model_served,
        finish_reason=call.finish_reason,
        error=attempt.error or call.error_code,
    )
