"""What a socket does by itself."""

import asyncio

import pytest
from asgiref.testing import ApplicationCommunicator

from gateway_app import gateway, sockets
from gateway_app.keys import new_key
from gateway_app.sockets import IDLE_CLOSED, UNAUTHENTICATED, ChatSocket


async def connected(*subprotocols: str) -> ApplicationCommunicator:
    state = {"gateway": gateway.build()}
    scope = {"type": "websocket", "headers": [], "subprotocols": list(subprotocols), "state": state}
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


async def test_a_key_that_cannot_be_checked_yet_is_told_so_and_may_stay() -> None:
    client = await connected(f"bearer.{new_key()}")
    await client.send_input(
        {"type": "websocket.receive", "text": '{"type": "chat", "id": "a", "prompt": "x"}'}
    )
    assert '"unavailable"' in (await client.receive_output())["text"]
    assert await client.receive_nothing(0.7)
    await client.send_input({"type": "websocket.disconnect", "code": 1000})
    await client.wait()
