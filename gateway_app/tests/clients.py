"""Clients as users have them: REST, server-sent events, a WebSocket, a browser's form."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
import websockets

from gateway_app.testing.counters import Stats
from gateway_app.testing.process import SimulatorControl
from llmgateway.stack import Stack


@dataclass(frozen=True)
class ServerSentEvent:
    name: str
    data: dict[str, Any]


def events(response: httpx.Response) -> Iterator[ServerSentEvent]:
    """The events of a stream, each as soon as it is there."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield ServerSentEvent(name, json.loads(line.removeprefix("data: ")))


class Socket:
    """`WS /ws/chat`."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.connection = connection

    async def send(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.connection.recv())
        return frame

    async def until_done(self, identifier: str) -> list[dict[str, Any]]:
        """The frames of one chat, to its `end` or `error`."""
        frames: list[dict[str, Any]] = []
        while not frames or frames[-1]["type"] not in ("end", "error"):
            frame = await self.receive()
            if frame["id"] == identifier:
                frames.append(frame)
        return frames


@asynccontextmanager
async def open_socket(stack: Stack, **options: Any) -> AsyncIterator[Socket]:
    options.setdefault("additional_headers", {"Authorization": f"Bearer {stack.key}"})
    async with websockets.connect(f"{stack.ws_url}/ws/chat", **options) as connection:
        yield Socket(connection)


@dataclass
class _FormReader(HTMLParser):
    """What a browser would send back if one pressed Save at once."""

    values: dict[str, str] = field(default_factory=dict)
    _open: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if (
            tag == "input"
            and name
            and given.get("type") not in ("submit", "checkbox", "radio", "file", "button")
        ):
            self.values[name] = given.get("value", "")
        elif tag == "input" and name and given.get("type") in ("checkbox", "radio") and "checked" in given:
            self.values[name] = given.get("value", "on")
        elif tag in ("select", "textarea") and name:
            self._open, self.values[name] = name, ""
        elif tag == "option" and self._open and "selected" in given:
            self.values[self._open] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._open and self.lasttag == "textarea":
            self.values[self._open] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self._open = None


class Browser:
    """An editor's."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def submit(self, path: str, **changes: str) -> httpx.Response:
        """Opens the form at `path`, changes fields, sends it; an `AssertionError` shows the page."""
        page = self.client.get(path)
        assert page.status_code == 200, page.text
        reader = _FormReader()
        reader.feed(page.text)
        values = {**reader.values, **changes}
        answer = self.client.post(path, data=values, headers={"Referer": str(page.url)})
        assert answer.status_code == 200, answer.text
        told = re.search(r"errornote.*?</ul>|errornote.*?</p>", answer.text, re.DOTALL)
        assert told is None, answer.text[told.start() :][:1500]
        return answer


@contextmanager
def open_browser(stack: Stack) -> Iterator[Browser]:
    """Logged in to the admin."""
    with httpx.Client(base_url=stack.url, timeout=20, follow_redirects=True) as client:
        browser = Browser(client)
        name, password = stack.admin
        browser.submit("/admin/login/", username=name, password=password)
        yield browser


async def until_stats(
    control: SimulatorControl, condition: Callable[[Stats], bool], *, within: float
) -> None:
    """Waits for `within` seconds until the simulator has counted it."""
    deadline = time.monotonic() + within
    while not condition(stats := await asyncio.to_thread(control.stats)):
        assert time.monotonic() < deadline, stats
        await asyncio.sleep(0.02)
