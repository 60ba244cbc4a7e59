"""What uvicorn leaves open: how long a request may take to arrive, and how many may be connected."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import uvicorn

from llmgateway.ports import free_port
from llmgateway.protocols import LAST_WORDS, TALKS_ON, BoundedHttp, PatientSocket

OPENING = (
    b"GET /socket HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)
UPGRADE = OPENING + b"\r\n"
TEXT = bytes([0x81, 0x82, 0, 0, 0, 0]) + b"hi"
"""A frame from a client."""
HEAD = b"POST /chat HTTP/1.1\r\nHost: gateway\r\nContent-Length: 10\r\n\r\n"


class Hasty(BoundedHttp):
    headers_within = 0.3
    body_within = 0.3
    gulp = 100_000
    breath = 0.01
    lingers = 0.3
    most = 3


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await talk(receive, send)
        return
    if scope["path"] == "/slow":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b"ok"})
        return
    if scope["path"] == "/broken":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        raise ValueError("no body")
    if scope["path"] == "/refuse":
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no"})
        return
    body, message = b"", {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
    await send({"type": "http.response.body", "body": body.ljust(10)})


async def talk(receive: Any, send: Any) -> None:
    """Takes its time to accept, and says what comes in."""
    await receive()
    await asyncio.sleep(0.3)
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": message.get("text") or message["type"]})


Connect = Callable[[], AbstractAsyncContextManager[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.fixture
async def server() -> AsyncIterator[uvicorn.Server]:
    """Waits for 0.3 s and takes three connections."""
    ours: Any = {"http": Hasty, "ws": PatientSocket}
    server = uvicorn.Server(
        uvicorn.Config(echo, port=free_port(), lifespan="off", log_config=None, loop="none", **ours)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server
    server.should_exit = True
    await running


@pytest.fixture
def connect(server: uvicorn.Server) -> Connect:
    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.config.port)
        yield reader, writer
        writer.close()

    return opened


async def stopping(server: uvicorn.Server) -> None:
    """Asks for a stop; returns once the server has told its connections."""
    server.should_exit = True
    while server.servers[0].is_serving():
        await asyncio.sleep(0.01)


async def test_a_request_without_the_end_of_its_headers_is_answered_408(connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(b"POST /chat HTTP/1.1\r\nHost: gate")
        answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    assert b'"code":"request_timeout"' in answer


async def test_whoever_goes_on_talking_reads_that_he_is_late_and_is_cut_off(connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(b"POST /chat HTTP/1.1\r\nHost: gate")
        for _ in range(6):
            await asyncio.sleep(Hasty.headers_within / 4)
            writer.write(b"way")
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 408 Request Timeout")
        with pytest.raises(ConnectionError):
            for _ in range(100):
                writer.write(b"way")
                await writer.drain()
                await asyncio.sleep(TALKS_ON / 10)


async def test_a_connection_that_says_nothing_is_closed(connect: Connect) -> None:
    async with connect() as (reader, _):
        assert await asyncio.wait_for(reader.read(), 10)


@pytest.mark.parametrize("first", [b"", HEAD + b"0123456789"], ids=["first", "second"])
async def test_a_body_that_does_not_end_is_answered_408(connect: Connect, first: bytes) -> None:
    async with connect() as (reader, writer):
        if first:
            writer.write(first)
            await asyncio.wait_for(reader.readuntil(b"0123456789"), 10)
        writer.write(HEAD + b"01234")
        answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")


async def test_whoever_asks_in_time_is_answered_however_long_he_was_idle(connect: Connect) -> None:
    async with connect() as (reader, writer):
        for _ in range(2):
            writer.write(HEAD + b"01234")
            await asyncio.sleep(0.05)
            writer.write(b"56789")
            answer = await asyncio.wait_for(reader.readuntil(b"0123456789"), 10)
            assert answer.startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.6)


async def test_a_connection_too_many_is_answered_503_and_the_others_go_on(connect: Connect) -> None:
    async with connect() as (reader, writer), connect(), connect(), connect() as (late, _):
        writer.write(HEAD + b"0123456789")
        answer = await asyncio.wait_for(late.read(), 10)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable")
        assert (await asyncio.wait_for(reader.readuntil(b"0123456789"), 10)).startswith(b"HTTP/1.1 200")


async def test_a_body_that_is_refused_is_not_taken_in_to_its_end(connect: Connect) -> None:
    """What the kernel's sockets take besides is some 37 MB at the most."""
    sent, size = 0, 1_000_000_000
    async with connect() as (reader, writer):
        writer.write(b"POST /refuse HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n" % size)
        assert (await asyncio.wait_for(reader.readuntil(b"no"), 10)).startswith(b"HTTP/1.1 413")
        with pytest.raises(ConnectionError):
            while sent < size:
                writer.write(b"x" * 65_536)
                await asyncio.wait_for(writer.drain(), 10)
                sent += 65_536
    assert sent < 100_000_000


