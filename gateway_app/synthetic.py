"""Calls that nobody made, in any number: to see how the ledger bears growth."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from gateway_app.ids import uuid7
from gateway_app.models import Call
from gateway_app.pricing import Price, Rates, cost
from gateway_app.types import Usage

KINDS = 5_000
"""Different calls; all others differ from one of them in time and id alone."""
MODELS = {
    "gemini-2.5-flash": Price(standard=Rates(input=Decimal("0.3"), output=Decimal("2.5"))),
    "gemini-2.5-flash-lite": Price(standard=Rates(input=Decimal("0.1"), output=Decimal("0.4"))),
    "gemini-2.5-pro": Price(standard=Rates(input=Decimal("1.25"), output=Decimal(10))),
    "gemini-3-flash-preview": Price(standard=Rates(input=Decimal("0.5"), output=Decimal(3))),
    "gemini-9-unpriced": None,
}
PROMPTS = {"summarizer": 5, "ticket-classifier": 4, "translator": 2, "sql-explainer": 1, None: 3}
ERRORS = ("provider_timeout", "provider_rate_limited", "provider_unavailable", "variables_invalid")

COLUMNS = [str(field.column) for field in Call._meta.concrete_fields]


def rows(count: int, *, until: datetime, days: int, keys: list[tuple[int, str, str]]) -> Iterator[list[Any]]:
    """`count` rows for COPY, values in the order of `COLUMNS`, in order of time.

    `keys`: (project id, key id, key name). The same call gives rows that differ in their ids alone.
    """
    dice = random.Random(count)  # noqa: S311 - dice, not secrets
    kinds = [_values(_call(dice, keys)) for _ in range(min(count, KINDS))]
    places = [COLUMNS.index(name) for name in ("id", "created_at", "request_id")]
    step = timedelta(days=days) / count
    for number in range(count):
        values = list(dice.choice(kinds))
        own = (uuid7(), until - step * (count - number), f"synthetic-{number}")
        for place, value in zip(places, own, strict=True):
            values[place] = value
        yield values


def _call(dice: random.Random, keys: list[tuple[int, str, str]]) -> Call:
    project, key, name = dice.choice(keys)
    model = dice.choices(list(MODELS), weights=(60, 15, 10, 14, 1))[0]
    prompt = dice.choices(list(PROMPTS), weights=list(PROMPTS.values()))[0]
    outcome = dice.choices(("ok", "error", "cancelled"), weights=(960, 25, 15))[0]
    hit = outcome == "ok" and dice.random() < 0.3
    usage = _usage(dice) if outcome == "ok" else Usage()
    charged = cost(usage, MODELS[model]) if outcome == "ok" else None
    latency = dice.lognormvariate(0, 0.6) * (2 if hit else 1200)
    return Call(
        project_id=project,
        project_name="synthetic",
        key_id=key,
        key_name=name,
        surface=dice.choice(("chat", "v1", "ws")),
        streamed=dice.random() < 0.5,
        prompt_name=prompt,
        prompt_version=dice.choice(("v1", "v2")) if prompt else None,
        phase=1 if prompt else None,
        arm_reason="split" if prompt else None,
        provider="gemini",
        model=model,
        model_served=model,
        temperature=0.7,
        max_tokens=1024,
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        thinking_tokens=usage.thinking_tokens,
        total_tokens=usage.total_tokens,
        cost_usd=Decimal(0) if hit else charged,
        saved_usd=charged if hit else None,
        latency_ms=latency,
        time_to_first_token_ms=latency * dice.uniform(0.2, 0.6) if outcome == "ok" else None,
        upstream_ms=0 if hit else latency * 0.98,
        cache="HIT" if hit else "MISS",
        outcome=outcome,
        error_code=dice.choice(ERRORS) if outcome == "error" else None,
        finish_reason="stop" if outcome == "ok" else None,
        steps=[{"name": "resolve", "at": 0.0004}, {"name": "cache", "at": 0.001}],
        attempts=[] if hit else [_attempt(model, latency / 1000)],
    )


def _attempt(model: str, seconds: float) -> dict[str, Any]:
    return {
        "provider": "gemini",
        "model": model,
        "seconds": seconds,
        "error": None,
        "status": None,
        "at": 0.001,
    }


def _usage(dice: random.Random) -> Usage:
    given, written = int(dice.lognormvariate(6.5, 1)), int(dice.lognormvariate(5, 0.7))
    thought = int(dice.lognormvariate(5, 1)) if dice.random() < 0.4 else 0
    return Usage(
        input_tokens=given,
        output_tokens=written,
        thinking_tokens=thought,
        total_tokens=given + written + thought,
    )


def _values(call: Call) -> list[Any]:
    fields = Call._meta.concrete_fields
    return [field.get_db_prep_save(getattr(call, field.attname), connection) for field in fields]
