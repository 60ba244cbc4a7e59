"""The ledger's entry, from the first look at a call to its last word."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from gateway_app.catalogue import ModelCard
from gateway_app.events import End, Start
from gateway_app.exceptions import GatewayError, ProviderError
from gateway_app.ids import uuid7
from gateway_app.requests import ChatRequest
from gateway_app.types import CacheState, Completion, FinishReason, Usage

Outcome = Literal["ok", "error", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at one vendor."""

    provider: str
    model: str
    seconds: float
    error: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One row of the ledger. Durations in seconds, money in USD."""

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


@dataclass(slots=True)
class Call:
    """A call under way: what has become known of it so far."""

    request: ChatRequest
    id: UUID = field(default_factory=uuid7)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.perf_counter)
    prompt_version: str | None = None
    phase: int | None = None
    provider: str | None = None
    model: str | None = None
    """The one that was asked for."""
    card: ModelCard | None = None
    """Of the model that is being tried, which a fallback changes."""
    model_served: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    """Unknown until the vendor has said what was used."""
    saved_usd: Decimal | None = None
    time_to_first_token: float | None = None
    cache: CacheState | None = None
    outcome: Outcome = "cancelled"
    error_code: str | None = None
    finish_reason: FinishReason | None = None
    attempts: list[Attempt] = field(default_factory=list)
    attempt_began: float | None = None
    latency: float = 0.0

    def elapsed(self) -> float:
        return time.perf_counter() - self.began

    def upstream(self) -> float:
        """Seconds spent on vendors, the attempt under way included."""
        now = time.perf_counter() - self.attempt_began if self.attempt_began else 0.0
        return now + sum(attempt.seconds for attempt in self.attempts)

    def first_token(self) -> None:
        if self.time_to_first_token is None:
            self.time_to_first_token = self.elapsed()

    def used(self, usage: Usage, *, cost_usd: Decimal | None) -> None:
        self.usage, self.cost_usd = usage, cost_usd

    def answered(self, completion: Completion) -> None:
        self.finish_reason, self.model_served = completion.finish_reason, completion.model

    def hit(self, completion: Completion, *, saved_usd: Decimal | None) -> None:
        self.cache, self.saved_usd = "HIT", saved_usd
        self.used(completion.usage, cost_usd=Decimal(0))
        self.answered(completion)

    def attempting(self, card: ModelCard) -> None:
        self.attempt_began = time.perf_counter()
        self.card, self.provider = card, card.provider

    def attempted(self, *, error: GatewayError | None) -> Attempt:
        """Closes the attempt under way."""
        assert self.attempt_began is not None
        assert self.card is not None
        attempt = Attempt(
            provider=self.card.provider,
            model=self.card.name,
            seconds=time.perf_counter() - self.attempt_began,
            error=error.code if error else None,
            status=error.status if isinstance(error, ProviderError) else None,
        )
        self.attempts.append(attempt)
        self.attempt_began = None
        return attempt

    def failed(self, code: str) -> None:
        self.outcome, self.error_code = "error", code

    def start(self) -> Start:
        return Start(
            request_id=self.request.request_id,
            model=(self.card.name if self.card else self.model) or "",
            cache=self.cache or "BYPASS",
            waited=self.elapsed(),
            upstream=self.upstream(),
            prompt_name=self.request.prompt_name,
            prompt_version=self.prompt_version,
        )

    def end(self) -> End:
        assert self.finish_reason is not None, "a reply that ended well says why"
        return End(
            usage=self.usage,
            finish_reason=self.finish_reason,
            latency=self.latency,
            upstream=self.upstream(),
            cost_usd=self.cost_usd,
        )

    def summary(self) -> dict[str, Any]:
        """What the log says of it."""
        return {
            "surface": self.request.surface,
            "prompt": self.request.prompt_name,
            "version": self.prompt_version,
            "model": self.model,
            "cache": self.cache,
            "outcome": self.outcome,
            "error": self.error_code,
            "tokens": self.usage.total_tokens,
            "ms": round(self.latency * 1000, 2),
        }

    def record(self) -> CallRecord:
        """What the ledger keeps; takes the time now as the call's end."""
        self.latency = self.elapsed()
        request = self.request
        return CallRecord(
            id=self.id,
            created_at=self.created_at,
            request_id=request.request_id,
            project_id=request.caller.project_id,
            key_id=request.caller.key_id,
            surface=request.surface,
            streamed=request.stream,
            prompt_name=request.prompt_name,
            prompt_version=self.prompt_version,
            phase=self.phase,
            provider=self.provider,
            model=self.model,
            model_served=self.model_served,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            usage=self.usage,
            cost_usd=self.cost_usd,
            saved_usd=self.saved_usd,
            latency=self.latency,
            time_to_first_token=self.time_to_first_token,
            upstream=self.upstream(),
            cache=self.cache,
            outcome=self.outcome,
            error_code=self.error_code,
            finish_reason=self.finish_reason,
            attempts=tuple(self.attempts),
        )
