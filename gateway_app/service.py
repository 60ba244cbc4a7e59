"""The way of one call: resolve, cache, provider, record. Every door comes through here."""

import time
from asyncio import CancelledError, sleep
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import msgspec
import structlog

from gateway_app.admission import Admission
from gateway_app.cache_key import cache_key
from gateway_app.calls import Call
from gateway_app.catalogue import Catalogue, ModelCard
from gateway_app.estimates import broken_off
from gateway_app.events import Answer, Delta, Event, Fold, Start
from gateway_app.exceptions import GatewayError
from gateway_app.flights import Flight, Flights
from gateway_app.ledger import Ledger
from gateway_app.limits import claim, nano_dollars
from gateway_app.metrics import observing as metrics
from gateway_app.purge_counts import Purged, purges_of
from gateway_app.replay import deltas
from gateway_app.requests import ChatRequest, cache_space
from gateway_app.resolution import resolve
from gateway_app.response_cache import ResponseCache, StoredReply
from gateway_app.types import LONGEST_PIECE, Chunk, Completion, CompletionRequest, FinishReason, Usage
from gateway_app.upstream import Upstream
from prompts_app.exceptions import PromptError
from prompts_app.refresh import Refreshed
from prompts_app.registry import Registry

log = structlog.get_logger()

