"""From a request to a vendor's chunks: fallback > retry > circuit > adapter, within one deadline."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace

from gateway_app.calls import Call
from gateway_app.catalogue import Catalogue, ModelCard
from gateway_app.circuits import Circuits
from gateway_app.exceptions import CircuitOpen, GatewayError, ProviderError, ProviderUnavailable
from gateway_app.pacing import Patience, paced
from gateway_app.providers.base import Provider
from gateway_app.retrying import RetryPolicy
from gateway_app.types import Chunk, CompletionRequest

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    catalogue: Catalogue
    providers: Mapping[str, Provider]
    patience: Patience
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    circuits: Circuits = field(default_factory=Circuits)
    chance: Callable[[], float] = random.random

    async def stream(
        self, request: CompletionRequest, candidates: Sequence[ModelCard], call: Call
    ) -> AsyncGenerator[Chunk, None]:
        """The chunks of the first of `candidates` that answers; every try is noted on `call`.

        Once a chunk has said something there is no other try. Raises the last model's `GatewayError`.
        """
        deadline = time.monotonic() + self.patience.total - call.waited()
        cards = [card for card in candidates if call.request.caller.may_use(card.name)]
        tried = 0
        while True:
            tried += 1
            spoken = False
            try:
                with self._trying(cards[0], call):
                    async with aclosing(self._asked(request, cards[0], call, deadline=deadline)) as chunks:
                        async for chunk in chunks:
                            spoken = spoken or chunk.says_something
                            for piece in chunk.pieces():
                                yield piece
                return
            except ProviderError as exc:
                if spoken:
                    raise
                tried = await self._after(exc, cards, tried=tried, left=deadline - time.monotonic())

    async def _after(self, exc: ProviderError, cards: list[ModelCard], *, tried: int, left: float) -> int:
        """Waits for another try of the first of `cards`, or drops it; how often the one to ask was tried.

        Raises `exc` where nobody is left to ask.
        """
        wait = self.policy.wait(exc, tried=tried, left=left, chance=self.chance())
        if wait is not None:
            await asyncio.sleep(wait)
            return tried
        if not exc.elsewhere or len(cards) == 1 or left <= 0:
            raise exc
        log.info("fallback", away_from=cards.pop(0).name, error=exc.code)
        return 0

    def candidates(self, first: ModelCard) -> list[ModelCard]:
        """A model and its fallbacks, as far as this gateway has their vendors."""
        others = (self.catalogue.card(name) for name in first.fallbacks)
        return [first, *(card for card in others if card.provider in self.providers)]

    def _asked(
        self, request: CompletionRequest, card: ModelCard, call: Call, *, deadline: float
    ) -> AsyncGenerator[Chunk, None]:
        if request.model != card.name:
            request = replace(request, model=card.name)
        source = self.providers[card.provider].stream(request, whole=not call.request.stream)
        return paced(source, self.patience, left=max(0.0, deadline - time.monotonic()))

    @contextmanager
    def _trying(self, card: ModelCard, call: Call) -> Iterator[None]:
        """Once, timed and noted however it ends. Raises `ProviderUnavailable` or `CircuitOpen` by itself."""
        error: GatewayError | None = None
        call.attempting(card)
        try:
            self._check(card)
            yield
            self.circuits.succeeded(card.circuit)
        except GatewayError as exc:
            error = exc
            if isinstance(exc, ProviderError) and exc.opens_circuit:
                self.circuits.failed(card.circuit)
            raise
        finally:
            attempt = call.attempted(error=error)
            log.info(
                "upstream_call",
                provider=attempt.provider,
                model=attempt.model,
                ms=round(attempt.seconds * 1000, 2),
                error=attempt.error,
                cause=type(error.__cause__).__name__ if error and error.__cause__ else None,
            )

    def _check(self, card: ModelCard) -> None:
        if card.provider not in self.providers:
            raise ProviderUnavailable(f"this gateway has no provider {card.provider}")
        if not self.circuits.allows(card.circuit):
            raise CircuitOpen(f"{card.name} fails again and again and is left alone for a moment")
