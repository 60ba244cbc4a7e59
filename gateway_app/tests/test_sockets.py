"""What a socket does by itself."""

import asyncio

import pytest
from asgiref.testing import ApplicationCommunicator

from gateway_app import gateway, sockets
from gateway_app.sockets import IDLE_CLOSED, UNAUTHENTICATED, ChatSocket


async def connected() -> ApplicationCommunicator:
    scope = {"type": "websocket", "headers": [], "subprotocols": [], "state": {"gateway": gateway.build()}}
    client = ApplicationCommunicator(ChatSocket.as_asgi(), scope)
    await client.send_input({"type": "websocket.connect"})
    assert (await client.receive_output())["type"] == "websocket.accept"
    return client


async def test_a_socket_that_nobody_uses_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "IDLE", 0.2)
    monkeypatch.setattr(sockets, "TICK", 0.02)
    client = await connected()
    await asyncio.sleep(0.12)
    await client.send_input({"type": "websocket.receive", "text": "{}"})
    assert '"error"' in (await client.receive_output())["text"]
    assert await client.receive_nothing(0.12), "a frame began the time anew"
    closed = await client.receive_output(1)
    assert (closed["type"], closed["code"]) == ("websocket.close", IDLE_CLOSED)
    await client.send_input({"type": "websocket.disconnect", "code": IDLE_CLOSED})
    await client.wait()


async def test_a_socket_that_brings_no_key_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "KEY_WITHIN", 0.1)
    monkeypatch.setattr(sockets, "TICK", 0.02)
    client = await connected()
    assert '"invalid_api_key"' in (await client.receive_output(2))["text"]
    closed = await client.receive_output(2)
    assert (closed["type"], closed["code"]) == ("websocket.close", UNAUTHENTICATED)
    await client.send_input({"type": "websocket.disconnect", "code": UNAUTHENTICATED})
    await client.wait()
