"""What the gateway's tests share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from gateway_app.admission import Admission
from gateway_app.events import Fold
from gateway_app.flight_share import FlightShare
from gateway_app.flights import Flights
from gateway_app.providers.anthropic import Anthropic
from gateway_app.providers.base import Provider
from gateway_app.providers.gemini import Gemini
from gateway_app.providers.gemini_sdk import GeminiSdk
from gateway_app.providers.openai import OpenAI
from gateway_app.redis_mux import RedisMux
from gateway_app.testing.simulator import Simulator
from gateway_app.types import Chunk, Completion, CompletionRequest, Message
from llmgateway import embedded, parts
from llmgateway.ports import LOOPBACK, free_port
from llmgateway.stack import Stack

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "gemini_wire"
"""Real traffic, kept beside the project where it is at hand."""

OpenGemini = Callable[..., AbstractAsyncContextManager[Provider]]


@pytest.fixture(params=[Gemini, GeminiSdk], ids=["wire", "sdk"])
def open_gemini(request: pytest.FixtureRequest) -> OpenGemini:
    """`async with open_gemini(url) as adapter`, over each of its transports."""

    @asynccontextmanager
    async def opened(url: str, *, api_key: str = "for-tests") -> AsyncIterator[Provider]:
        adapter: Provider = request.param(api_key=api_key, base_url=url)
        await adapter.open()
        try:
            yield adapter
        finally:
            await adapter.close()

    return opened


@pytest.fixture(scope="module")
def keyless(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway beside the stack's own that serves calls without a key."""
    port = free_port()
    child = parts.gateway(
        stack.env
        | {"GATEWAY_ALLOW_ANONYMOUS": "1", "WEB_WORKERS": "1"}
        | {"ALLOWED_HOSTS": "", "CORS_ALLOWED_ORIGINS": "https://app.example.com"},
        port=port,
        log=tmp_path_factory.mktemp("keyless") / "gateway.log",
    )
    child.start()
    yield f"http://{LOOPBACK}:{port}"
    child.stop()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[embedded.Server]:
    """A Redis that a test may stop, hang and kill."""
    running = embedded.redis(tmp_path / "redis", log=tmp_path / "redis.log", persistent=False)
    running.child.start()
    yield running
    running.child.kill()


async def _nothing_spent(key: str, now: datetime) -> tuple[int, int]:
    return 0, 0


@pytest.fixture
async def admission(redis_server: embedded.Server) -> AsyncIterator[Admission]:
    """Of one worker; no key has spent anything before."""
    connection = RedisMux(redis_server.url)
    door = Admission(connection, spent=_nothing_spent, workers=1)
    await door.start()
    yield door
    await door.stop()
    await connection.close()


@pytest.fixture
async def workers(redis_server: embedded.Server) -> AsyncIterator[list[Flights]]:
    """Two that share their flights."""
    connections = [RedisMux(redis_server.url) for _ in range(2)]
    both = [Flights(FlightShare(connection)) for connection in connections]
    for flights in both:
        await flights.start()
    yield both
    for flights, connection in zip(both, connections, strict=True):
        await flights.stop()
        await connection.close()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def gemini(simulator: Simulator, open_gemini: OpenGemini) -> AsyncIterator[Provider]:
    """The adapter, with the simulator as its vendor."""
    async with open_gemini(simulator.url) as adapter:
        yield adapter


def ask(text: str, model: str = "gemini-2.5-flash") -> CompletionRequest:
    return CompletionRequest(model=model, messages=(Message(role="user", content=text),))


async def chunks_of(provider: Provider, request: CompletionRequest, *, whole: bool = False) -> list[Chunk]:
    return [chunk async for chunk in provider.stream(request, whole=whole)]


async def completion_of(provider: Provider, request: CompletionRequest, *, whole: bool) -> Completion:
    fold = Fold()
    for chunk in await chunks_of(provider, request, whole=whole):
        fold.add(chunk)
    return fold.completion(asked=request.model)


async def until(condition: Callable[[], object], *, within: float = 1.0) -> None:
    """Waits until `condition` holds, for `within` seconds at the most."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def anthropic(simulator: Simulator) -> AsyncIterator[Anthropic]:
    adapter = Anthropic(api_key="for-tests", base_url=simulator.url)
    await adapter.open()
    yield adapter
    await adapter.close()


@pytest.fixture
async def openai(simulator: Simulator) -> AsyncIterator[OpenAI]:
    adapter = OpenAI(api_key="for-tests", base_url=f"{simulator.url}/v1")
    await adapter.open()
    yield adapter
    await adapter.close()
