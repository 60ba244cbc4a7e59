"""Recorded exchanges come back byte for byte, over a real socket."""

import json
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import pytest

from gateway_app.testing.replay import Exchange, ReplayServer, read_exchanges

EXCHANGES = {
    path.stem: read_exchanges(path) for path in (Path(__file__).parent / "exchanges").glob("*.jsonl")
}


async def replayed(
    server: ReplayServer, exchanges: Iterable[Exchange], method: str = "generateContent"
) -> list[tuple[int, bytes]]:
    """Status and body of one call after another."""
    got = []
    async with aiohttp.ClientSession() as session:
        for exchange in exchanges:
            url = f"{server.url}/v1beta/models/{exchange.model}:{method}"
            async with session.post(url, json=exchange.request) as reply:
                got.append((reply.status, await reply.read()))
    return got


@pytest.mark.parametrize("kind", ["whole", "errors"])
async def test_the_kth_call_gets_the_kth_reply(kind: str) -> None:
    exchanges = EXCHANGES[kind]
    async with ReplayServer(exchanges) as server:
        got = await replayed(server, exchanges)
    assert [(status, json.loads(body)) for status, body in got] == [
        (one.status, one.response) for one in exchanges
    ]


@pytest.mark.parametrize("piece_bytes", [None, 7])
async def test_a_recorded_stream_comes_back_as_it_was(piece_bytes: int | None) -> None:
    exchanges = EXCHANGES["streams"]
    async with ReplayServer(exchanges, piece_bytes=piece_bytes) as server:
        got = await replayed(server, exchanges, "streamGenerateContent")
    assert [body.decode() for _, body in got] == [exchange.response_sse for exchange in exchanges]


async def test_a_whole_reply_streams_as_one_event() -> None:
    exchange = EXCHANGES["whole"][0]
    async with ReplayServer([exchange]) as server:
        ((_, body),) = await replayed(server, [exchange], "streamGenerateContent")
    assert json.loads(body.decode().removeprefix("data: ")) == exchange.response


async def test_a_model_name_can_point_at_an_exchange() -> None:
    exchanges = EXCHANGES["errors"]
    async with ReplayServer(exchanges) as server, aiohttp.ClientSession() as session:
        async with session.post(f"{server.url}/v1beta/models/exchange-3:generateContent", json={}) as reply:
            assert reply.status == exchanges[3].status
        assert [request.model for request in server.requests.last(5)] == ["exchange-3"]


async def test_after_the_last_exchange_there_is_nothing() -> None:
    exchange = EXCHANGES["whole"][0]
    async with ReplayServer([exchange]) as server:
        assert [status for status, _ in await replayed(server, [exchange] * 2)] == [200, 410]


def test_every_exchange_has_a_name_of_its_own() -> None:
    for exchanges in EXCHANGES.values():
        names = [exchange.name for exchange in exchanges]
        assert len(set(names)) == len(names) > 0
