"""OpenAI's embeddings, simulated: `POST /v1/embeddings`."""

import asyncio
from typing import Annotated, Any

import msgspec
from aiohttp import web

from gateway_app.testing import disturbance
from gateway_app.testing.answers.embeddings import embed
from gateway_app.testing.counters import Counters
from gateway_app.testing.faults import FaultQueue
from gateway_app.testing.openai_requests import Strict
from gateway_app.testing.request_log import Received
from gateway_app.testing.vendor_app import BAD_KEY
from gateway_app.testing.wire import framing, tokens

PATH = "/v1/embeddings"
DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}


class EmbeddingsRequest(Strict, frozen=True):
    model: str
    input: str | Annotated[list[str], msgspec.Meta(min_length=1, max_length=2048)]
    encoding_format: str = "float"
    dimensions: int | None = None
    user: str | None = None


class OpenAIEmbeddings:
    """Counts and misbehaves together with the other vendors."""

    def __init__(self, *, counters: Counters, faults: FaultQueue) -> None:
        self._counters = counters
        self._faults = faults

    def route(self) -> web.RouteDef:
        return web.post(PATH, self.call)

    async def call(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._counters.arrived(Received(method=PATH, model="", path=request.path_qs, headers=headers), body)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") in ("", BAD_KEY):
            return _refusal(401, "The API key is missing or wrong.")
        try:
            asked = msgspec.json.decode(body, type=EmbeddingsRequest)
        except msgspec.DecodeError as exc:
            return _refusal(400, str(exc))
        if asked.model not in DIMENSIONS:
            return _refusal(404, f"The model `{asked.model}` does not exist")
        faults = self._faults.take()
        with self._counters.running(stream=False):
            await asyncio.sleep(disturbance.seconds_before_headers(faults))
            if error := disturbance.error_asked(faults, stream=False):
                return _refusal(error.code, error.message)
            whole = disturbance.spoilt([framing.encode(_reply(asked))], faults)[0]
            return web.Response(body=whole, content_type="application/json")


def _reply(asked: EmbeddingsRequest) -> dict[str, Any]:
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    dimensions = asked.dimensions or DIMENSIONS[asked.model]
    used = sum(map(tokens.count, texts))
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": embed(text, dimensions)}
            for index, text in enumerate(texts)
        ],
        "model": asked.model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


def _refusal(status: int, message: str) -> web.Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": None}
    return web.json_response({"error": error}, status=status)
