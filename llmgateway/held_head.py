"""The head of an answer waits for the first of its body, and both leave in one system call.

ASGI wants no less (HTTP specification 2.5, "Response Start"): an answer begins with its first body event.
"""

from asyncio import Transport

CONTINUE = b"HTTP/1.1 100 "


class HeldHead:
    """What one request's answer is written to; of a transport, only what uvicorn's cycle uses."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None
        """None before it came, empty when it is out."""

    def write(self, data: bytes) -> None:
        if self._head is None and not data.startswith(CONTINUE):
            self._head = data
        elif self._head:
            self._transport.write(self._head + data)
            self._head = b""
        else:
            self._transport.write(data)

    def close(self) -> None:
        """An answer that breaks off before its body has a head at least."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()
