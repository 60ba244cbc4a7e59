"""The entries that no ledger worker could read, for an operator to see."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from redis.exceptions import RedisError

from gateway_app import conf
from gateway_app.ledger import FIELD
from gateway_app.ledger_worker import POISON, WHY

SHOWN = 50
LONGEST = 2_000
"""Characters of an entry that are shown."""


@dataclass(frozen=True, slots=True)
class SetAside:
    at: datetime
    """When it was set aside."""
    size: int
    """Bytes."""
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Shelf:
    count: int | None
    """None: Redis does not answer."""
    newest: tuple[SetAside, ...] = ()
    place: str = POISON
    """The key in Redis."""


def shelf(*, shown: int = SHOWN) -> Shelf:
    """How many there are, and the newest of them. Never raises."""
    url = conf.gateway().redis_url
    try:
        with redis.Redis.from_url(url, retry=None, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
            found: Any = client.xrevrange(POISON, count=shown) if shown else []
            count: Any = client.xlen(POISON)
            return Shelf(count, tuple(_entry(*one) for one in found))
    except RedisError:
        return Shelf(None)


def _entry(identifier: bytes, fields: dict[bytes, bytes]) -> SetAside:
    """The id of an entry begins with the milliseconds of its time."""
    why = fields.pop(WHY.encode(), b"").decode(errors="replace")
    raw = fields.get(FIELD.encode()) or b" ".join(name + b"=" + value for name, value in fields.items())
    at = datetime.fromtimestamp(int(identifier.split(b"-")[0]) / 1000, UTC)
    return SetAside(at, len(raw), raw.decode(errors="replace")[:LONGEST], why)
