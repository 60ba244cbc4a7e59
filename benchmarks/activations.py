"""Calls through a prompt while it changes hands again and again: none fails, none is mixed.

    python -m benchmarks.activations --requests 10000 --activations 100

Starts a system of its own with two workers. Every other request is a dry run, whose messages must all be of
the version that the reply names; the others are whole calls. A second after a change was answered, no request
that begins may get the version before; while a change is being made, either is right. Exits with 1
where one of this does not hold.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from benchmarks.own_system import own_system

LATE = 1.0
"""Seconds that workers have to follow a change."""
VERSIONS = ("v1", "v2")
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Seen:
    began: float
    ended: float
    status: int
    versions: frozenset[str]
    """All that the reply shows signs of."""


@dataclass(frozen=True, slots=True)
class Change:
    asked: float
    answered: float
    live: str


@dataclass(slots=True)
class Trial:
    api: httpx.AsyncClient
    seen: list[Seen] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    async def write(self) -> None:
        await self._post("/prompts", name="herald")
        for label in VERSIONS:
            texts = {"system": f"You are {label}.", "user": f"{label} says {{{{text}}}}"}
            await self._post("/prompts/herald/versions", version=label, **texts)
            await self._post(f"/prompts/herald/versions/{label}/publish")
        await self._activate("v1")
        await asyncio.sleep(2 * LATE)

    async def run(self, *, requests: int, activations: int) -> None:
        pace = activations * (LATE + 0.3) / requests
        numbers = iter(range(requests))
        turns = asyncio.create_task(self._turn(activations))
        await asyncio.gather(*(self._ask(numbers, pace * AT_ONCE) for _ in range(AT_ONCE)))
        await turns

    async def _turn(self, activations: int) -> None:
        for number in range(1, activations + 1):
            await self._activate(VERSIONS[number % 2])
            await asyncio.sleep(LATE + 0.25)

    async def _activate(self, label: str) -> None:
        asked = time.monotonic()
        await self._post(f"/prompts/herald/versions/{label}/activate")
        self.changes.append(Change(asked, time.monotonic(), label))

    async def _ask(self, numbers: Iterator[int], pause: float) -> None:
        for number in numbers:
            began = time.monotonic()
            self.seen.append(await (self._render(began) if number % 2 else self._chat(began, number)))
            await asyncio.sleep(max(0.0, began + pause - time.monotonic()))

    async def _render(self, began: float) -> Seen:
        reply = await self.api.post("/prompts/herald/render", json={"variables": {"text": "hello"}})
        told = [message["content"] for message in reply.json().get("messages", [])]
        signs = {label for label in VERSIONS for text in told if label in text}
        return Seen(
            began,
            time.monotonic(),
            reply.status_code,
            frozenset(signs | {reply.headers.get("X-Prompt-Version", "")}),
        )

    async def _chat(self, began: float, number: int) -> Seen:
        reply = await self.api.post("/prompts/herald/chat", json={"variables": {"text": f"Call {number}."}})
        told = {reply.headers.get("X-Prompt-Version", ""), reply.json().get("prompt_version", "")}
        return Seen(began, time.monotonic(), reply.status_code, frozenset(told))

    async def _post(self, path: str, **body: str) -> None:
        (await self.api.post(path, json=body)).raise_for_status()

    def slowest(self) -> float:
        """Seconds after a change at which a request still began and got the version before."""
        ends = [change.asked for change in self.changes[1:]] + [float("inf")]
        return max(
            (
                seen.began - change.answered
                for seen in self.seen
                for change, end in zip(self.changes, ends, strict=True)
                if change.answered <= seen.began and seen.ended <= end and seen.versions != {change.live}
            ),
            default=0.0,
        )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--activations", type=int, default=100)
    asked = options.parse_args()
    with own_system(workers=2) as (url, key):
        trial = asyncio.run(_try(url, key, requests=asked.requests, activations=asked.activations))
    failed = {
        status: count for status, count in Counter(s.status for s in trial.seen).items() if status != 200
    }
    mixed, slowest = sum(len(seen.versions) > 1 for seen in trial.seen), trial.slowest()
    sys.stdout.write(
        f"{len(trial.seen)} requests during {len(trial.changes) - 1} activations: "
        f"{failed or 'none'} failed, {mixed} mixed, the slowest change was everywhere after {slowest:.2f} s; "
        f"{dict(Counter(min(seen.versions) for seen in trial.seen))}\n"
    )
    return 1 if failed or mixed or slowest > LATE else 0


async def _try(url: str, key: str, *, requests: int, activations: int) -> Trial:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as api:
        trial = Trial(api)
        await trial.write()
        await trial.run(requests=requests, activations=activations)
        return trial


if __name__ == "__main__":
    sys.exit(main())
