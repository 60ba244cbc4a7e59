"""A vendor that costs next to nothing: Gemini's and OpenAI's wires on one raw protocol.

`python -m benchmarks.vendor PORT`. A whole reply comes at once, a stream is 20 chunks, one every 50 ms.
Each says the number after `ask-` in the request, so that whoever reads the reply knows whose it is.
"""

import asyncio
import re
import sys
from typing import cast

import msgspec
import uvloop

CHUNKS = 20
CHUNK_SECONDS = 0.05
NUMBER = re.compile(rb"ask-(\d+)")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STREAMED = re.compile(rb'"stream": ?true')
COUNT = b"/count"
"""Says how often the vendor was asked: a hit must not reach it."""
MODEL = "gemini-2.5-flash"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def text(number: int) -> str:
    """What the vendor answers to `ask-<number>`; a stream says it in 20 pieces."""
    return "".join(pieces(number))


def pieces(number: int) -> list[str]:
    return [f"<{number}> word {place:02} of {CHUNKS}. " for place in range(CHUNKS)]


class Gemini:
    """The bodies of `generateContent` and `streamGenerateContent`."""

    @staticmethod
    def whole(number: int) -> bytes:
        return msgspec.json.encode(Gemini._reply(text(number), last=True))

    @staticmethod
    def events(number: int) -> list[bytes]:
        replies = [
            Gemini._reply(piece, last=place == CHUNKS) for place, piece in enumerate(pieces(number), start=1)
        ]
        return [b"data: %b\r\n\r\n" % msgspec.json.encode(reply) for reply in replies]

    @staticmethod
    def _reply(said: str, *, last: bool) -> dict[str, object]:
        candidate: dict[str, object] = {"content": {"parts": [{"text": said}], "role": "model"}, "index": 0}
        if last:
            candidate["finishReason"] = "STOP"
        counts = {"promptTokenCount": 12, "candidatesTokenCount": 120, "totalTokenCount": 132}
        return {
            "candidates": [candidate],
            "usageMetadata": counts,
            "modelVersion": MODEL,
            "responseId": "r-1",
        }


class OpenAI:
    """The bodies of `chat/completions`."""

    COUNTS = {"prompt_tokens": 12, "completion_tokens": 120, "total_tokens": 132}

    @staticmethod
    def whole(number: int) -> bytes:
        said = {"role": "assistant", "content": text(number)}
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        return msgspec.json.encode(OpenAI._reply("chat.completion", choice) | {"usage": OpenAI.COUNTS})

    @staticmethod
    def events(number: int) -> list[bytes]:
        deltas: list[dict[str, object]] = [
            {"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}
            for piece in pieces(number)
        ]
        deltas[-1]["finish_reason"] = "stop"
        replies = [OpenAI._reply("chat.completion.chunk", delta) for delta in deltas]
        events = [b"data: %b\n\n" % msgspec.json.encode(reply) for reply in replies]
        events[-1] += b"data: [DONE]\n\n"
        return events

    @staticmethod
    def _reply(kind: str, choice: dict[str, object]) -> dict[str, object]:
        return {"id": "c-1", "object": kind, "created": 1, "model": MODEL, "choices": [choice]}


class Vendor(asyncio.Protocol):
    """One connection. Requests are answered one after the other, as HTTP/1.1 clients send them."""

    calls = 0
    """Of all connections."""

    def __init__(self) -> None:
        self._buffer = b""
        self._pending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pending:
            self._pending.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = LENGTH.search(head)
        if len(body) < (int(length[1]) if length else 0):
            return
        self._buffer = b""
        self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path == COUNT:
            said = str(Vendor.calls).encode()
            self._transport.write(HEAD % (len(said), said))
            return
        Vendor.calls += 1
        wire = OpenAI if b"chat/completions" in path else Gemini
        asked = NUMBER.search(body)
        number = int(asked[1]) if asked else 0
        if b"streamGenerateContent" in path or STREAMED.search(body):
            self._transport.write(STREAM_HEAD)
            loop = asyncio.get_running_loop()
            self._pending = loop.call_later(CHUNK_SECONDS, self._go_on, wire.events(number), 0, loop.time())
        else:
            said = wire.whole(number)
            self._transport.write(HEAD % (len(said), said))

    def _go_on(self, events: list[bytes], place: int, began: float) -> None:
        event = events[place]
        last = place + 1 == len(events)
        self._transport.write(b"%x\r\n%b\r\n%b" % (len(event), event, b"0\r\n\r\n" if last else b""))
        if not last:
            # From the beginning, so that delays do not add up.
            due = began + (place + 2) * CHUNK_SECONDS
            loop = asyncio.get_running_loop()
            self._pending = loop.call_at(due, self._go_on, events, place + 1, began)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Vendor, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