CACHEABLE: tuple[FinishReason, ...] = ("stop", "length", "tool_calls")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be asked, of whom, and under which key the answer is kept."""

    completion: CompletionRequest
    candidates: list[ModelCard]
    """The model and its fallbacks."""
    key: str

    @property
    def card(self) -> ModelCard:
        return self.candidates[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    registry: Registry
    catalogue: Catalogue
    upstream: Upstream
    flights: Flights
    cache: ResponseCache
    purges: Refreshed[Mapping[Purged, int]]
    admission: Admission
    ledger: Ledger
    default_model: str
    log_prompts: bool = False

    async def complete(self, request: ChatRequest) -> Answer:
        """A whole reply: the stream, folded. Raises what `stream` raises."""
        call = Call(request)
        with self._account(call):
            plan = await self._plan(call)
            if await self._look_up(plan, call):
                start = call.start()
                call.first_token()
            else:
                start = await self._whole(plan, call)
        await sleep(0)  # as below
        return call.answer(start)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Event, None]:
        """A `Start`, `Delta`s and an `End`; the ledger has the call before the `End` is out.

        Raises `GatewayError` or `PromptError`, before the `Start` or in the middle. Closing the iterator, or
        cancelling its consumer, cancels the call to the vendor and leaves a `cancelled` entry.
        """
        call = Call(request)
        with self._account(call):
            plan = await self._plan(call)
            if stored := await self._look_up(plan, call):
                yield call.start()
                call.first_token()
                for delta in deltas(stored.completion):
                    yield delta
                    if len(delta.text) >= LONGEST_PIECE:  # a long text takes turns with everything else
                        await sleep(0)
            else:
                started = False
                async with aclosing(self._shared(plan, call)) as chunks:
                    async for chunk in chunks:
                        if not started and chunk.says_something:
                            started = True
                            yield call.start()
                        if chunk.text or chunk.tool_calls:
                            call.first_token()
                            yield Delta(text=chunk.text, tool_calls=chunk.tool_calls)
                        if len(chunk.text) >= LONGEST_PIECE:
                            await sleep(0)
        await sleep(0)  # the entry is with the kernel when the reply's last byte leaves
        yield call.end()

    @contextmanager
    def _account(self, call: Call) -> Iterator[None]:
        """What becomes of the call is noted, however it ends."""
        metrics.began(call.request)
        try:
            yield
            call.outcome = "ok"
        except (CancelledError, GeneratorExit):
            raise
        except (GatewayError, PromptError) as exc:
            call.failed(exc.code)
            raise
        except Exception:
            call.failed("internal_error")
            raise
        finally:
            if not call.left_open:
                self._finish(call)

    async def _plan(self, call: Call) -> Plan:
        completion, card = await resolve(
            call, self.registry, self.catalogue, default_model=self.default_model
        )
        caller = call.request.caller
        purges = purges_of(
            self.purges.value, project=caller.project, prompt=call.request.prompt_name, model=card.name
        )
        space = cache_space(caller, call.request.surface)
        key = cache_key(completion, project=space, provider=card.provider, purges=purges)
        call.cache_key = key
        return Plan(completion=completion, candidates=self.upstream.candidates(card), key=key)

    async def _whole(self, plan: Plan, call: Call) -> Start:
        """The vendor's reply to its end, which is then on `call`."""
        start = None
        async with aclosing(self._shared(plan, call)) as chunks:
            async for chunk in chunks:
                if start is None and chunk.says_something:
                    start = call.start()
                if chunk.text or chunk.tool_calls:
                    call.first_token()
        assert start is not None, "a reply that says nothing at all has no finish reason, and has raised"
        return start

    async def _shared(self, plan: Plan, call: Call) -> AsyncGenerator[Chunk, None]:
        """The vendor's reply, together with all who ask for the same at this moment."""
        fold = Fold()
        flight = self.flights.board(
            _flight_key(call),
            call,
            partial(self._fly, plan, call),
            kept=partial(self._kept, plan, call),
            leads_as=str(call.id) if call.leads else "",
        )
        try:
            async with aclosing(flight.read()) as chunks:
                async for chunk in chunks:
                    fold.add(chunk)
                    if call.card is None:
                        call.coalesced(flight.card)
                    yield chunk
            call.answered(fold.completion(asked=plan.completion.model))
        finally:
            if self.flights.leave(flight):
                call.leave_open()
                flight.payer = call
                flight.at_landing.append(partial(self._close, plan, call, flight))
            elif usage := _usage(plan, call, flight, fold):
                call.used(usage, cost_usd=flight.bill(call))

    def _close(self, plan: Plan, call: Call, flight: Flight) -> None:
        """Who left last here pays for what those elsewhere have read: the vendor was asked for his sake."""
        fold = Fold()
        try:
            for chunk in flight.chunks:
                fold.add(chunk)
            if usage := _usage(plan, call, flight, fold):
                call.used(usage, cost_usd=flight.bill(call))
        finally:
            self._finish(call)

    async def _fly(self, plan: Plan, call: Call, flight: Flight) -> AsyncGenerator[Chunk, None]:
        """Asks the vendor, on behalf of everybody aboard, and keeps a whole reply."""
        fold = Fold()
        async with aclosing(self.upstream.stream(plan.completion, plan.candidates, call)) as chunks:
            async for chunk in chunks:
                fold.add(chunk)
                if chunk.usage:
                    flight.card, flight.usage = call.card, chunk.usage
                yield chunk
        completion = fold.completion(asked=plan.completion.model)
        # A fallback's words are not the model's that was asked for.
        if call.request.cache.write and completion.finish_reason in CACHEABLE and call.card == plan.card:
            self.cache.put(plan.key, completion, cost_usd=flight.cost_usd)

    async def _kept(self, plan: Plan, call: Call) -> Completion | None:
        wants = call.request.cache
        stored = await self.cache.get(plan.key, max_age=wants.max_age) if wants.read else None
        return stored.completion if stored else None

    async def _look_up(self, plan: Plan, call: Call) -> StoredReply | None:
        """The kept reply, if the caller takes one; for a key with limits, in the round trip that admits."""
        wants = call.request.cache
        call.cache = "MISS" if wants.read else "BYPASS"
        began = time.perf_counter()
        if call.request.caller.limits.any:
            stored = await self._admit(plan, call)
        else:
            stored = await self.cache.get(plan.key, max_age=wants.max_age) if wants.read else None
        if wants.read:
            log.info("cache_hit" if stored else "cache_miss", key=plan.key[:12], ms=_ms(began))
        call.did("cache")
        if stored:
            call.hit(stored.completion, saved_usd=stored.cost_usd)
        return stored

    async def _admit(self, plan: Plan, call: Call) -> StoredReply | None:
        """Raises `LimitReached`, `BudgetSpent` and their like; what is admitted holds a lease.

        The lock of the flight that a miss needs is got in the same round trip.
        """
        caller, wants = call.request.caller, call.request.cache
        wanted = claim(plan.completion, plan.candidates, budgeted=caller.limits.budgeted)
        name = self.cache.name(plan.key) if wants.read else ""
        admitted = await self.admission.admit(
            caller, call.id, wanted, reply_key=name, lock=self.flights.lock(_flight_key(call))
        )
        if admitted.reply is not None:
            stored = await self.cache.read(plan.key, admitted.reply, max_age=wants.max_age)
            if stored is None:  # too old, or unreadable: the vendor must be asked after all
                admitted = await self.admission.admit(caller, call.id, wanted, reply_key="", counted=True)
        else:
            stored = None
        call.lease, call.rate_limit = admitted.lease, admitted.rate_limit
        call.leads = admitted.leads
        call.did("admit")
        return stored

    def _finish(self, call: Call) -> None:
        """However it ended: its key's limits, the ledger, the instruments and the log know. Does not wait."""
        self._settle(call)
        record = call.record()
        self.ledger.append(record)
        if call.outcome != "ok":  # an error is told, or nobody is left, before the loop turns
            self.ledger.flush()
        metrics.observe(record)
        log.info("request_done", **call.summary())
        if self.log_prompts:
            log.info("prompt_text", **call.said())

    def _settle(self, call: Call) -> None:
        if call.lease is not None:
            spent = nano_dollars(call.cost_usd or Decimal(0))
            tokens = 0 if call.cache == "COALESCED" else call.usage.total_tokens
            self.admission.settle(call.lease, tokens=tokens, nano_dollars=spent)


def _flight_key(call: Call) -> str:
    """Whole replies and streams are asked for differently; who wants a fresh reply gets one of his own."""
    if call.cache == "BYPASS":
        return str(call.id)
    return f"{call.cache_key}:{'stream' if call.request.stream else 'whole'}"


def _usage(plan: Plan, call: Call, flight: Flight, fold: Fold) -> Usage | None:
    """The vendor's count; about as much where the reply broke off before he had counted.

    Otherwise whoever hangs up just before the end would pay nothing.
    """
    asked_here = flight.payer is call and call.card is not None
    if fold.finish_reason or not (any(fold.texts) or (asked_here and call.attempt_began)):
        return fold.usage
    usage = broken_off(plan.completion, counted=fold.usage, written=sum(map(len, fold.texts)))
    if asked_here:
        flight.card, flight.usage = call.card, usage
    return usage


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
