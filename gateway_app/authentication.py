"""Who calls: a bearer key becomes a `Caller`, from a snapshot in memory."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from gateway_app.exceptions import Unauthenticated, Unavailable
from gateway_app.keys import matches, parse_key
from gateway_app.requests import Caller

ANONYMOUS = Caller(
    project_id=None, project="anonymous", scopes=frozenset({"chat", "prompts:read", "usage:read", "feedback"})
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """What a worker remembers of a key."""

    caller: Caller
    secret_hash: str
    expires_at: float | None
    """Unix seconds."""


NOBODYS = "-" * 64
"""As long as a hash and equal to none."""
Keys = Mapping[str, KnownKey]
"""By key id; revoked keys are not in it."""


def authenticate(authorization: str, keys: Keys | None, *, allow_anonymous: bool) -> Caller:
    """The caller behind an `Authorization` header. `keys` is None while no snapshot has been loaded.

    Raises `Unauthenticated`, with one message for every kind of bad key, or `Unavailable`.
    """
    if not authorization:
        if allow_anonymous:
            return ANONYMOUS
        raise Unauthenticated("no API key: send the header Authorization: Bearer gw_…")
    scheme, _, text = authorization.partition(" ")
    key = parse_key(text.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        raise Unauthenticated("this API key is not valid")
    if keys is None:
        raise Unavailable("API keys cannot be checked now")
    known = keys.get(key.id)
    # An unknown id costs the same comparison as a wrong secret.
    right = matches(key.secret, known.secret_hash if known else NOBODYS)
    if known is None or not right or (known.expires_at is not None and known.expires_at <= time.time()):
        raise Unauthenticated("this API key is not valid")
    return known.caller
