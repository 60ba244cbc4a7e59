"""A call under way, from the first look at it to its last word."""

import hashlib
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from gateway_app.catalogue import ModelCard
from gateway_app.content import Content
from gateway_app.events import Answer, End, Start
from gateway_app.exceptions import GatewayError, ProviderError
from gateway_app.ids import uuid7
from gateway_app.limits import Lease, RateLimit
from gateway_app.records import Attempt, CallRecord, Outcome, Step, StepName
from gateway_app.requests import ChatRequest
from gateway_app.types import CacheState, Completion, Message, Parameters, Usage

NOTHING_ELSE = Parameters()


class Call(msgspec.Struct, eq=False):
    """A call under way: what has become known of it so far."""

    request: ChatRequest
    id: UUID = msgspec.field(default_factory=uuid7)
    created_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    began: float = msgspec.field(default_factory=time.perf_counter)
    prompt_version: str | None = None
    phase: int | None = None
    arm_reason: str | None = None
    provider: str | None = None
    model: str | None = None
    """The one that was asked for."""
    messages: tuple[Message, ...] = ()
    parameters: Parameters = msgspec.field(default_factory=Parameters)
    card: ModelCard | None = None
    """Of the model that is being tried, which a fallback changes."""
    completion: Completion | None = None
    usage: Usage = msgspec.field(default_factory=Usage)
    cost_usd: Decimal | None = None
    """Unknown until the vendor has said what was used."""
    saved_usd: Decimal | None = None
    time_to_first_token: float | None = None
    cache: CacheState | None = None
    cache_key: str | None = None
    outcome: Outcome = "cancelled"
    error_code: str | None = None
    steps: list[Step] = msgspec.field(default_factory=list)
    attempts: list[Attempt] = msgspec.field(default_factory=list)
    attempt_began: float | None = None
    lease: Lease | None = None
    """What the call holds of its key's limits."""
    leads: bool = False
    """It holds the lock of the flight that it needs."""
    rate_limit: RateLimit | None = None
    latency: float = 0.0
    left_open: bool = False
    """Its caller has gone, and what he asked for goes on for others: its cost is not known yet."""

    def elapsed(self) -> float:
        return time.perf_counter() - self.began

    def waited(self) -> float:
        """Seconds since the request came in."""
        return time.perf_counter() - (self.request.received or self.began)

    def upstream(self) -> float:
        """Seconds spent on vendors, the attempt under way included."""
        now = time.perf_counter() - self.attempt_began if self.attempt_began else 0.0
        return now + sum(attempt.seconds for attempt in self.attempts)

    def did(self, name: StepName) -> None:
        self.steps.append(Step(name=name, at=self.elapsed()))

    def first_token(self) -> None:
        if self.time_to_first_token is None:
            self.time_to_first_token = self.elapsed()

    def used(self, usage: Usage, *, cost_usd: Decimal | None) -> None:
        self.usage, self.cost_usd = usage, cost_usd

    def answered(self, completion: Completion) -> None:
        self.completion = completion

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
            at=self.attempt_began - self.began,
        )
        self.attempts.append(attempt)
        self.attempt_began = None
        return attempt

    def coalesced(self, card: ModelCard | None) -> None:
        """Somebody else asked the vendor, by `card` as far as this process knows."""
        self.cache, self.card = "COALESCED", card

    def leave_open(self) -> None:
        self.latency, self.left_open = self.elapsed(), True

    def failed(self, code: str) -> None:
        self.outcome, self.error_code = "error", code

    def start(self) -> Start:
        return Start(
            request_id=self.request.request_id,
            model=(self.card.name if self.card else self.model) or "",
            cache=self.cache or "BYPASS",
            rate_limit=self.rate_limit,
            waited=self.elapsed(),
            upstream=self.upstream(),
            prompt_name=self.request.prompt_name,
            prompt_version=self.prompt_version,
        )

    def end(self) -> End:
        assert self.completion is not None, "a call that ended well has a reply"
        return End(
            usage=self.usage,
            finish_reason=self.completion.finish_reason,
            latency=self.latency,
            upstream=self.upstream(),
            cost_usd=self.cost_usd,
        )

    def answer(self, start: Start) -> Answer:
        assert self.completion is not None, "a call that ended well has a reply"
        reply = self.completion
        return Answer(start=start, text=reply.text, tool_calls=reply.tool_calls, end=self.end())

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

    def said(self) -> dict[str, Any]:
        """The words themselves, which no log has unless it was asked for them."""
        messages = [{"role": message.role, "content": message.content} for message in self.messages]
        return {"messages": messages, "reply": self.completion.text if self.completion else None}

    def record(self) -> CallRecord:
        """What the ledger keeps; takes the time now as the call's end, unless it was left before."""
        self.latency = self.latency or self.elapsed()
        request, caller, completion = self.request, self.request.caller, self.completion
        return CallRecord(
            id=self.id,
            created_at=self.created_at,
            request_id=request.request_id,
            project_id=caller.project_id,
            project_name=caller.project,
            key_id=caller.key_id,
            key_name=caller.key_name,
            surface=request.surface,
            streamed=request.stream,
            session_id=request.session_id,
            user=request.user,
            unit_hash=hashlib.blake2b(request.unit.encode(errors="replace"), digest_size=8).hexdigest(),
            trace_id=self.id.hex,
            prompt_name=request.prompt_name,
            prompt_version=self.prompt_version,
            phase=self.phase,
            arm_reason=self.arm_reason,
            provider=self.provider,
            model=self.model,
            model_served=completion.model if completion else None,
            temperature=self.parameters.temperature,
            max_tokens=self.parameters.max_tokens,
            parameters=told(self.parameters),
            usage=self.usage,
            cost_usd=self.cost_usd,
            saved_usd=self.saved_usd,
            price_id=self.card.price.id if self.card and self.card.price else None,
            parsing=request.received and self.began - request.received,
            latency=self.latency,
            time_to_first_token=self.time_to_first_token,
            upstream=self.upstream(),
            cache=self.cache,
            cache_key=self.cache_key,
            outcome=self.outcome,
            error_code=self.error_code,
            finish_reason=completion.finish_reason if completion else None,
            steps=tuple(self.steps),
            attempts=tuple(self.attempts),
            content=self._content(),
        )

    def _content(self) -> Content | None:
        policy = self.request.caller.content
        # A version 7 id ends in random bits: the sample needs no other dice.
        if self.id.int % 100 >= policy.percent:
            return None
        reply = self.completion
        return Content(
            messages=self.messages,
            reply=reply.text if reply else None,
            tool_calls=reply.tool_calls if reply else (),
            days=policy.days,
            variables=self.request.variables if self.request.prompt_name else None,
        )


def told(parameters: Parameters) -> dict[str, Any]:
    """What was set besides temperature and length; of schemas and tools, only that they are there."""
    if replace(parameters, temperature=None, max_tokens=None) == NOTHING_ELSE:
        return {}
    found = {name: getattr(parameters, name) for name in ("top_p", "stop", "seed", "thinking_budget")}
    found |= {"json": parameters.json_mode or parameters.response_schema is not None}
    found |= {
        "tools": [tool.get("name", "") for tool in parameters.tools],
        "tool_choice": parameters.tool_choice,
    }
    return {name: value for name, value in found.items() if value not in (None, (), [], False)}
