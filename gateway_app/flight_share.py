"""One flight over all workers: its leader holds a lock in Redis, and mirrors his chunks once wanted."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

import msgspec
import structlog
from msgspec.structs import replace
from redis.exceptions import RedisError

from gateway_app import exceptions
from gateway_app.exceptions import GatewayError, ProviderBadReply, ProviderError, ProviderUnavailable
from gateway_app.ids import uuid7_hex
from gateway_app.redis_mux import NoAnswer, RedisMux, Script
from gateway_app.replay import landed
from gateway_app.types import Chunk, Completion, ToolCall

log = structlog.get_logger()

LOCK_MS = 3_000
"""After which a killed leader's flight is taken over."""
TICK = 0.1
"""Seconds between two looks at who wants what."""
TICKS_TO_RENEW = 5
"""Looks from one renewal of the locks to the next."""
POLL = 0.03
"""Seconds between two looks at a leader elsewhere."""
WANTED_MS = 1_000
MIRROR_SECONDS = 60
"""After its last renewal, of which there is one in each tick while it is wanted."""
BATCH = 256
"""Chunks that a follower takes at once."""

RELEASE = 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0'
RENEW = """
for place, lock in ipairs(KEYS) do
  if redis.call("GET", lock) == ARGV[place + 1] then redis.call("PEXPIRE", lock, ARGV[1]) end
end
"""

