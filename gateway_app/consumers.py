"""Streams and sockets: parse, ask the service, pass its events on."""

from contextlib import aclosing
from typing import Any

from gateway_app import asking
from gateway_app.errors import failure
from gateway_app.events import Delta, End, Event, Start
from gateway_app.exceptions import GatewayError
from gateway_app.headers import (
    STREAM_HEADERS,
    authorization,
    header,
    reply_headers,
    require_json,
    require_post,
)
from gateway_app.http_consumer import WatchfulConsumer
from gateway_app.requests import Caller, ChatRequest
from gateway_app.schemas import TextBody, VariablesBody, parse
from gateway_app.sse import SSE, PlainText, StreamFormat
from prompts_app.exceptions import PromptError


class ChatStream(WatchfulConsumer):
    """`POST /chat/stream`."""

    async def respond(self, body: bytes) -> None:
        require_post(self.scope["method"])
        caller = self.gateway.authenticate(authorization(self.scope), self.scope)
        caller.require("chat")
        require_json(self.scope)
        request = self.ask(body, caller)
        form: StreamFormat = SSE() if b"text/event-stream" in header(self.scope, b"accept") else PlainText()
        async with aclosing(self.gateway.service.stream(request)) as events:
            start = await anext(events)
            assert isinstance(start, Start)
            await self._open(form, start)
            await self._pass_on(form, start, events)

    def ask(self, body: bytes, caller: Caller) -> ChatRequest:
        return asking.ask_text(self.scope, parse(body, TextBody), caller, stream=True)

    async def _open(self, form: StreamFormat, start: Start) -> None:
        headers = {
            "Content-Type": form.content_type,
            **STREAM_HEADERS,
            **reply_headers(start, total=start.waited, upstream=start.upstream),
        }
        await self.send_start(200, headers)
        await self.send_piece(form.start(start), more_soon=True)

    async def _pass_on(self, form: StreamFormat, start: Start, events: Any) -> None:
        kept = start.cache == "HIT"
        try:
            async for event in events:
                await self.send_piece(_piece(form, start, event), more_soon=kept or isinstance(event, End))
        except (GatewayError, PromptError) as exc:
            error = form.error(failure(exc).reply(start.request_id))
            await self.send_piece(error, more_soon=form.says_its_end)
            if not form.says_its_end:
                return  # without an end: the server cuts the connection, and nobody takes it for whole
        await self.send_end()


def _piece(form: StreamFormat, start: Start, event: Event) -> bytes:
    if isinstance(event, Delta):
        return form.delta(event.text) if event.text else b""
    assert not isinstance(event, Start)
    return form.end(start, event)


class SummarizeStream(ChatStream):
    """`POST /summarize/stream`."""

    def ask(self, body: bytes, caller: Caller) -> ChatRequest:
        return asking.ask_summary(self.scope, parse(body, TextBody), caller, stream=True)


class PromptStream(ChatStream):
    """`POST /prompts/<name>/stream`."""

    def ask(self, body: bytes, caller: Caller) -> ChatRequest:
        name = self.scope["url_route"]["kwargs"]["name"]
        return asking.ask_prompt(self.scope, parse(body, VariablesBody), caller, stream=True, name=name)
