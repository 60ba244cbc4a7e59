"""Who reads slowly makes the vendor wait, not the memory grow, and holds nobody else up."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import websockets

from gateway_app.exceptions import ReaderTooSlow
from gateway_app.flights import AHEAD, Flight, Flights
from gateway_app.pacing import Patience, paced
from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.conftest import until
from gateway_app.tests.test_access import manage
from gateway_app.types import Chunk
from llmgateway import parts
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.processes import Child
from llmgateway.stack import Stack

PIECE = 1024
PIECES = 1024
"""Four times as much as a flight may be ahead."""


@dataclass
class Talker:
    """A vendor that says as much as it may."""

    said: int = 0

    async def fly(self, flight: Flight) -> AsyncGenerator[Chunk, None]:
        for _ in range(PIECES):
            self.said += PIECE
            yield Chunk(text="x" * PIECE)
            await asyncio.sleep(0)
        yield Chunk(finish_reason="stop")

    async def look(self) -> None:
        return None


class Reader:
    """Takes as many characters as it is given leave to."""

    def __init__(self, flights: Flights, vendor: Talker) -> None:
        self.heard = 0
        self.leave = asyncio.Semaphore(0)
        self._flights, self._vendor = flights, vendor

    async def read(self, *, at_once: bool = False) -> int:
        flight = self._flights.board("k", self, self._vendor.fly, kept=self._vendor.look)
        try:
            async with aclosing(flight.read()) as chunks:
                async for chunk in chunks:
                    self.heard += len(chunk.text)
                    if not at_once:
                        await self.leave.acquire()
        finally:
            self._flights.leave(flight)
        return self.heard


async def test_the_vendor_waits_for_its_only_reader(workers: list[Flights]) -> None:
    vendor = Talker()
    reader = Reader(workers[0], vendor)
    reading = asyncio.create_task(reader.read())
    await until(lambda: vendor.said > AHEAD, within=5)
    await asyncio.sleep(0.2)
    assert vendor.said <= reader.heard + AHEAD + 2 * PIECE
    for _ in range(100):
        reader.leave.release()
    await until(lambda: reader.heard > 100 * PIECE, within=5)
    await asyncio.sleep(0.2)
    assert vendor.said <= reader.heard + AHEAD + 2 * PIECE
    for _ in range(PIECES):
        reader.leave.release()
    assert await reading == PIECES * PIECE


@pytest.mark.parametrize("place", [0, 1], ids=["on the same worker", "on another worker"])
async def test_others_are_not_held_up(workers: list[Flights], place: int) -> None:
    vendor = Talker()
    slow = Reader(workers[0], vendor)
    dawdling = asyncio.create_task(slow.read())
    await until(lambda: vendor.said > AHEAD, within=5)
    assert await asyncio.wait_for(Reader(workers[place], vendor).read(at_once=True), 10) == PIECES * PIECE
    assert slow.heard == PIECE
    dawdling.cancel()


async def test_a_follower_elsewhere_is_not_given_up_while_its_reader_is_slow(workers: list[Flights]) -> None:
    vendor = Talker()
    first = asyncio.create_task(Reader(workers[0], vendor).read())
    await until(lambda: vendor.said > AHEAD, within=5)
    slow = Reader(workers[1], vendor)
    following = asyncio.create_task(slow.read())
    await until(lambda: slow.heard, within=5)
    first.cancel()
    await asyncio.sleep(1.5)  # longer than a follower who says nothing is waited for
    for _ in range(PIECES + 1):
        slow.leave.release()
    assert await asyncio.wait_for(following, 10) == PIECES * PIECE
    assert vendor.said == PIECES * PIECE, "it was asked once"


async def test_a_deadline_that_passes_while_nobody_reads_is_not_the_vendors_fault() -> None:
    async def reply() -> AsyncGenerator[Chunk, None]:
        yield Chunk(text="first")
        await asyncio.sleep(5)

    async def read() -> None:
        async for _ in paced(reply(), Patience(first=1, idle=1, total=1), left=0.05):
            await asyncio.sleep(0.1)

    with pytest.raises(ReaderTooSlow):
        await read()


MODEL = "gpt-4.1-mini"
LONG = "[[fault:long size=3900000]] [[fault:chunk_delay ms=0]] [[fault:stall after=3800]]"
"""Nearly the longest reply that there is, and then no end."""


@dataclass(frozen=True)
class Impatient:
    """A gateway that drops who takes nothing for two seconds."""

    url: str
    child: Child

    def memory(self) -> int:
        """Bytes."""
        assert self.child.pid
        return int(psutil.Process(self.child.pid).memory_info().rss)


@contextmanager
def opened(stack: Stack, directory: Path, *, slow_reader_timeout: int) -> Iterator[Impatient]:
    port = free_port()
    child = parts.gateway(
        stack.env
        | {"OPENAI_BASE_URL": f"{stack.simulator_url}/v1", "OPENAI_API_KEY": "simulated"}
        | {"WEB_WORKERS": "1", "SLOW_READER_TIMEOUT": str(slow_reader_timeout)},
        port=port,
        log=directory / "gateway.log",
    )
    child.start()
    yield Impatient(f"http://{LOOPBACK}:{port}", child)
    child.stop()


@pytest.fixture(scope="module")
def impatient(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Impatient]:
    with opened(stack, tmp_path_factory.mktemp("impatient"), slow_reader_timeout=2) as running:
        yield running


@pytest.fixture
def patient(stack: Stack, tmp_path: Path) -> Iterator[Impatient]:
    """Which by itself drops nobody so soon."""
    with opened(stack, tmp_path, slow_reader_timeout=60) as running:
        yield running


def narrow(url: str) -> socket.socket:
    """A connection whose end takes a few kilobytes and no more."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = urlsplit(url)
    made.connect((address.hostname, address.port))
    return made