Fly = Callable[[], AsyncGenerator[Chunk, None]]
"""Asks the vendor."""
Kept = Callable[[], Awaitable[Completion | None]]
"""Looks into the cache."""
Crowded = Callable[[], bool]
"""Whether so much is unread that no more should be fetched now."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Chunk).decode

ERRORS = {
    kind.code: kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, ProviderError)
}
"""By code: an error that comes over Redis is the same to a follower as to the leader."""


class LeaderGone(Exception):
    """The worker that led a flight is gone, or was done before we could listen."""


@dataclass(slots=True, eq=False)
class _Lead:
    """A flight that this worker leads."""

    token: str
    chunks: list[Chunk] = field(default_factory=list)
    mirrored: int = 0
    """How many of them are in Redis."""
    wanted: bool = False


class FlightShare:
    """Without Redis every worker flies for itself."""

    def __init__(self, redis: RedisMux) -> None:
        self._redis = redis
        self._renew, self._unlock = Script(redis, RENEW), Script(redis, RELEASE)
        self._leads: dict[str, _Lead] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._ticks = 0
        self._on_unwanted: Callable[[str], None] = lambda key: None

    async def start(self, *, on_unwanted: Callable[[str], None]) -> None:
        """`on_unwanted` gets the key of a flight that nobody elsewhere wants any more."""
        self._on_unwanted = on_unwanted
        self._ticking = asyncio.create_task(self._tick(), name="flights")

    async def stop(self) -> None:
        if self._ticking:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking

    def wanted_elsewhere(self, key: str) -> bool:
        lead = self._leads.get(key)
        return lead is not None and lead.wanted

    def release(self, key: str, token: str) -> None:
        """Frees the lock of the flight under `key`, if it is held by `token`. Does not wait."""
        self._unlock.send([lock(key)], [token], again=True)

    async def fly(
        self, key: str, fly: Fly, *, kept: Kept, crowded: Crowded = lambda: False, leads_as: str = ""
    ) -> AsyncGenerator[Chunk, None]:
        """The chunks of the one flight under `key`, led here or followed; none while it is `crowded` here.

        `kept` says whether the reply is there by now: it may have come between our caller's look and ours.
        `leads_as` holds the flight's lock already.
        """
        if leads_as:
            return self._lead(key, leads_as, fly, crowded)
        token = uuid7_hex()
        try:
            locking = await self._redis.ask("SET", lock(key), token, "NX", "PX", LOCK_MS)
            completion = await kept()  # in the same round trip
            leads = await locking
            if completion is not None:
                if leads:
                    self.release(key, token)
                return landed(completion)
            if leads:
                return self._lead(key, token, fly, crowded)
            leader = await self._redis.call("GET", lock(key))
        except asyncio.CancelledError:
            self.release(key, token)  # which may have got it by now
            raise
        except NoAnswer:
            self.release(key, token)
            return self._lead(key, "", fly, crowded)
        except RedisError:
            return self._lead(key, "", fly, crowded)
        again = partial(self.fly, key, fly, kept=kept, crowded=crowded)
        return self._followed(key, leader.decode() if leader else "", again, crowded)

    async def _lead(self, key: str, token: str, fly: Fly, crowded: Crowded) -> AsyncGenerator[Chunk, None]:
        lead = self._leads[key] = _Lead(token)
        last_words: tuple[str, ...] = ()
        try:
            async with aclosing(fly()) as chunks:
                async for chunk in chunks:
                    lead.chunks.append(chunk)
                    if lead.wanted:
                        self._mirror(key, lead)
                    yield chunk
                    while crowded() and not lead.wanted:  # noqa: ASYNC110 - neither has an event
                        await asyncio.sleep(POLL)
            last_words = ("end", "1")
        except GatewayError as exc:
            last_words = ("error", exc.code, "message", str(exc))
            raise
        finally:
            if self._leads.get(key) is lead:  # else another began before this one, called off, had ended
                del self._leads[key]
            if token:
                self._hand_over(key, lead, last_words)

    def _hand_over(self, key: str, lead: _Lead, last_words: tuple[str, ...]) -> None:
        """The end for those who follow, then the lock; nobody waits for it."""
        if lead.wanted and last_words:
            self._mirror(key, lead)
            self._redis.send("XADD", _mirror_key(key, lead.token), "*", *last_words)
            self._redis.send("EXPIRE", _mirror_key(key, lead.token), MIRROR_SECONDS)
        self.release(key, lead.token)

    def _mirror(self, key: str, lead: _Lead) -> None:
        """Sends what is not there yet; nobody waits for it."""
        mirror = _mirror_key(key, lead.token)
        for chunk in lead.chunks[lead.mirrored :]:
            self._redis.send("XADD", mirror, "*", "chunk", _encode(chunk))
        if lead.mirrored == 0:
            self._redis.send("EXPIRE", mirror, MIRROR_SECONDS)
        lead.mirrored = len(lead.chunks)

    async def _followed(
        self,
        key: str,
        leader: str,
        again: Callable[[], Awaitable[AsyncGenerator[Chunk, None]]],
        crowded: Crowded,
    ) -> AsyncGenerator[Chunk, None]:
        """Where the leader is gone before we heard his end, all begins `again`, but for what was heard."""
        heard: list[Chunk] = []
        with contextlib.suppress(LeaderGone):
            async with aclosing(self._follow(key, leader, crowded)) as chunks:
                async for chunk in chunks:
                    heard.append(chunk)
                    yield chunk
            return
        async with aclosing(resumed(await again(), heard)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _follow(self, key: str, leader: str, crowded: Crowded) -> AsyncGenerator[Chunk, None]:
        """What the leader elsewhere says. Raises his error, or `LeaderGone`."""
        mirror, last = _mirror_key(key, leader), "0"
        while True:
            try:
                await self._redis.call("SET", _wanted(key), "1", "PX", WANTED_MS)
                if crowded():
                    await asyncio.sleep(POLL)
                    continue
                holder = await self._redis.call("GET", lock(key))
                found = await self._redis.call("XREAD", "COUNT", BATCH, "STREAMS", mirror, last)
            except RedisError as exc:
                raise LeaderGone from exc
            for identifier, fields in found[0][1] if found else []:
                last, said = identifier, _said(fields)
                if said is None:
                    return
                yield said
            if holder != leader.encode() and not found:
                raise LeaderGone
            if not found or len(found[0][1]) < BATCH:
                await asyncio.sleep(POLL)

    async def _tick(self) -> None:
        """Who wants what; and the locks are kept."""
        while True:
            await asyncio.sleep(TICK)
            self._ticks += 1
            with contextlib.suppress(RedisError):
                await self._look_around()

    async def _look_around(self) -> None:
        leads = {key: lead for key, lead in self._leads.items() if lead.token}
        if not leads:
            return
        if self._ticks % TICKS_TO_RENEW == 0:
            self._renew.send(
                [lock(key) for key in leads], [LOCK_MS, *(lead.token for lead in leads.values())]
            )
        wanted = await self._redis.call("MGET", *(_wanted(key) for key in leads))
        for (key, lead), want in zip(leads.items(), wanted, strict=True):
            if key not in self._leads:
                continue
            lead.wanted = want is not None
            if lead.wanted:
                self._mirror(key, lead)
                self._redis.send("EXPIRE", _mirror_key(key, lead.token), MIRROR_SECONDS)
            else:
                self._on_unwanted(key)


async def resumed(chunks: AsyncGenerator[Chunk, None], heard: Sequence[Chunk]) -> AsyncGenerator[Chunk, None]:
    """`chunks` of a new try without what readers have `heard` of the old one.

    Raises `ProviderBadReply` where the new one says something else.
    """
    text, calls = _text(heard), _calls(heard)
    async with aclosing(chunks):
        async for chunk in chunks:
            if text or calls:
                known, known_calls = text[: len(chunk.text)], calls[: len(chunk.tool_calls)]
                text, calls = text[len(known) :], calls[len(known_calls) :]
                same = chunk.text.startswith(known) and chunk.tool_calls[: len(known_calls)] == known_calls
                if not same or (chunk.finish_reason and (text or calls)):
                    raise ProviderBadReply("the worker that asked the vendor died in the middle of the reply")
                chunk = replace(
                    chunk, text=chunk.text[len(known) :], tool_calls=chunk.tool_calls[len(known_calls) :]
                )
            yield chunk


def _text(chunks: Iterable[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def _calls(chunks: Iterable[Chunk]) -> tuple[ToolCall, ...]:
    return tuple(call for chunk in chunks for call in chunk.tool_calls)


def _said(fields: list[bytes]) -> Chunk | None:
    """A chunk, or None for the end. Raises the leader's error."""
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    if (code := named.get(b"error")) is not None:
        raise ERRORS.get(code.decode(), ProviderUnavailable)(named[b"message"].decode())
    return _decode(named[b"chunk"]) if b"chunk" in named else None


def lock(key: str) -> str:
    """Its name in Redis; its value is the leader's."""
    return f"gw:flight:{{{key}}}"


def _mirror_key(key: str, leader: str) -> str:
    return f"gw:flight:{{{key}}}:{leader}"


def _wanted(key: str) -> str:
    return f"gw:flight:{{{key}}}:wanted"
