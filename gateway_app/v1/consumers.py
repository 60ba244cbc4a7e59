"""OpenAI's addresses: parse, ask the service, write the answer."""

from contextlib import aclosing

from rest_framework.exceptions import MethodNotAllowed

from gateway_app.events import Delta, End, Event, Start
from gateway_app.headers import STREAM_HEADERS, authorization, reply_headers, require_json, require_post
from gateway_app.http_consumer import WatchfulConsumer
from gateway_app.requests import Caller, ChatRequest
from gateway_app.schemas import encode
from gateway_app.v1.asking import ask
from gateway_app.v1.errors import WireFailure, wire_failure
from gateway_app.v1.form import ReplyForm, reply_form
from gateway_app.v1.image_urls import fetched
from gateway_app.v1.model_list import model_entry, model_list
from gateway_app.v1.reading import read
from gateway_app.v1.stream import CONTENT_TYPE, ChunkStream
from gateway_app.v1.whole import chat_completion


class WireConsumer(WatchfulConsumer):
    """What all addresses have in common."""

    def failure(self, exc: Exception) -> WireFailure:
        return wire_failure(exc)

    def caller(self) -> Caller:
        """Raises `Unauthenticated`, `Forbidden` or `Unavailable`."""
        caller = self.gateway.authenticate(authorization(self.scope), self.scope)
        caller.require("chat")
        return caller

    async def send_json(self, value: object, headers: dict[str, str] | None = None) -> None:
        body = encode(value)
        length = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        await self.send_start(200, length | (headers or {}))
        await self.send_body(body)


class ChatCompletions(WireConsumer):
    """`POST /v1/chat/completions`."""

    async def respond(self, body: bytes) -> None:
        require_post(self.scope["method"])
        caller = self.caller()
        require_json(self.scope)
        asked = read(body)
        images = await fetched(asked, self.gateway.images)
        request = ask(self.scope, asked, caller, images)
        form = reply_form(asked, version=self.gateway.settings.version)
        await (self._stream if request.stream else self._whole)(request, form)

    async def _whole(self, request: ChatRequest, form: ReplyForm) -> None:
        answer = await self.gateway.service.complete(request)
        headers = reply_headers(answer.start, total=answer.end.latency, upstream=answer.end.upstream)
        await self.send_json(chat_completion(form, answer), headers)

    async def _stream(self, request: ChatRequest, form: ReplyForm) -> None:
        stream = ChunkStream(form)
        async with aclosing(self.gateway.service.stream(request)) as events:
            start = await anext(events)
            assert isinstance(start, Start)
            await self._open(start)
            await self.send_piece(stream.start(), more_soon=True)
            kept = start.cache == "HIT"
            try:
                async for event in events:
                    piece = _piece(stream, start, event)
                    await self.send_piece(piece, more_soon=kept or isinstance(event, End))
            except Exception as exc:  # noqa: BLE001 - the table decides what the client is told
                error = self.failure(exc).reply(start.request_id)
                await self.send_piece(stream.error(error), more_soon=True)
        await self.send_end()

    async def _open(self, start: Start) -> None:
        timing = reply_headers(start, total=start.waited, upstream=start.upstream)
        await self.send_start(200, {"Content-Type": CONTENT_TYPE, **STREAM_HEADERS, **timing})


def _piece(stream: ChunkStream, start: Start, event: Event) -> bytes:
    if isinstance(event, Delta):
        return stream.delta(event)
    assert isinstance(event, End)
    return stream.end(start, event)


class Models(WireConsumer):
    """`GET /v1/models` and `GET /v1/models/<id>`."""

    async def respond(self, body: bytes) -> None:
        if self.scope["method"] != "GET":
            raise MethodNotAllowed(self.scope["method"])
        caller = self.caller()
        service = self.gateway.service
        asked = self.scope["url_route"]["kwargs"].get("model")
        if asked is None:
            await self.send_json(model_list(service.catalogue, self.gateway.registry, caller))
        else:
            await self.send_json(model_entry(asked, service.catalogue, self.gateway.registry, caller))
