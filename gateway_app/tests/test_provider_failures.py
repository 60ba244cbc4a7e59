"""OpenAI's and Anthropic's adapters fail alike: each mishap has its exception, no connection outlives it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from gateway_app import exceptions as ours
from gateway_app.providers.anthropic import Anthropic
from gateway_app.providers.base import Provider
from gateway_app.providers.openai import OpenAI
from gateway_app.providers.wire import MAX_REPLY_BYTES
from gateway_app.testing.simulator import Simulator
from gateway_app.tests.conftest import ask, chunks_of, until
from gateway_app.tests.scripted_vendor import scripted_vendor
from gateway_app.types import CompletionRequest

MakeProvider = Callable[[str, str], Provider]
SOON = 0.5
"""Seconds within which a vendor must see that nobody listens any more."""


@pytest.fixture(params=["gpt-4.1-mini", "claude-haiku-4-5"])
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(model: str) -> MakeProvider:
    """From an address and a key."""
    if model.startswith("gpt"):
        return lambda url, key: OpenAI(base_url=f"{url}/v1", api_key=key)
    return lambda url, key: Anthropic(base_url=url, api_key=key)


@pytest.fixture
async def provider(simulator: Simulator, make: MakeProvider) -> AsyncIterator[Provider]:
    adapter = make(simulator.url, "for-tests")
    await adapter.open()
    yield adapter
    await adapter.close()


async def failure(provider: Provider, request: CompletionRequest, *, whole: bool = False) -> Exception:
    with pytest.raises(ours.GatewayError) as caught:
        await chunks_of(provider, request, whole=whole)
    return caught.value


async def failure_at(url: str, make: MakeProvider, request: CompletionRequest, *, whole: bool) -> Exception:
    adapter = make(url, "for-tests")
    await adapter.open()
    try:
        return await failure(adapter, request, whole=whole)
    finally:
        await adapter.close()


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("400", ours.ProviderRefused),
        ("401", ours.ProviderDenied),
        ("403", ours.ProviderDenied),
        ("404", ours.ModelNotFound),
        ("429", ours.ProviderRateLimited),
        ("500", ours.ProviderUnavailable),
        ("502", ours.ProviderUnavailable),
        ("503", ours.ProviderUnavailable),
        ("504", ours.ProviderTimeout),
        ("malformed after=4", ours.ProviderBadReply),
        ("wrong_type", ours.ProviderBadReply),
        ("empty", ours.ProviderBadReply),
        ("no_finish", ours.ProviderBadReply),
        ("invalid_utf8 after=4", ours.ProviderBadReply),
        ("cut", ours.ProviderBadReply),
        ("error_event", ours.ProviderUnavailable),
    ],
)
async def test_every_failure_has_its_exception(
    provider: Provider, model: str, fault: str, expected: type[Exception], whole: bool
) -> None:
    request = ask(f"Tell me of the sea. [[fault:{fault}]]", model)
    assert type(await failure(provider, request, whole=whole)) is expected


async def test_a_reset_connection_is_a_failure(provider: Provider, model: str) -> None:
    request = ask("Tell me of the sea. [[fault:reset after=2]]", model)
    assert isinstance(await failure(provider, request), ours.ProviderError)


async def test_the_chunks_before_a_failure_are_delivered(provider: Provider, model: str) -> None:
    seen = []
    with pytest.raises(ours.ProviderBadReply):
        async for chunk in provider.stream(ask("Tell me of the sea. [[fault:cut after=8]]", model)):
            seen.append(chunk.text)
    assert "".join(seen)


async def test_the_vendors_delay_is_known(provider: Provider, model: str) -> None:
    limited = await failure(provider, ask("Hello [[fault:429 retry=7]]", model))
    assert isinstance(limited, ours.ProviderRateLimited)
    assert limited.retry_after == 7
    assert limited.status == 429


async def test_a_refused_key_is_the_gateways_fault(
    simulator: Simulator, make: MakeProvider, model: str
) -> None:
    adapter = make(simulator.url, "bad-key")
    await adapter.open()
    assert isinstance(await failure(adapter, ask("Hello", model)), ours.ProviderDenied)
    await adapter.close()


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_a_vendor_that_is_not_there_fails_at_once(make: MakeProvider, model: str, whole: bool) -> None:
    async with asyncio.timeout(2):
        found = await failure_at("http://127.0.0.1:9", make, ask("Hello", model), whole=whole)
    assert isinstance(found, ours.ProviderUnavailable)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "streamed"])
async def test_a_redirect_is_not_followed_with_the_key(make: MakeProvider, model: str, whole: bool) -> None:
    async with scripted_vendor(status=307, headers={"Location": "http://127.0.0.1:9/"}) as url:
        found = await failure_at(url, make, ask("Hello", model), whole=whole)
    assert isinstance(found, ours.ProviderBadReply)


async def test_an_event_without_end_is_given_up(make: MakeProvider, model: str) -> None:
    async with scripted_vendor(b"data: ", *[b"x" * 1_000_000] * 9) as url:
        found = await failure_at(url, make, ask("Hello", model), whole=False)
    assert isinstance(found, ours.ProviderBadReply)


async def test_a_whole_reply_without_end_is_given_up(make: MakeProvider, model: str) -> None:
    megabytes = MAX_REPLY_BYTES // 1_000_000 + 2
    async with scripted_vendor(*[b" " * 1_000_000] * megabytes) as url:
        found = await failure_at(url, make, ask("Hello", model), whole=True)
    assert "larger than" in str(found)


@pytest.mark.parametrize("fault", ["stall", "hang"])
async def test_cancelling_the_reader_closes_the_connection(
    provider: Provider, simulator: Simulator, model: str, fault: str
) -> None:
    reading = asyncio.create_task(chunks_of(provider, ask(f"Tell me of the sea. [[fault:{fault}]]", model)))
    await until(lambda: simulator.stats().in_flight == 1)
    reading.cancel()
    await until(lambda: simulator.stats().calls_cancelled == 1, within=SOON)


async def test_leaving_in_the_middle_closes_the_connection(
    provider: Provider, simulator: Simulator, model: str
) -> None:
    async with aclosing(provider.stream(ask("Tell me of the sea. [[fault:stall after=4]]", model))) as chunks:
        await anext(chunks)
    await until(lambda: simulator.stats().calls_cancelled == 1, within=SOON)


async def test_cancelling_a_whole_reply_closes_the_connection(
    provider: Provider, simulator: Simulator, model: str
) -> None:
    waiting = asyncio.create_task(chunks_of(provider, ask("Hello [[fault:hang]]", model), whole=True))
    await until(lambda: simulator.stats().in_flight == 1)
    waiting.cancel()
    await until(lambda: simulator.stats().calls_cancelled == 1, within=SOON)
