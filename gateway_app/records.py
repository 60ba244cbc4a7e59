"""What the ledger keeps of a call."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from gateway_app.content import Content
from gateway_app.types import CacheState, FinishReason, Usage

Outcome = Literal["ok", "error", "cancelled"]
StepName = Literal["admit", "resolve", "cache"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done with a call before a vendor was asked."""

    name: StepName
    at: float
    """Seconds after the call began, when it was done."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one vendor."""

    provider: str
    model: str
    seconds: float
    error: str | None = None
    status: int | None = None
    at: float = 0.0
    """Seconds after the call began, when the try began."""


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger. Durations in seconds, money in USD.

    What was added later has a default, for an entry may be older than the code that reads it.
    """

    id: UUID
    created_at: datetime
    request_id: str
    project_id: int | None
    key_id: str | None
    surface: str
    streamed: bool
    prompt_name: str | None
    prompt_version: str | None
    phase: int | None
    provider: str | None
    model: str | None
    model_served: str | None
    temperature: float | None
    max_tokens: int | None
    usage: Usage
    cost_usd: Decimal | None
    saved_usd: Decimal | None
    latency: float
    time_to_first_token: float | None
    upstream: float
    cache: CacheState | None
    outcome: Outcome
    error_code: str | None
    finish_reason: FinishReason | None
    attempts: tuple[Attempt, ...]
    project_name: str = ""
    key_name: str | None = None
    session_id: str | None = None
    user: str | None = None
    """The caller's own user, for traces; the ledger's rows do not keep it."""
    unit_hash: str | None = None
    """16 hex digits of what a traffic split goes by, so that its calls can be told from others."""
    trace_id: str | None = None
    """32 hex digits."""
    arm_reason: str | None = None
    """Why it was this version, in the registry's words."""
    parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Those that were set, besides temperature and max_tokens."""
    price_id: int | None = None
    cache_key: str | None = None
    parsing: float | None = None
    """Seconds from the request's arrival to the call's beginning."""
    steps: tuple[Step, ...] = ()
    content: Content | None = None
