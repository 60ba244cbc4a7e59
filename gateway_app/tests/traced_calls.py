"""Ledger entries for the tests of traces and metrics."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from gateway_app.content import Content
from gateway_app.ids import uuid7
from gateway_app.records import Attempt, CallRecord
from gateway_app.types import Message, Usage

BEGAN = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
TRY = Attempt(provider="gemini", model="gemini-2.5-flash", at=0.01, seconds=0.7)

ANSWERED = CallRecord(
    id=UUID("0190f0f0-0000-7000-8000-000000000001"),
    created_at=BEGAN,
    request_id="request-1",
    project_id=1,
    project_name="shop",
    key_id="k1",
    key_name="backend",
    session_id="session-1",
    surface="chat",
    streamed=True,
    prompt_name="summarizer",
    prompt_version="v2",
    phase=3,
    arm_reason="split",
    provider="gemini",
    model="gemini-2.5-flash",
    model_served="gemini-2.5-flash-001",
    temperature=0.2,
    max_tokens=256,
    parameters={"seed": 7, "stop": ["END"]},
    usage=Usage(input_tokens=100, cached_tokens=40, output_tokens=30, thinking_tokens=12, total_tokens=142),
    cost_usd=Decimal("0.0001242"),
    saved_usd=None,
    latency=0.75,
    time_to_first_token=0.21,
    upstream=0.7,
    cache="MISS",
    outcome="ok",
    error_code=None,
    finish_reason="stop",
    attempts=(TRY,),
)
"""A stream of the prompt `summarizer`, answered by Gemini at the first try."""

CONTENT = Content(
    messages=(
        Message(role="system", content="Summarize."),
        Message(role="user", content="A long text of [email]."),
    ),
    reply="It is short.",
    tool_calls=(),
    days=30,
)


def answered(**changes: Any) -> CallRecord:
    """Another call like it, with an id of its own."""
    return replace(ANSWERED, **{"id": uuid7(), **changes})


def hit() -> CallRecord:
    return answered(
        cache="HIT",
        attempts=(),
        upstream=0.0,
        cost_usd=Decimal(0),
        saved_usd=Decimal("0.0001242"),
        latency=0.002,
    )


def retried() -> CallRecord:
    """Failed once, then answered by the fallback model."""
    failed = Attempt(
        provider="gemini",
        model="gemini-2.5-pro",
        at=0.01,
        seconds=0.2,
        error="provider_unavailable",
        status=503,
    )
    return answered(
        model="gemini-2.5-pro",
        attempts=(failed, replace(TRY, at=0.3, seconds=0.45)),
        time_to_first_token=0.4,
    )


def failed() -> CallRecord:
    """Every try failed."""
    tries = tuple(
        Attempt(
            provider="gemini",
            model="gemini-2.5-flash",
            at=at,
            seconds=0.1,
            error="provider_timeout",
            status=None,
        )
        for at in (0.0, 0.2)
    )
    return answered(
        outcome="error",
        error_code="provider_timeout",
        attempts=tries,
        usage=Usage(),
        cost_usd=None,
        finish_reason=None,
        model_served=None,
        time_to_first_token=None,
    )


def refused() -> CallRecord:
    """Never got as far as a vendor."""
    return answered(
        outcome="error",
        error_code="rate_limit_exceeded",
        attempts=(),
        usage=Usage(),
        cost_usd=None,
        finish_reason=None,
        model_served=None,
        time_to_first_token=None,
    )
