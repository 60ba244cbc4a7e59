"""Sends a message to an address that somebody typed in, and trusts neither."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from prompts_app.public_addresses import public_socket

TIMEOUT = 10.0
"""Seconds for all of it, looking the name up included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Either the HTTP status, or why there was none."""

    status: int | None = None
    error: str = ""

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@asynccontextmanager
async def opened(*, allow_private: bool) -> AsyncIterator[aiohttp.ClientSession]:
    """Uses no proxy, keeps no cookie, connection or name; reaches public addresses only, unless told."""
    connector = aiohttp.TCPConnector(
        socket_factory=None if allow_private else public_socket, use_dns_cache=False, force_close=True
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        trust_env=False,
    ) as session:
        yield session


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, *, headers: Mapping[str, str]
) -> Answer:
    """Follows no redirect and does not read what comes back. Raises nothing."""
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            return Answer(status=response.status, error="" if response.ok else f"answered {response.status}")
    except TimeoutError:
        return Answer(error=f"no answer within {TIMEOUT:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        return Answer(error=f"{type(exc).__name__}: {exc}"[:500])
