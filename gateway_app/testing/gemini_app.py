"""Google's methods under `/v1beta`, as an aiohttp application."""

import asyncio
import base64
import hashlib
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from aiohttp import web

from gateway_app.testing import disturbance
from gateway_app.testing.answer_book import AnswerBook
from gateway_app.testing.answers.embeddings import DIMENSIONS, embed
from gateway_app.testing.control_routes import ControlRoutes
from gateway_app.testing.counters import Counters
from gateway_app.testing.delivery import deliver
from gateway_app.testing.faults import FaultQueue, Faults
from gateway_app.testing.replies import Reply, prompt_details
from gateway_app.testing.request_log import Received
from gateway_app.testing.wire import errors, framing, rules, tokens
from gateway_app.testing.wire.catalogue import MODELS, Model
from gateway_app.testing.wire.errors import GoogleError
from gateway_app.testing.wire.requests import BatchEmbedRequest, CountRequest, EmbedRequest, read

BAD_KEY = "bad-key"
"""The one API key that is refused; every other one is good."""
MAX_BODY_BYTES = 20 * 1024 * 1024
"""Google's limit of a request."""

Method = Callable[[web.Request, Model, bytes], Awaitable[web.StreamResponse]]


class GeminiApp:
    """The handlers, and the state that they share."""

    def __init__(self, *, chunk_delay: float) -> None:
        self.chunk_delay = chunk_delay
        """Seconds between two chunks of a stream."""
        self.counters = Counters()
        self.faults = FaultQueue()
        self._book = AnswerBook()
        self._prompts = tokens.PromptCache()
        self._numbers = itertools.count()
        self._methods: Mapping[str, Method] = {
            "generateContent": self.generate,
            "streamGenerateContent": self.stream,
            "countTokens": self.count_tokens,
            "embedContent": self.embed,
            "batchEmbedContents": self.batch_embed,
        }

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_errors_as_google])
        app.router.add_get("/v1beta/models", self.list_models)
        app.router.add_get("/v1beta/models/{model}", self.get_model)
        app.router.add_post("/v1beta/models/{target}", self.call)
        app.router.add_routes(ControlRoutes(self.counters, self.faults).routes())
        return app

    async def list_models(self, request: web.Request) -> web.Response:
        _check_key(request)
        return _json({"models": [model.described() for model in MODELS.values()]})

    async def get_model(self, request: web.Request) -> web.Response:
        _check_key(request)
        name = request.match_info["model"]
        if name not in MODELS:
            raise errors.model_not_found(name, "getModel")
        return _json(MODELS[name].described())

    async def call(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1beta/models/{model}:{method}`."""
        name, _, method = request.match_info["target"].partition(":")
        body = await request.read()
        headers = {key.lower(): value for key, value in request.headers.items()}
        self.counters.arrived(
            Received(method=method, model=name, path=request.path_qs, headers=headers), body
        )
        _check_key(request)
        model = MODELS.get(name)
        if model is None or method not in model.methods:
            raise errors.model_not_found(name, method)
        return await self._methods[method](request, model, body)

    async def generate(self, request: web.Request, model: Model, body: bytes) -> web.StreamResponse:
        reply, faults = self._reply(model, body)
        return await self._send_whole(request, reply.whole(), faults)

    async def stream(self, request: web.Request, model: Model, body: bytes) -> web.StreamResponse:
        reply, faults = self._reply(model, body)
        sse = _is_sse(request)
        error = disturbance.error_asked(faults, stream=True)
        with self.counters.running(stream=error is None) as progress:
            await asyncio.sleep(disturbance.seconds_before_headers(faults))
            if error:
                raise error
            chunks = disturbance.spoilt(framing.chunks(reply.chunks(), sse=sse), faults)
            interruption = framing.error_chunk(errors.of_status(503), sse=sse)
            steps = disturbance.script(chunks, faults, chunk_delay=self.chunk_delay, error_chunk=interruption)
            content_type = disturbance.content_type(faults, framing.content_type(sse=sse))
            response = web.StreamResponse(headers={"Content-Type": content_type})
            return await deliver(request, response, steps=steps, progress=progress)

    async def count_tokens(self, request: web.Request, model: Model, body: bytes) -> web.StreamResponse:
        asked = read(body, CountRequest)
        whole = asked.generate_content_request
        rules.check_contents(whole.contents if whole else asked.contents)
        prompt = tokens.of_request(whole) if whole else tokens.of_contents(asked.contents)
        counted = {"totalTokens": prompt.total, "promptTokensDetails": prompt_details(prompt)}
        return await self._send_whole(request, counted, self.faults.take())

    async def embed(self, request: web.Request, model: Model, body: bytes) -> web.StreamResponse:
        value = {"embedding": _embedding(read(body, EmbedRequest))}
        return await self._send_whole(request, value, self.faults.take())

    async def batch_embed(self, request: web.Request, model: Model, body: bytes) -> web.StreamResponse:
        asked = read(body, BatchEmbedRequest).requests
        used = tokens.of_contents(tuple(one.content for one in asked))
        value = {
            "embeddings": [_embedding(one) for one in asked],
            "usageMetadata": {"promptTokenCount": used.total, "promptTokensDetails": prompt_details(used)},
        }
        return await self._send_whole(request, value, self.faults.take())

    def _reply(self, model: Model, body: bytes) -> tuple[Reply, Faults]:
        entry = self._book.look_up(model, body)
        faults = entry.faults + self.faults.take()
        cached = self._prompts.cached_tokens(model.name, entry.prefixes)
        reply = Reply(
            model=model,
            response_id=_response_id(next(self._numbers)),
            prompt=replace(entry.prompt, cached=cached),
            answer=disturbance.disturbed(entry.answer, faults),
        )
        return reply, faults

    async def _send_whole(self, request: web.Request, value: object, faults: Faults) -> web.StreamResponse:
        error = disturbance.error_asked(faults, stream=False)
        with self.counters.running(stream=False) as progress:
            await asyncio.sleep(disturbance.seconds_before_headers(faults))
            if error:
                raise error
            body = disturbance.spoilt([framing.encode(value)], faults)[0]
            headers = {"Content-Type": disturbance.content_type(faults, framing.JSON)}
            if not disturbance.disturbs_delivery(faults):
                return web.Response(body=body, headers=headers)
            response = web.StreamResponse(headers=headers | {"Content-Length": str(len(body))})
            steps = disturbance.script(disturbance.halves(body), faults, chunk_delay=0, error_chunk=b"")
            return await deliver(request, response, steps=steps, progress=progress)


@web.middleware
async def _errors_as_google(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except GoogleError as exc:
        error = exc
    except web.HTTPRequestEntityTooLarge:
        error = errors.invalid_argument(
            f"Request payload size exceeds the limit: {MAX_BODY_BYTES} bytes. "
            "Please use the File API to upload your files instead of sending inline data."
        )
    except web.HTTPClientError:
        error = errors.of_status(404)
    as_array = ":streamGenerateContent" in request.path and not _is_sse(request)
    body = framing.error_body(error, as_array=as_array)
    return web.Response(status=error.code, body=body, headers={"Content-Type": framing.JSON})


def _check_key(request: web.Request) -> None:
    key = request.headers.get("x-goog-api-key") or request.query.get("key")
    if not key:
        raise errors.key_missing()
    if key == BAD_KEY:
        raise errors.key_invalid()


def _is_sse(request: web.Request) -> bool:
    return request.query.get("alt") == "sse"


def _embedding(asked: EmbedRequest) -> dict[str, list[float]]:
    return {"values": embed(asked.content.text, asked.output_dimensionality or DIMENSIONS)}


def _response_id(number: int) -> str:
    digest = hashlib.blake2b(str(number).encode(), digest_size=17).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _json(value: object) -> web.Response:
    return web.Response(body=framing.encode(value), headers={"Content-Type": framing.JSON})
