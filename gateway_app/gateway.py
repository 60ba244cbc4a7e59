"""The parts of a running gateway, put together: one for each process and event loop."""

import asyncio
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import caches

from gateway_app import catalogue, conf, key_snapshot, ledger_rows, masking
from gateway_app.admission import Admission
from gateway_app.authentication import ANONYMOUS, Keys, authenticate
from gateway_app.circuits import Circuits
from gateway_app.embedding import Embeddings
from gateway_app.embedding_cache import EmbeddingCache
from gateway_app.flight_share import FlightShare
from gateway_app.flights import Flights
from gateway_app.headers import Scope
from gateway_app.image_fetching import ImageFetcher
from gateway_app.ledger import Ledger
from gateway_app.own_places import require_own_place
from gateway_app.price_book import PriceBook
from gateway_app.prices import load_prices
from gateway_app.providers.base import Provider
from gateway_app.providers.embedding import Embedder
from gateway_app.purges import load_purges
from gateway_app.requests import Caller
from gateway_app.response_cache import AsyncRedisCache, ResponseCache
from gateway_app.service import Service
from gateway_app.upstream import Upstream
from prompts_app.refresh import Refreshed
from prompts_app.registry import Registry, registry


@dataclass(frozen=True, kw_only=True)
class Gateway:
    service: Service
    embeddings: Embeddings
    registry: Registry
    keys: Refreshed[Keys]
    prices: Refreshed[PriceBook]
    images: ImageFetcher
    settings: conf.GatewaySettings

    def authenticate(self, authorization: str, scope: Scope) -> Caller:
        """Raises `Unauthenticated` or `Unavailable`."""
        settings = self.settings
        caller = authenticate(authorization, self.keys.value, allow_anonymous=settings.allow_anonymous)
        if caller is ANONYMOUS:
            require_own_place(scope, hosts=settings.allowed_hosts, origins=settings.cors_allowed_origins)
        return caller

    async def start(self) -> None:
        """Opens what needs an event loop. A dependency that is away does not stop the start."""
        for adapter in self._adapters():
            await adapter.open()
        await self.images.open()
        await asyncio.gather(
            self.registry.start(),
            self.keys.start(),
            self.prices.start(),
            self.service.ledger.start(),
            self.service.upstream.circuits.start(),
            self.service.purges.start(),
            self.service.admission.start(),
            self.service.flights.start(),
        )

    async def stop(self) -> None:
        """Finishes the ledger, then lets go of everything; bounded in time."""
        await asyncio.gather(
            self.registry.stop(),
            self.keys.stop(),
            self.service.purges.stop(),
            self.service.upstream.circuits.stop(),
        )
        await self.service.flights.stop()
        for adapter in self._adapters():
            await adapter.close()
        await self.images.close()
        await self.service.admission.stop()
        await self.service.ledger.stop()
        await self.service.cache.close()
        await self.prices.stop()

    def _adapters(self) -> Iterator[Provider | Embedder]:
        yield from self.service.upstream.providers.values()
        yield from self.embeddings.embedders.values()


def build() -> Gateway:
    """From the settings, for the running event loop."""
    settings = conf.gateway()
    responses = _response_backend()
    prices = Refreshed(name="prices", load=load_prices, revision=key_snapshot.access_revision)
    models = catalogue.load(settings.catalogue, prices=lambda: prices.value)
    service = Service(
        registry=registry,
        catalogue=models,
        upstream=Upstream(
            catalogue=models,
            providers=conf.providers(),
            patience=settings.patience,
            circuits=Circuits(shared=responses.redis, threshold=settings.circuit_failures),
        ),
        flights=Flights(FlightShare(responses.redis)),
        cache=ResponseCache(responses, ttl=settings.cache_ttl),
        purges=Refreshed(name="purges", load=load_purges, revision=key_snapshot.access_revision),
        admission=Admission(responses.redis, spent=_spent, workers=settings.web_workers),
        ledger=Ledger(settings.redis_url, write_directly=_write_directly, masks=masking.load(settings.masks)),
        default_model=settings.default_model,
        log_prompts=settings.log_prompts,
    )
    keys = Refreshed(name="api_keys", load=key_snapshot.load_keys, revision=key_snapshot.access_revision)
    return Gateway(
        service=service,
        embeddings=_embeddings(service, EmbeddingCache(backend=responses, ttl=settings.cache_ttl)),
        registry=registry,
        keys=keys,
        prices=prices,
        images=ImageFetcher(settings.image_url_hosts, allow_private=settings.image_urls_allow_private),
        settings=settings,
    )


def _embeddings(service: Service, cache: EmbeddingCache) -> Embeddings:
    """Beside the service, on its vendors' circuits and into its ledger."""
    return Embeddings(
        catalogue=service.catalogue,
        embedders=conf.embedders(),
        cache=cache,
        ledger=service.ledger,
        patience=service.upstream.patience,
        circuits=service.upstream.circuits,
    )


def of(scope: MutableMapping[str, Any]) -> Gateway:
    """The process's gateway, from the lifespan's state."""
    running: Gateway = scope["state"]["gateway"]
    return running


def _response_backend() -> AsyncRedisCache:
    """One for the process; `caches["responses"]` would make another for each request's context."""
    backend = caches.create_connection("responses")
    assert isinstance(backend, AsyncRedisCache)
    return backend


async def _spent(key_id: str, now: datetime) -> tuple[int, int]:
    return await asyncio.to_thread(key_snapshot.spent, key_id, now)


async def _write_directly(entries: Any) -> None:
    await asyncio.to_thread(ledger_rows.write, entries)
