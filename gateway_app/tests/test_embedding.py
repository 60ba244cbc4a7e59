"""Texts become vectors through the gateway: over both wires, kept, priced, and written down."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import redis

from gateway_app import exceptions as ours
from gateway_app import gateway
from gateway_app.embedding import MAX_TEXTS, EmbeddingAnswer, EmbeddingRequest, Embeddings
from gateway_app.ledger_worker import LedgerWorker
from gateway_app.models import Call
from gateway_app.requests import Caller
from gateway_app.testing.simulator import Simulator

GEMINI, OPENAI = "gemini-embedding-001", "text-embedding-3-small"
LENGTHS = {GEMINI: 768, OPENAI: 1536}
PRICES = {GEMINI: Decimal("0.15"), OPENAI: Decimal("0.02")}


@pytest.fixture(params=[GEMINI, OPENAI])
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def embeddings(
    transactional_db: None, simulator: Simulator, settings: Any
) -> AsyncIterator[Embeddings]:
    """A gateway's own, with the simulator as every vendor."""
    for name, path in (("gemini", ""), ("openai", "/v1")):
        options = {"api_key": "for-tests", "base_url": simulator.url + path}
        settings.PROVIDERS[name] = settings.PROVIDERS[name] | {"OPTIONS": options}
    running = gateway.build()
    await running.start()
    yield running.embeddings
    await running.stop()


async def embed(
    embeddings: Embeddings, model: str, *texts: str, project: int | None = None
) -> EmbeddingAnswer:
    caller = Caller(project_id=project, project="tests")
    request = EmbeddingRequest(
        request_id=f"r-{uuid.uuid4()}", caller=caller, surface="eval", model=model, texts=texts
    )
    return await embeddings.embed(request)


def new(text: str) -> str:
    """That no earlier test has embedded."""
    return f"{text} {uuid.uuid4()}"


async def test_each_text_has_its_vector_in_the_order_of_the_texts(embeddings: Embeddings, model: str) -> None:
    one, other = new("a lamp"), new("ships at sea")
    forth = await embed(embeddings, model, one, other, one)
    back = await embed(embeddings, model, other, one)
    assert [len(vector) for vector in forth.vectors] == [LENGTHS[model]] * 3
    assert forth.vectors[0] == forth.vectors[2] == back.vectors[1]
    assert forth.vectors[1] == back.vectors[0] != forth.vectors[0]


async def test_what_is_known_is_not_asked_again(
    embeddings: Embeddings, simulator: Simulator, model: str
) -> None:
    text = new("a lamp")
    first = await embed(embeddings, model, text)
    again = await embed(embeddings, model, text)
    assert simulator.stats().calls == 1
    assert (first.vectors, again.cost_usd) == (again.vectors, 0)
    # The simulator counts a token for each four characters.
    assert first.cost_usd == -(-len(text) // 4) * PRICES[model] / 1_000_000


async def test_projects_do_not_share_vectors(embeddings: Embeddings, simulator: Simulator) -> None:
    text = new("a secret")
    await embed(embeddings, GEMINI, text, project=1)
    await embed(embeddings, GEMINI, text, project=2)
    assert simulator.stats().calls == 2


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("400", ours.ProviderRefused), ("401", ours.ProviderDenied), ("malformed", ours.ProviderBadReply)],
)
async def test_a_vendors_error_is_an_error(
    embeddings: Embeddings, simulator: Simulator, model: str, fault: str, expected: type[Exception]
) -> None:
    await simulator.fault(fault, times=10)
    with pytest.raises(expected):
        await embed(embeddings, model, new("a lamp"))


async def test_a_passing_failure_is_tried_again(
    embeddings: Embeddings, simulator: Simulator, model: str
) -> None:
    await simulator.fault("503")
    assert (await embed(embeddings, model, new("a lamp"))).vectors
    assert simulator.stats().calls == 2


@pytest.mark.parametrize(
    ("model", "texts", "expected"),
    [
        ("gemini-2.5-flash", 1, ours.ModelNotFound),
        (GEMINI, 0, ours.InvalidRequest),
        (GEMINI, MAX_TEXTS + 1, ours.InvalidRequest),
    ],
)
async def test_what_cannot_be_embedded_is_refused_before_a_vendor_is_asked(
    embeddings: Embeddings, simulator: Simulator, model: str, texts: int, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        await embed(embeddings, model, *(["x"] * texts))
    assert simulator.stats().calls == 0


async def test_each_use_stands_in_the_ledger_with_its_cost(embeddings: Embeddings, settings: Any) -> None:
    text = new("a lamp")
    answers = [await embed(embeddings, GEMINI, text), await embed(embeddings, GEMINI, text)]

    def rows() -> list[tuple[Any, ...]]:
        with redis.Redis.from_url(settings.GATEWAY["REDIS_URL"]) as client:
            LedgerWorker(client, name="test", keep_going=lambda: False).run()
        newest = Call.objects.filter(model=GEMINI).order_by("-created_at")[:2]
        return list(newest.values_list("cache", "outcome", "provider", "cost_usd"))

    assert await asyncio.to_thread(rows) == [
        ("HIT", "ok", "gemini", Decimal(0)),
        ("MISS", "ok", "gemini", answers[0].cost_usd),
    ]
