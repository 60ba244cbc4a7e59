"""Whole replies over REST: parse, ask the service, shape the answer."""

from typing import Any

from rest_framework.response import Response

from gateway_app import asking, gateway
from gateway_app.api import Asked, GatewayView
from gateway_app.headers import reply_headers
from gateway_app.health import readiness
from gateway_app.openapi import describe
from gateway_app.requests import ChatRequest
from gateway_app.schemas import ChatReply, HealthReply, ReadyReply, TextBody, VariablesBody
from gateway_app.shapes import chat_reply


class ChatView(GatewayView):
    """`POST /chat`."""

    body: type[Any] = TextBody
    required_scope = "chat"

    @describe("Answers a text", body=TextBody, reply=ChatReply)
    async def post(self, request: Asked, **kwargs: str) -> Response:
        answer = await gateway.of(request.scope).service.complete(self.ask(request, **kwargs))
        headers = reply_headers(answer.start, total=answer.end.latency, upstream=answer.end.upstream)
        return Response(chat_reply(answer), headers=headers)

    def ask(self, request: Asked, **kwargs: str) -> ChatRequest:
        return asking.ask_text(request.scope, self.given(request), request.auth, stream=False)


class SummarizeView(ChatView):
    """`POST /summarize`."""

    @describe("Summarizes a text through the prompt `summarizer`", body=TextBody, reply=ChatReply)
    async def post(self, request: Asked, **kwargs: str) -> Response:
        return await super().post(request, **kwargs)

    def ask(self, request: Asked, **kwargs: str) -> ChatRequest:
        return asking.ask_summary(request.scope, self.given(request), request.auth, stream=False)


class PromptChatView(ChatView):
    """`POST /prompts/<name>/chat`."""

    body = VariablesBody

    @describe("Answers through any prompt", body=VariablesBody, reply=ChatReply)
    async def post(self, request: Asked, **kwargs: str) -> Response:
        return await super().post(request, **kwargs)

    def ask(self, request: Asked, **kwargs: str) -> ChatRequest:
        return asking.ask_prompt(
            request.scope, self.given(request), request.auth, stream=False, name=kwargs["name"]
        )


class HealthView(GatewayView):
    """`GET /health`: alive; asks nobody."""

    authentication_classes = []

    @describe("Says that the process is alive", reply=HealthReply)
    async def get(self, request: Asked) -> Response:
        return Response(HealthReply(status="ok", version=gateway.of(request.scope).settings.version))


class ReadyView(GatewayView):
    """`GET /health/ready`."""

    authentication_classes = []

    @describe("Says whether calls can be served, and how each dependency is", reply=ReadyReply)
    async def get(self, request: Asked) -> Response:
        found = await readiness(gateway.of(request.scope))
        return Response(found, status=200 if found.status == "ok" else 503)
