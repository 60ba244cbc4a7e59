"""`GET /metrics`, for Prometheus.

It tells of every project: prompts' names, spending. So it is open only where anonymous calls are (with DEBUG,
unless GATEWAY_ALLOW_ANONYMOUS says otherwise). Elsewhere METRICS_TOKEN opens it, as a bearer token; no
project's API key does.
"""

import hmac

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from gateway_app import conf
from gateway_app.exceptions import Forbidden, Unauthenticated, Unavailable
from gateway_app.metrics import instruments, sharing
from gateway_app.metrics.installation import InstallationCollector, look
from gateway_app.metrics.merging import MergeFailed, merged
from gateway_app.metrics.tally import tally
from gateway_app.own_places import require_own_place

log = structlog.get_logger()


async def metrics(request: HttpRequest) -> HttpResponse:
    """Raises `Unauthenticated`, `Forbidden` or `Unavailable`."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    settings = conf.gateway()
    require_operator(
        request.headers.get("Authorization", ""),
        token=settings.metrics_token,
        allow_anonymous=settings.allow_anonymous,
    )
    if not settings.metrics_token:
        scope = request.scope  # type: ignore[attr-defined]
        require_own_place(scope, hosts=settings.allowed_hosts, origins=settings.cors_allowed_origins)
    installation = CollectorRegistry()
    installation.register(InstallationCollector(await look(settings.redis_url)))
    text = await figures() + generate_latest(installation)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def require_operator(authorization: str, *, token: str, allow_anonymous: bool) -> None:
    """Raises `Unauthenticated` or `Forbidden`. Without a token, who may call anonymously may look."""
    if not token:
        if not allow_anonymous:
            raise Forbidden("set METRICS_TOKEN to open /metrics")
    elif not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        raise Unauthenticated("/metrics takes METRICS_TOKEN as its bearer token")


async def figures() -> bytes:
    """Of all workers of this server. Raises `Unavailable`."""
    tally.flush()
    directory = sharing.shared()
    if directory is None:
        return generate_latest(instruments.REGISTRY)
    try:
        return await merged(directory)
    except (MergeFailed, OSError) as exc:
        log.error("metrics_not_merged", error=str(exc))
        raise Unavailable("the workers' figures cannot be put together; see the log") from exc