def asked(key: str, prompt: str) -> bytes:
    """An HTTP request for a stream."""
    body = json.dumps({"prompt": prompt, "model": MODEL})
    head = f"POST /chat/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    typed = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + typed + body).encode()


@pytest.fixture
async def vendor(stack: Stack) -> SimulatorControl:
    control = SimulatorControl(stack.simulator_url)
    await asyncio.to_thread(control.reset_stats)
    return control


async def eventually(control: SimulatorControl, *, cancelled: int, within: float) -> None:
    async with asyncio.timeout(within):
        while (await asyncio.to_thread(control.stats)).calls_cancelled < cancelled:
            await asyncio.sleep(0.1)


async def test_streams_that_nobody_reads_cost_little_memory_and_are_cut_off(
    stack: Stack, impatient: Impatient, vendor: SimulatorControl
) -> None:
    readers = 16
    headers = {"Authorization": f"Bearer {stack.key}"}
    async with httpx.AsyncClient(base_url=impatient.url, headers=headers, timeout=20) as client:
        assert (await client.post("/chat", json={"prompt": "Warm up."})).status_code == 200
        before = impatient.memory()
        with ExitStack() as closing:
            for number in range(readers):
                reader = closing.enter_context(narrow(impatient.url))
                reader.sendall(asked(stack.key, f"Slow reader {number}. {LONG}"))
            highest = before
            async with asyncio.timeout(60):
                while (await asyncio.to_thread(vendor.stats)).calls_cancelled < readers:
                    highest = max(highest, impatient.memory())
                    await asyncio.sleep(0.1)
            assert (await client.post("/chat", json={"prompt": "And others?"})).status_code == 200
    assert highest - before < readers * 3_800_000, "less than the bare text of what the vendor has to say"


async def test_a_socket_that_nobody_reads_is_cut_off_with_all_its_chats(
    stack: Stack, impatient: Impatient, vendor: SimulatorControl
) -> None:
    chats = 4
    with narrow(impatient.url) as reader:
        connection = await chatting(impatient.url, reader, stack.key, chats=chats)
        await eventually(vendor, cancelled=chats, within=60)
        connection.transport.abort()


async def chatting(url: str, reader: socket.socket, key: str, *, chats: int) -> websockets.ClientConnection:
    """A socket with long chats on it that reads nearly nothing of them."""
    connection = await websockets.connect(
        url.replace("http", "ws") + "/ws/chat",
        sock=reader,
        max_queue=1,
        ping_interval=None,
        additional_headers={"Authorization": f"Bearer {key}"},
    )
    for number in range(chats):
        frame = {"type": "chat", "id": str(number), "prompt": f"Slow chat {number}. {LONG}", "model": MODEL}
        await connection.send(json.dumps(frame))
    return connection


def is_held(reader: socket.socket) -> bool:
    """Whether a process still has the other end."""
    ours = reader.getsockname()[1]
    found = [other for other in psutil.net_connections("tcp") if other.raddr and other.raddr.port == ours]
    return any(other.pid for other in found)


async def test_a_revoked_keys_socket_that_nobody_reads_is_cut_off_within_seconds_with_all_its_chats(
    stack: Stack, patient: Impatient, vendor: SimulatorControl
) -> None:
    chats = 4
    key = await asyncio.to_thread(manage, stack, "create_key", "--project", "slow", "--name", "one")
    await asyncio.sleep(1)  # which the workers take to know it
    with narrow(patient.url) as reader:
        connection = await chatting(patient.url, reader, key, chats=chats)
        await asyncio.sleep(2)  # until nothing more goes through
        assert is_held(reader)
        await asyncio.to_thread(manage, stack, "revoke_key", key.split("_")[1])
        await eventually(vendor, cancelled=chats, within=3)
        async with asyncio.timeout(3):
            while is_held(reader):
                await asyncio.sleep(0.1)
        connection.transport.abort()
