"""Two gateways in processes of their own ask a vendor once, whoever leaves and whoever is killed."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from gateway_app.testing.counters import Stats
from gateway_app.testing.process import SimulatorControl
from llmgateway import parts
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.processes import Child
from llmgateway.stack import Stack

CALLERS = 500
MODEL = "gemini-2.5-flash"
LIVELY = "[[fault:latency ms=1500]]"
"""Time for all to ask before the first word."""
LONG = "Tell me everything about tides, storms and harbours."


@dataclass(frozen=True)
class Gateway:
    url: str
    child: Child


@dataclass(frozen=True)
class Heard:
    status: int
    text: str
    cache: str

    @property
    def whole(self) -> bool:
        return self.status == 200 and ("[DONE]" in self.text or '"finish_reason":"stop"' in self.text)


@pytest.fixture(scope="module")
def gateways(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Gateway]]:
    """Two of one worker each: which of them leads is then the test's choice."""
    made = []
    for number in range(2):
        port = free_port()
        log = tmp_path_factory.mktemp("flights") / f"gateway-{number}.log"
        child = parts.gateway(stack.env | {"WEB_WORKERS": "1"}, port=port, log=log)
        child.launch()
        made.append(Gateway(f"http://{LOOPBACK}:{port}", child))
    for gateway in made:
        gateway.child.wait_ready()
    yield made
    for gateway in made:
        gateway.child.stop()


@pytest.fixture
def vendor(stack: Stack) -> SimulatorControl:
    control = SimulatorControl(stack.simulator_url)
    control.reset_stats()
    return control


@dataclass(frozen=True)
class Callers:
    session: aiohttp.ClientSession

    async def ask(self, gateway: Gateway, text: str, *, stream: bool, request_id: str = "") -> Heard:
        body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "stream": stream}
        headers = {"X-Request-ID": request_id} if request_id else {}
        url = f"{gateway.url}/v1/chat/completions"
        async with self.session.post(url, json=body, headers=headers) as answer:
            return Heard(answer.status, await answer.text(), answer.headers.get("X-Cache", ""))

    def many(
        self, count: int, gateways: list[Gateway], text: str, *, stream: bool
    ) -> list[asyncio.Task[Heard]]:
        return [
            asyncio.create_task(self.ask(gateways[number % len(gateways)], text, stream=stream))
            for number in range(count)
        ]

    async def explained(self, gateway: Gateway, request_id: str) -> dict[str, Any]:
        """As soon as the ledger has the call."""
        for _ in range(100):
            async with self.session.get(f"{gateway.url}/calls/{request_id}") as answer:
                if answer.status == 200:
                    return dict(await answer.json())
            await asyncio.sleep(0.1)
        raise AssertionError(f"{request_id} never came into the ledger")


@pytest.fixture
async def callers(stack: Stack) -> Callers:
    session = aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {stack.key}"},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=60),
    )
    yield Callers(session)
    await session.close()


async def until(control: SimulatorControl, holds: Callable[[Stats], bool], *, within: float = 10) -> None:
    deadline = time.monotonic() + within
    while not holds(await asyncio.to_thread(control.stats)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def said(heard: Heard) -> str:
    """The text, whichever way it came."""
    if not heard.text.startswith("data: "):
        return str(json.loads(heard.text)["choices"][0]["message"]["content"])
    lines = [line.removeprefix("data: ") for line in heard.text.splitlines() if line.startswith("data: {")]
    return "".join(json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_five_hundred_identical_cold_calls_over_two_processes_are_one(
    gateways: list[Gateway], vendor: SimulatorControl, callers: Callers, stream: bool
) -> None:
    text = f"{LONG} Five hundred ask, stream {stream}. {LIVELY}"
    heard = await asyncio.gather(*callers.many(CALLERS, gateways, text, stream=stream))
    assert all(one.whole for one in heard)
    assert len({said(one) for one in heard}) == 1
    assert (await asyncio.to_thread(vendor.stats)).calls == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_killed_leader_costs_one_more_call_and_fails_nobody_elsewhere(
    gateways: list[Gateway], vendor: SimulatorControl, callers: Callers, stream: bool
) -> None:
    leading, following = gateways
    text = f"{LONG} The leader is killed, stream {stream}. " + ("" if stream else LIVELY)
    doomed = callers.many(1, [leading], text, stream=stream)
    await until(vendor, lambda stats: stats.in_flight == 1)
    followers = callers.many(50, [following], text, stream=stream)
    await asyncio.sleep(0.5)
    leading.child.kill()
    heard = await asyncio.gather(*followers)
    assert all(one.whole for one in heard), next(one for one in heard if not one.whole)
    assert len({said(one) for one in heard}) == 1
    assert (await asyncio.to_thread(vendor.stats)).calls == 2
    (lost,) = await asyncio.gather(*doomed, return_exceptions=True)
    assert isinstance(lost, aiohttp.ClientError), "its own caller is told by the broken connection"
    await asyncio.to_thread(leading.child.start)


async def test_the_last_one_to_leave_ends_the_call_wherever_it_is_led(
    gateways: list[Gateway], vendor: SimulatorControl, callers: Callers
) -> None:
    text = f"{LONG} All leave. [[fault:stall after=2]]"
    here = callers.many(3, gateways[:1], text, stream=True)
    await until(vendor, lambda stats: stats.in_flight == 1)
    elsewhere = callers.many(3, gateways[1:], text, stream=True)
    await asyncio.sleep(0.7)
    for task in here + elsewhere[1:]:
        task.cancel()
    await asyncio.sleep(1.5)
    assert (await asyncio.to_thread(vendor.stats)).in_flight == 1, "one still listens, in another process"
    elsewhere[0].cancel()
    await until(vendor, lambda stats: stats.calls_cancelled == 1, within=5)
    assert (await asyncio.to_thread(vendor.stats)).calls == 1


async def test_who_left_first_pays_for_what_those_elsewhere_have_read(
    gateways: list[Gateway], vendor: SimulatorControl, callers: Callers
) -> None:
    leading, following = gateways
    text = f"{LONG} One leaves. [[fault:chunk_delay ms=150]]"
    leaving = asyncio.create_task(callers.ask(leading, text, stream=True, request_id="leaves"))
    await until(vendor, lambda stats: stats.in_flight == 1)
    staying = asyncio.create_task(callers.ask(following, text, stream=True, request_id="stays"))
    await asyncio.sleep(0.6)
    leaving.cancel()
    assert (await staying).whole
    assert (await asyncio.to_thread(vendor.stats)).calls == 1
    left, stayed = [await callers.explained(following, name) for name in ("leaves", "stays")]
    assert (left["outcome"], stayed["outcome"]) == ("cancelled", "ok")
    assert left["usage"] == stayed["usage"], "the vendor's whole count"
    assert stayed["cost_usd"] == 0 < left["cost_usd"]
    assert left["latency_ms"] < stayed["latency_ms"]
