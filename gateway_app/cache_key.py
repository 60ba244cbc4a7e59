"""Which requests are the same request."""

import hashlib

import msgspec

from gateway_app.types import CompletionRequest

GENERATION = 1
"""Grows when stored replies change their shape, so that old entries are never read."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def cache_key(
    request: CompletionRequest, *, project: int, provider: str, purges: tuple[int, ...] = ()
) -> str:
    """64 hex digits over everything that shapes the answer, and over how often it was purged.

    The material is one JSON array of the whole request, so that no two different requests can read alike, and
    a field that is added to `CompletionRequest` or `Parameters` is part of the key from that moment.
    """
    return hashlib.sha256(_encode((GENERATION, project, provider, purges, request))).hexdigest()
