"""Whatever comes as a frame has one answer, an end or an error, and no chat suffers from another's frame."""

import asyncio
import json
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from llmgateway.stack import Stack

SEED = 8
AT_ONCE = 40
GOOD = {
    **{"type": "chat", "id": "a", "prompt": "Say it.", "model": "gemini-2.5-flash", "temperature": 0.5},
    **{"max_tokens": 9, "prompt_name": "summarizer", "version": "v1", "variables": {"text": "x"}},
    **{"user": "u", "session_id": "s", "messages": [{"role": "user", "content": "x"}]},
}
WRONG: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, 10**40, float("nan"), [], [[]], {}, {"a": {"b": [1]}}),
    *("", "\x00", "x" * 5_000, "\ud800", "../..", "'; --", {"text": {"text": "x"}}),
    *([{"role": "system"}], [{"role": "user", "content": None}]),
)


def frames(count: int, chance: random.Random) -> Iterator[str | bytes]:
    for _ in range(count):
        match chance.randrange(4):
            case 0:
                yield torn(json.dumps(GOOD).encode(), chance)
            case 1:
                yield torn(json.dumps(GOOD).encode(), chance).decode("utf-8", "replace")
            case 2:
                yield chance.randbytes(chance.randrange(200))
            case _:
                yield json.dumps(swapped(chance))


def torn(frame: bytes, chance: random.Random) -> bytes:
    """With some bytes changed, cut off or said twice."""
    mangled = bytearray(frame)
    for _ in range(chance.randint(1, 6)):
        mangled[chance.randrange(len(mangled))] = chance.randrange(256)
    begin = chance.randrange(len(mangled))
    return bytes(chance.choice([mangled, mangled[:begin], mangled + mangled[begin:]]))


def swapped(chance: random.Random) -> dict[str, Any]:
    """Some fields, some of them of a wrong kind, and perhaps one that nobody knows."""
    fields = {name: value for name, value in GOOD.items() if chance.random() < 0.6}
    fields |= {name: chance.choice(WRONG) for name in chance.sample(sorted(GOOD), chance.randint(0, 3))}
    return fields | chance.choice([{}, {"x": 1}, {"__proto__": {}}])


async def answers(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The ends and errors of so many frames."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            said = json.loads(await socket.recv())
            if said["type"] in ("end", "error"):
                found.append(said)
    return found


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_every_frame_has_one_answer_and_good_chats_go_on(
    own_stack: Stack, mighty: dict[str, str], count: int
) -> None:
    chance = random.Random(SEED)  # noqa: S311
    codes: set[str] = set()
    url = f"{own_stack.ws_url}/ws/chat"
    async with (
        connect(url, additional_headers=mighty) as hostile,
        connect(url, additional_headers=mighty) as good,
    ):
        hostile_frames = frames(count, chance)
        for number in range(count // AT_ONCE):
            batch = list(islice(hostile_frames, AT_ONCE))
            for frame in batch:
                await hostile.send(frame)
            await good.send(
                json.dumps({"type": "chat", "id": f"g{number}", "prompt": f"Still there, {number}?"})
            )
            [said] = await answers(good, 1)
            assert (said["type"], said["id"]) == ("end", f"g{number}"), said
            codes |= {said.get("code", "") for said in await answers(hostile, len(batch))}
    assert not codes & {"internal_error", None}
    assert "invalid_request" in codes
    assert [line for line in own_stack.log_lines() if "internal_error" in line or "Traceback" in line] == []
