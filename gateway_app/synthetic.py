"""Calls that nobody made, to see how the ledger bears growth."""

import random
from decimal import Decimal
from typing import Any

import msgspec

from gateway_app.models import Call
from gateway_app.pricing import Price, Rates, cost
from gateway_app.types import Usage

MODELS = {
    "gemini-2.5-flash": Price(standard=Rates(input=Decimal("0.3"), output=Decimal("2.5"))),
    "gemini-2.5-flash-lite": Price(standard=Rates(input=Decimal("0.1"), output=Decimal("0.4"))),
    "gemini-2.5-pro": Price(standard=Rates(input=Decimal("1.25"), output=Decimal(10))),
    "gemini-3-flash-preview": Price(standard=Rates(input=Decimal("0.5"), output=Decimal(3))),
    "gemini-9-unpriced": None,
}
PROMPTS = ("summarizer", "ticket-classifier", "translator", "sql-explainer", None)
STEPS = [{"name": "resolve", "at": 0.0004}, {"name": "cache", "at": 0.001}]
ERRORS = ("provider_timeout", "provider_rate_limited", "provider_unavailable", "variables_invalid")


def kinds(count: int, *, keys: list[tuple[int, str, str]]) -> list[Call]:
    """`count` different calls of those (project id, key id, key name), not saved. Always the same ones."""
    dice = random.Random(count)  # noqa: S311 - dice, not secrets
    return [_call(dice, keys) for _ in range(count)]


def _call(dice: random.Random, keys: list[tuple[int, str, str]]) -> Call:
    place = dice.randrange(len(keys))
    project, key, name = keys[place]
    model = dice.choices(list(MODELS), weights=(60, 15, 10, 14, 1))[0]
    # An application asks through one surface, and mostly through one prompt.
    prompt = PROMPTS[place % len(PROMPTS)] if dice.random() < 0.8 else dice.choice(PROMPTS)
    outcome = dice.choices(("ok", "error", "cancelled"), weights=(960, 25, 15))[0]
    hit = outcome == "ok" and dice.random() < 0.3
    usage = _usage(dice) if outcome == "ok" else Usage()
    charged = cost(usage, MODELS[model]) if outcome == "ok" else None
    error = dice.choice(ERRORS) if outcome == "error" else None
    latency = dice.lognormvariate(0, 0.6) * (2 if hit else 1200)
    return Call(
        project_id=project,
        project_name="synthetic",
        key_id=key,
        key_name=name,
        surface=("chat", "v1", "ws")[place % 3],
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
        **msgspec.structs.asdict(usage),
        cost_usd=Decimal(0) if hit else charged,
        saved_usd=charged if hit else None,
        latency_ms=latency,
        time_to_first_token_ms=latency * dice.uniform(0.2, 0.6) if outcome == "ok" else None,
        upstream_ms=0 if hit else latency * 0.98,
        cache="HIT" if hit else "MISS",
        outcome=outcome,
        error_code=error,
        finish_reason="stop" if outcome == "ok" else None,
        steps=STEPS,
        attempts=[] if hit else [_attempt(model, latency / 1000, error)],
    )


def _attempt(model: str, seconds: float, error: str | None) -> dict[str, Any]:
    return {
        "provider": "gemini",
        "model": model,
        "seconds": seconds,
        "error": error,
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
