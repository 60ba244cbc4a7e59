"""No address that somebody typed in leads anywhere inside, and a key goes to its own host alone."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gateway_app.exceptions import GatewayError, ImageRefused
from gateway_app.image_fetching import ImageFetcher
from gateway_app.providers.anthropic import Anthropic
from gateway_app.providers.base import Provider
from gateway_app.providers.gemini import Gemini
from gateway_app.providers.gemini_sdk import GeminiSdk
from gateway_app.providers.openai import OpenAI
from gateway_app.tests.conftest import ask, chunks_of
from llmgateway.tests.security.places_inside import NAMES, PLACES
from prompts_app.posting import opened, post


class Door:
    """Listens on a port of every loopback address; counts who knocks, and answers each with `reply`."""

    def __init__(self) -> None:
        self.reply = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        self.knocks: list[bytes] = []
        self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                self.knocks.append(connection.recv(65_536))
                connection.sendall(self.reply)

    def close(self) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def door() -> Iterator[Door]:
    opened = Door()
    yield opened
    opened.close()


@pytest.fixture
def elsewhere() -> Iterator[Door]:
    opened = Door()
    yield opened
    opened.close()


@pytest.fixture
def name_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world's, which no test may depend on."""
    known = socket.getaddrinfo

    def found(host: Any, port: Any, *options: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.rstrip(".") in NAMES:
            return [
                entry
                for address in NAMES[name.rstrip(".")]
                for entry in known(address, port, *options, **more)
            ]
        if name.endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return known(host, port, *options, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)


def test_there_are_enough_of_them() -> None:
    assert len(set(PLACES)) >= 40


@pytest.mark.parametrize("place", PLACES)
async def test_no_webhook_goes_inside(door: Door, name_servers: None, place: str) -> None:
    async with opened(allow_private=False) as session:
        answer = await post(session, f"http://{place}:{door.port}/hook", b"{}", headers={})
    assert answer.status is None
    assert answer.error
    assert door.knocks == []


@pytest.mark.parametrize("place", PLACES)
async def test_no_image_comes_from_inside_even_from_a_host_that_is_listed(
    door: Door, name_servers: None, place: str
) -> None:
    host = place.rpartition("@")[2]
    fetcher = ImageFetcher([host, f"{host}:{door.port}", host.strip("[]"), "*.evil.example", "*."])
    await fetcher.open()
    with pytest.raises(ImageRefused):
        await fetcher.fetch(f"https://{place}:{door.port}/a.png", param="")
    await fetcher.close()
    assert door.knocks == []


async def test_the_door_is_one_that_can_be_knocked_at(door: Door) -> None:
    async with opened(allow_private=True) as session:
        assert (await post(session, door.url, b"{}", headers={})).taken
    assert len(door.knocks) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_webhook_is_not_led_on(door: Door, elsewhere: Door, status: int) -> None:
    door.reply = f"HTTP/1.1 {status} Gone\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n".encode()
    async with opened(allow_private=True) as session:
        assert (await post(session, door.url, b"{}", headers={})).status == status
    assert (len(door.knocks), elsewhere.knocks) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("adapter", [Gemini, GeminiSdk, OpenAI, Anthropic])
async def test_a_key_does_not_follow_where_a_vendor_points(
    door: Door, elsewhere: Door, adapter: type[Any], status: int
) -> None:
    door.reply = f"HTTP/1.1 {status} Gone\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n".encode()
    provider: Provider = adapter(api_key="the-key-of-this-host", base_url=door.url)
    await provider.open()
    for whole in (False, True):
        with pytest.raises(GatewayError):
            await chunks_of(provider, ask("Hello"), whole=whole)
    await provider.close()
    assert all(b"the-key-of-this-host" in knock for knock in door.knocks)
    assert door.knocks
    assert elsewhere.knocks == []
