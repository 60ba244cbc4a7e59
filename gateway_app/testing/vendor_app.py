"""The road of a call to a simulated vendor that is not Google: the same answers and faults, another wire."""

import asyncio
import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from aiohttp import web

from gateway_app.testing import disturbance
from gateway_app.testing.answers.answer import Answer
from gateway_app.testing.answers.answering import answer
from gateway_app.testing.counters import Counters
from gateway_app.testing.delivery import deliver
from gateway_app.testing.faults import FaultQueue, Faults, directed, without_directives
from gateway_app.testing.request_log import Received
from gateway_app.testing.wire import framing, tokens
from gateway_app.testing.wire.catalogue import Model
from gateway_app.testing.wire.errors import GoogleError
from gateway_app.testing.wire.requests import GenerateRequest

BAD_KEY = "bad-key"
"""The one API key that is refused; every other one is good."""
_PIECE = re.compile(r"(?:\s*\S+){1,5}\s*")


class Failure(Exception):
    """A call that ends in an error of the vendor's shape."""

    def __init__(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after
        """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, read."""

    model: str
    stream: bool
    include_usage: bool
    request: GenerateRequest
    """As the answers are made from it, whatever wire it came over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What is to be said in the vendor's shape."""

    number: int
    asked: Asked
    answer: Answer
    prompt: tokens.PromptTokens

    @property
    def visible_tokens(self) -> int:
        calls = (framing.encode([call.name, dict(call.args)]).decode() for call in self.answer.calls)
        return tokens.count(self.answer.text) + sum(map(tokens.count, calls))


class VendorApp(ABC):
    """Counts and misbehaves together with the other vendors, whose `counters` and `faults` it shares."""

    path: ClassVar[str]

    def __init__(self, *, counters: Counters, faults: FaultQueue, chunk_delay: float) -> None:
        self._counters = counters
        self._faults = faults
        self._chunk_delay = chunk_delay
        self._prompts = tokens.PromptCache()
        self._numbers = itertools.count(1)

    @abstractmethod
    def key(self, headers: Mapping[str, str]) -> str:
        """The API key; empty where there is none."""

    @abstractmethod
    def read(self, body: bytes) -> Asked:
        """Raises `Failure` 400 for what the vendor refuses, 404 for a model that it does not have."""

    @abstractmethod
    def whole(self, made: Made) -> dict[str, Any]:
        """The body of a whole reply."""

    @abstractmethod
    def events(self, made: Made) -> list[bytes]:
        """The reply's events as they go over the wire."""

    @abstractmethod
    def error(self, failure: Failure) -> tuple[int, dict[str, Any]]:
        """Status and body of an error."""

    @abstractmethod
    def error_event(self, failure: Failure) -> bytes:
        """An error in the midst of a stream."""

    def route(self) -> web.RouteDef:
        return web.post(self.path, self.call)

    async def call(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(method=self.path, model="", path=request.path_qs, headers=headers)
        self._counters.arrived(received, body)
        try:
            if self.key(request.headers) in ("", BAD_KEY):
                raise Failure(401, "The API key is missing or wrong.")
            return await self._answer(request, self.read(body))
        except Failure as failure:
            return self._refusal(failure)

    async def _answer(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        faults = _directed(asked.request) + self._faults.take()
        failure = _failure(faults, stream=asked.stream)
        with self._counters.running(stream=asked.stream and failure is None) as progress:
            await asyncio.sleep(disturbance.seconds_before_headers(faults))
            if failure:
                raise failure
            chunks = disturbance.spoilt(self._chunks(asked, faults), faults)
            if not asked.stream:
                chunks = disturbance.halves(chunks[0])
            interruption = self.error_event(Failure(503, "Overloaded"))
            delay = self._chunk_delay if asked.stream else 0
            steps = disturbance.script(chunks, faults, chunk_delay=delay, error_chunk=interruption)
            length = {} if asked.stream else {"Content-Length": str(sum(map(len, chunks)))}
            usual = framing.content_type(sse=asked.stream)
            headers = {"Content-Type": disturbance.content_type(faults, usual)} | length
            response = web.StreamResponse(headers=headers)
            return await deliver(request, response, steps=steps, progress=progress)

    def _chunks(self, asked: Asked, faults: Faults) -> list[bytes]:
        request = without_directives(asked.request)
        prompt = tokens.of_request(request)
        digests = tokens.prefixes(tokens.prompt_text(request))
        made = Made(
            number=next(self._numbers),
            asked=asked,
            answer=disturbance.disturbed(answer(request, Model(name=asked.model)), faults),
            prompt=replace(prompt, cached=self._prompts.cached_tokens(asked.model, digests)),
        )
        return self.events(made) if asked.stream else [framing.encode(self.whole(made))]

    def _refusal(self, failure: Failure) -> web.Response:
        status, body = self.error(failure)
        waits = {} if failure.retry_after is None else {"Retry-After": f"{failure.retry_after:g}"}
        return web.Response(
            status=status, body=framing.encode(body), headers=waits, content_type="application/json"
        )


def pieces(text: str) -> list[str]:
    """The text as a stream brings it, a few words at a time."""
    return _PIECE.findall(text)


def _directed(request: GenerateRequest) -> Faults:
    try:
        return directed(request.user_text)
    except GoogleError as exc:
        raise Failure(exc.code, exc.message) from exc


def _failure(faults: Faults, *, stream: bool) -> Failure | None:
    asked = disturbance.error_asked(faults, stream=stream)
    wait = next((fault.retry_after for fault in faults if fault.retry_after is not None), None)
    return Failure(asked.code, asked.message, retry_after=wait) if asked else None
