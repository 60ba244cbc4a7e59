"""The least that the stack can cost: a bare ASGI app on the server and the clients that the gateway uses.

One Redis GET for what is asked at `/`; anything else is passed to the vendor and back, unread.

`python -m benchmarks.floor PORT REDIS_URL VENDOR_URL`.
"""

import sys
from typing import Any

import aiohttp
import msgspec
import redis.asyncio
import uvicorn

from benchmarks.vendor import text

KEY = "bench:floor"
NUMBER = 1


class Floor:
    def __init__(self, redis_url: str, vendor_url: str) -> None:
        self._redis: Any = redis.asyncio.Redis.from_url(redis_url)
        self._vendor = vendor_url
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            body = (await receive())["body"]
            await (self._read(body, send) if scope["path"] == "/" else self._relay(scope["path"], body, send))

    async def _read(self, asked: bytes, send: Any) -> None:
        model = msgspec.json.decode(asked)["model"]
        said = await self._redis.get(KEY)
        body = msgspec.json.encode({"model": model, "text": said.decode()})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _relay(self, path: str, body: bytes, send: Any) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        async with self._session.post(self._vendor + path, data=body) as reply:
            await send({"type": "http.response.start", "status": reply.status, "headers": []})
            while piece := await reply.content.readany():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def main() -> None:
    port, redis_url, vendor_url = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    with redis.Redis.from_url(redis_url) as client:
        client.set(KEY, text(NUMBER))
    uvicorn.run(
        Floor(redis_url, vendor_url),
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
