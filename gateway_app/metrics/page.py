"""`GET /metrics`, for Prometheus.

It tells of every project: prompts' names, spending. So it is open only where anonymous calls are (with DEBUG,
unless GATEWAY_ALLOW_ANONYMOUS says otherwise). Elsewhere METRICS_TOKEN opens it, as a bearer token; no
project's API key does.
"""

import asyncio
import hmac

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from gateway_app import conf
from gateway_app.exceptions import Forbidden, Unauthenticated
from gateway_app.metrics import instruments, sharing
from gateway_app.metrics.installation import Installation, InstallationCollector, look


async def metrics(request: HttpRequest) -> HttpResponse:
    """Raises `Unauthenticated` or `Forbidden`."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    settings = conf.gateway()
    require_operator(
        request.headers.get("Authorization", ""),
        token=settings.metrics_token,
        allow_anonymous=settings.allow_anonymous,
    )
    found = await look(settings.redis_url)
    # In a thread: reading the workers' files takes milliseconds that streams must not wait.
    return HttpResponse(await asyncio.to_thread(render, found), content_type=CONTENT_TYPE_LATEST)


def require_operator(authorization: str, *, token: str, allow_anonymous: bool) -> None:
    """Raises `Unauthenticated` or `Forbidden`. Without a token, who may call anonymously may look."""
    if not token:
        if not allow_anonymous:
            raise Forbidden("set METRICS_TOKEN to open /metrics")
    elif not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        raise Unauthenticated("/metrics takes METRICS_TOKEN as its bearer token")


def render(found: Installation) -> bytes:
    """Prometheus' text format, of all workers of this server."""
    registry = instruments.REGISTRY
    if directory := sharing.shared():
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
    own = CollectorRegistry()
    own.register(InstallationCollector(found))
    return generate_latest(registry) + generate_latest(own)
