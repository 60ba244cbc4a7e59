"""The app's settings as typed values: the only reader of `django.conf.settings` here."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from gateway_app.pacing import Patience
from gateway_app.providers.base import Provider
from gateway_app.providers.embedding import Embedder
from gateway_app.tracing.base import Tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    redis_url: str
    default_model: str
    catalogue: Path
    masks: Path
    ledger_months: int
    cache_ttl: int
    allow_anonymous: bool
    max_body_bytes: int
    image_url_hosts: tuple[str, ...]
    image_urls_allow_private: bool
    patience: Patience
    circuit_failures: int
    web_workers: int
    log_prompts: bool
    trace_url: str
    """Where people look at a trace, with `{trace_id}` in it; "" where nowhere."""
    call_links: tuple[tuple[str, str, str], ...]
    """Title, name of the address and permission of each page of another app that takes a call's id."""
    version: str
    metrics_token: str
    allowed_hosts: tuple[str, ...]
    cors_allowed_origins: tuple[str, ...]


@cache
def gateway() -> GatewaySettings:
    given: dict[str, Any] = settings.GATEWAY
    return GatewaySettings(
        redis_url=given["REDIS_URL"],
        default_model=given["DEFAULT_MODEL"],
        catalogue=Path(given["CATALOGUE"]),
        masks=Path(given["MASKS"]),
        ledger_months=given["LEDGER_MONTHS"],
        cache_ttl=given["CACHE_TTL"],
        allow_anonymous=given["ALLOW_ANONYMOUS"],
        max_body_bytes=given["MAX_BODY_BYTES"],
        image_url_hosts=tuple(given["IMAGE_URL_HOSTS"]),
        image_urls_allow_private=given["IMAGE_URLS_ALLOW_PRIVATE"],
        patience=Patience(
            first=given["FIRST_TOKEN_TIMEOUT"], idle=given["IDLE_TIMEOUT"], total=given["REQUEST_TIMEOUT"]
        ),
        web_workers=given["WEB_WORKERS"],
        circuit_failures=given["CIRCUIT_FAILURES"],
        log_prompts=given["LOG_PROMPTS"],
        trace_url=given["TRACE_URL"],
        call_links=tuple(given["CALL_LINKS"]),
        version=settings.VERSION,
        metrics_token=given["METRICS_TOKEN"],
        allowed_hosts=tuple(settings.ALLOWED_HOSTS),
        cors_allowed_origins=tuple(settings.CORS_ALLOWED_ORIGINS),
    )


def providers() -> dict[str, Provider]:
    """A new adapter for each entry of `PROVIDERS`."""
    given: dict[str, dict[str, Any]] = settings.PROVIDERS
    return {name: import_string(entry["BACKEND"])(**entry["OPTIONS"]) for name, entry in given.items()}


def embedders() -> dict[str, Embedder]:
    """A new one for each entry of `PROVIDERS` whose vendor embeds."""
    given: dict[str, dict[str, Any]] = settings.PROVIDERS
    return {
        name: import_string(entry["EMBEDDER"])(**entry["OPTIONS"])
        for name, entry in given.items()
        if "EMBEDDER" in entry
    }


def tracers() -> dict[str, Tracer]:
    """A new one for each entry of `TRACERS`. Their SDKs are loaded by whoever asks, and by nobody else."""
    given: dict[str, dict[str, Any]] = settings.TRACERS
    return {name: import_string(entry["BACKEND"])(**entry["OPTIONS"]) for name, entry in given.items()}
