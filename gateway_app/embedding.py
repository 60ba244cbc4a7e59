"""The way of texts to their vectors: cache, vendor, record. Every use of embeddings comes through here."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from gateway_app.calls import Call
from gateway_app.catalogue import Catalogue, ModelCard
from gateway_app.circuits import Circuits
from gateway_app.embedding_cache import EmbeddingCache, Vector, single
from gateway_app.exceptions import (
    CircuitOpen,
    GatewayError,
    InvalidRequest,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway_app.ledger import Ledger
from gateway_app.metrics import observing as metrics
from gateway_app.pacing import Patience
from gateway_app.pricing import cost
from gateway_app.providers.embedding import Embedded, Embedder
from gateway_app.requests import Caller, ChatRequest, Surface, cache_space
from gateway_app.retrying import RetryPolicy
from gateway_app.types import Usage

MAX_TEXTS = 100
"""Of one request, as Gemini has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRequest:
    request_id: str
    caller: Caller
    surface: Surface
    model: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingAnswer:
    vectors: tuple[Vector, ...]
    """One for each text."""
    cost_usd: Decimal | None
    """0 where all were known; None where the price or the count of tokens is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    catalogue: Catalogue
    embedders: Mapping[str, Embedder]
    cache: EmbeddingCache
    ledger: Ledger
    patience: Patience
    circuits: Circuits
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingAnswer:
        """Raises `GatewayError`. Leaves one ledger entry, whatever comes of it."""
        asked = ChatRequest(
            request_id=request.request_id, caller=request.caller, surface=request.surface, stream=False
        )
        call = Call(asked)
        metrics.began(asked)
        try:
            vectors = await self._vectors(request, call)
            call.outcome = "ok"
        except GatewayError as exc:
            call.failed(exc.code)
            raise
        except Exception:
            call.failed("internal_error")
            raise
        finally:
            record = call.record()
            self.ledger.append(record)
            self.ledger.flush()
            metrics.observe(record)
        return EmbeddingAnswer(vectors=vectors, cost_usd=call.cost_usd)

    async def _vectors(self, request: EmbeddingRequest, call: Call) -> tuple[Vector, ...]:
        if not 1 <= len(request.texts) <= MAX_TEXTS:
            raise InvalidRequest(f"1 to {MAX_TEXTS} texts are embedded at a time, not {len(request.texts)}")
        call.model = request.model
        request.caller.require_model(request.model)
        card = self.catalogue.embedding_card(request.model)
        call.card, call.provider = card, card.provider
        project = cache_space(request.caller, request.surface)
        texts = tuple(dict.fromkeys(request.texts))
        known = await self.cache.get(texts, project=project, card=card)
        missing = [text for text in texts if text not in known]
        call.cache = "MISS" if missing else "HIT"
        call.did("cache")
        call.used(Usage(), cost_usd=Decimal(0))
        if missing:
            fresh = await self._ask(missing, card, call)
            await self.cache.put(fresh, project=project, card=card)
            known |= fresh
        return tuple(known[text] for text in request.texts)

    async def _ask(self, texts: Sequence[str], card: ModelCard, call: Call) -> dict[str, Vector]:
        found = await self._tries(texts, card, call)
        if found.tokens is None:
            call.used(Usage(), cost_usd=None)
        else:
            usage = Usage(input_tokens=found.tokens, total_tokens=found.tokens)
            call.used(usage, cost_usd=cost(usage, card.price))
        return {text: single(vector) for text, vector in zip(texts, found.vectors, strict=True)}

    async def _tries(self, texts: Sequence[str], card: ModelCard, call: Call) -> Embedded:
        """As often as the policy says, within the deadline."""
        deadline = time.monotonic() + self.patience.total
        tried = 0
        while True:
            tried += 1
            try:
                return await self._try(texts, card, call)
            except ProviderError as exc:
                left = deadline - time.monotonic()
                wait = self.policy.wait(exc, tried=tried, left=left, chance=random.random())  # noqa: S311
                if wait is None:
                    raise
            await asyncio.sleep(wait)

    async def _try(self, texts: Sequence[str], card: ModelCard, call: Call) -> Embedded:
        """Once, timed and noted however it ends."""
        error: GatewayError | None = None
        call.attempting(card)
        try:
            if card.provider not in self.embedders:
                raise ProviderUnavailable(f"this gateway has no embeddings of {card.provider}")
            if not self.circuits.allows(card.circuit):
                raise CircuitOpen(f"{card.name} fails again and again and is left alone for a moment")
            async with asyncio.timeout(self.patience.first):
                found = await self.embedders[card.provider].embed(card.name, texts)
            self.circuits.succeeded(card.circuit)
        except TimeoutError as exc:
            error = ProviderTimeout("the vendor took too long for the vectors")
            raise error from exc
        except GatewayError as exc:
            error = exc
            if isinstance(exc, ProviderError) and exc.opens_circuit:
                self.circuits.failed(card.circuit)
            raise
        finally:
            call.attempted(error=error)
        return found
