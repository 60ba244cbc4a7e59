"""The least that the stack can cost: a bare ASGI app with one Redis GET, on the server that the gateway uses.

`python -m benchmarks.floor PORT REDIS_URL`.
"""

import sys
from typing import Any

import msgspec
import redis.asyncio
import uvicorn

from benchmarks.vendor import text

KEY = "bench:floor"
NUMBER = 1


def app(redis_url: str) -> Any:
    client: Any = redis.asyncio.Redis.from_url(redis_url)

    async def floor(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked = msgspec.json.decode((await receive())["body"])
        said = await client.get(KEY)
        body = msgspec.json.encode({"model": asked["model"], "text": said.decode()})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return floor


def main() -> None:
    port, redis_url = int(sys.argv[1]), sys.argv[2]
    with redis.Redis.from_url(redis_url) as client:
        client.set(KEY, text(NUMBER))
    uvicorn.run(
        app(redis_url),
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