async def test_a_short_body_that_is_refused_leaves_the_connection_usable(connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(HEAD.replace(b"/chat", b"/refuse") + b"01234")
        await asyncio.wait_for(reader.readuntil(b"no"), 10)
        writer.write(b"56789" + HEAD + b"0123456789")
        answer = await asyncio.wait_for(reader.readuntil(b"0123456789"), 10)
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "request_",
    [
        OPENING + b"X: " + b"x" * 9_000 + b"\r\n\r\n",
        OPENING + b"X: x\r\n" * 200 + b"\r\n",
        OPENING + b"Content-Length: 2\r\n\r\nhi",
        OPENING + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        UPGRADE.replace(b"/socket", b"/" + b"a" * 9_000),
    ],
    ids=["long header", "many headers", "body", "chunked body", "long path"],
)
async def test_a_handshake_that_is_none_is_answered_400_and_holds_no_connection(
    connect: Connect, request_: bytes
) -> None:
    async with connect() as (reader, writer):
        writer.write(request_)
        answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert b'"code":"invalid_request"' in answer


async def test_a_handshake_under_way_at_a_stop_comes_to_its_end(
    connect: Connect, server: uvicorn.Server
) -> None:
    async with connect() as (reader, writer):
        writer.write(UPGRADE)
        await asyncio.sleep(0.1)
        await stopping(server)
        answer = await asyncio.wait_for(reader.readuntil(b"drain"), 10)
    assert answer.startswith(b"HTTP/1.1 101")


async def test_a_socket_that_is_opened_on_a_connection_just_after_a_stop_is_not_cut_off(
    connect: Connect, server: uvicorn.Server
) -> None:
    async with connect() as (reader, writer):
        await stopping(server)
        writer.write(UPGRADE)
        assert (await asyncio.wait_for(reader.readuntil(b"drain"), 10)).startswith(b"HTTP/1.1 101")
        await asyncio.sleep(LAST_WORDS)  # when whoever has not asked is turned out
        writer.write(TEXT)
        await asyncio.wait_for(reader.readuntil(b"hi"), 10)


async def test_the_head_of_an_answer_leaves_with_its_body(connect: Connect) -> None:
    async with connect() as (reader, writer):
        for _ in range(2):
            writer.write(b"GET /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.1)
            answer = await asyncio.wait_for(reader.read(10_000), 10)
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert answer.endswith(b"ok")


async def test_an_answer_that_breaks_off_before_its_body_has_a_head(connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(b"GET /broken HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n")


async def test_an_answer_without_a_body_is_a_head(connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(b"HEAD /slow HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_whoever_asks_before_he_sends_a_body_is_told_to_go_on(connect: Connect) -> None:
    async with connect() as (reader, writer):
        writer.write(HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"0123456789")
        answer = await asyncio.wait_for(reader.readuntil(b"0123456789"), 10)
    assert answer.startswith(b"HTTP/1.1 200 OK")
