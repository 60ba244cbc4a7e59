"""Streams really stream, and a client that leaves stops the vendor."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from gateway_app.flights import REPLY_BOUND
from gateway_app.testing.process import SimulatorControl
from gateway_app.tests.clients import events, open_socket, until_stats
from gateway_app.tests.test_end_to_end import row
from llmgateway.stack import Stack

SSE = {"Accept": "text/event-stream"}
STORY = "Tell me of the sea"


@pytest.fixture
def control(stack: Stack) -> Iterator[SimulatorControl]:
    simulator = SimulatorControl(stack.simulator_url)
    simulator.clear_faults()
    simulator.reset_stats()
    yield simulator
    simulator.clear_faults()


@pytest.fixture
def headers(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.key}"}


def second_chunk_left(control: SimulatorControl) -> float:
    """On the machine's monotonic clock."""
    second = control.stats().last_stream.second_chunk
    assert second is not None
    return second.monotonic


TRIES = range(3)
"""A busy machine may hold a packet up once; a gateway that buffers holds up every one."""


@pytest.mark.parametrize("accept", ["text/event-stream", "text/plain"])
def test_the_first_text_is_there_before_the_second_chunk_left(
    stack: Stack, control: SimulatorControl, headers: dict[str, str], accept: str
) -> None:
    assert any(
        first_text(stack, {**headers, "Accept": accept}, f"{STORY}, {accept}, try {number}.")
        < second_chunk_left(control)
        for number in TRIES
    )


def first_text(stack: Stack, headers: dict[str, str], prompt: str) -> float:
    """When it arrived, on the machine's monotonic clock; the rest is read too."""
    with httpx.stream(
        "POST", f"{stack.url}/chat/stream", json={"prompt": prompt}, headers=headers, timeout=20
    ) as response:
        told = (event.data.get("text") for event in events(response))
        texts = told if headers["Accept"] == "text/event-stream" else response.iter_text()
        next(filter(None, texts))
        arrived = time.monotonic()
        for _ in texts:
            pass
    return arrived


async def test_the_first_frame_is_there_before_the_second_chunk_left(
    stack: Stack, control: SimulatorControl
) -> None:
    in_time = []
    async with open_socket(stack) as socket:
        for number in TRIES:
            await socket.send(type="chat", id="c", prompt=f"{STORY} over a socket, try {number}.")
            while (await socket.receive())["type"] != "delta":
                pass
            arrived = time.monotonic()
            await socket.until_done("c")
            in_time.append(arrived < await asyncio.to_thread(second_chunk_left, control))
    assert any(in_time)


@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
@pytest.mark.parametrize("fault", ["hang", "stall after=2"])
async def test_a_client_that_leaves_stops_the_vendor(
    stack: Stack, control: SimulatorControl, headers: dict[str, str], path: str, fault: str
) -> None:
    request_id = f"leaves-{path.strip('/').replace('/', '-')}-{fault.split()[0]}"
    async with httpx.AsyncClient(
        base_url=stack.url, headers={**headers, "X-Request-ID": request_id}
    ) as client:
        call = asyncio.create_task(client.post(path, json={"prompt": f"{STORY}. [[fault:{fault}]]"}))
        await until_stats(control, lambda stats: stats.in_flight == 1, within=5)
        call.cancel()
        await until_stats(control, lambda stats: stats.calls_cancelled == 1, within=1)
    kept = await asyncio.to_thread(row, stack, request_id)
    assert (kept["outcome"], kept["finish_reason"]) == ("cancelled", None)


@pytest.mark.parametrize("way", ["cancel", "close"])
async def test_a_chat_that_is_cancelled_stops_the_vendor(
    stack: Stack, control: SimulatorControl, way: str
) -> None:
    async with open_socket(stack) as socket:
        await socket.send(type="chat", id="c", prompt=f"{STORY} {way}. [[fault:stall after=2]]")
        start = await socket.receive()
        await socket.receive()
        if way == "cancel":
            await socket.send(type="cancel", id="c")
            await until_stats(control, lambda stats: stats.calls_cancelled == 1, within=1)
            await socket.send(type="chat", id="d", prompt=f"{STORY} after a cancel.")
            assert (await socket.until_done("d"))[-1]["type"] == "end"
    await until_stats(control, lambda stats: stats.calls_cancelled == 1, within=1)
    kept = await asyncio.to_thread(row, stack, start["request_id"])
    assert kept["outcome"] == "cancelled"
    assert kept["total_tokens"] > 0


BROKEN = ["cut", "reset", "error_event", "no_finish", "malformed", "invalid_utf8"]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_stream_says_so_and_is_not_kept(
    stack: Stack, control: SimulatorControl, headers: dict[str, str], fault: str
) -> None:
    body = {"prompt": f"{STORY}. [[fault:{fault} after=2]]"}
    for _ in range(2):
        with httpx.stream(
            "POST", f"{stack.url}/chat/stream", json=body, headers={**headers, **SSE}, timeout=20
        ) as response:
            assert response.headers["X-Cache"] == "MISS"
            seen = list(events(response))
        assert seen[-1].name == "error"
        assert seen[-1].data["error"]["code"].startswith("provider_")
    kept = row(stack, seen[-1].data["request_id"])
    assert (kept["outcome"], kept["error_code"]) == ("error", seen[-1].data["error"]["code"])


ENDLESS = {"prompt": "Say much. [[fault:huge size=4100000]]"}


def test_a_reply_without_end_is_given_up(stack: Stack, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{stack.url}/chat", json=ENDLESS, headers=headers, timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_bad_reply")


def test_a_stream_without_end_is_given_up(stack: Stack, headers: dict[str, str]) -> None:
    asking = {**headers, **SSE}
    with httpx.stream(
        "POST", f"{stack.url}/chat/stream", json=ENDLESS, headers=asking, timeout=20
    ) as response:
        *said, last = events(response)
    assert sum(len(event.data["text"]) for event in said if event.name == "delta") <= REPLY_BOUND
    assert (last.name, last.data["error"]["code"]) == ("error", "provider_bad_reply")


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plain_stream_never_looks_whole(stack: Stack, headers: dict[str, str], fault: str) -> None:
    body = {"prompt": f"{STORY}. [[fault:{fault} after=2]]"}
    text = ""
    with (
        pytest.raises(httpx.RemoteProtocolError),
        httpx.stream("POST", f"{stack.url}/chat/stream", json=body, headers=headers, timeout=20) as response,
    ):
        for piece in response.iter_text():
            text += piece
    assert "[the stream failed: " in text


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("400", 400),
        ("403", 502),
        ("404", 404),
        ("429 retry=7", 429),
        ("500", 502),
        ("503", 502),
        ("empty", 502),
    ],
)
@pytest.mark.parametrize("path", ["/chat", "/chat/stream"])
def test_a_vendor_that_fails_before_the_first_word_is_a_status(
    stack: Stack, headers: dict[str, str], path: str, fault: str, status: int
) -> None:
    answer = httpx.post(
        f"{stack.url}{path}",
        json={"prompt": f"Hello [[fault:{fault}]]"},
        headers=headers,
        timeout=20,
    )
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "code", "param"}
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    if status == 429:
        assert answer.headers["Retry-After"] == "7"
