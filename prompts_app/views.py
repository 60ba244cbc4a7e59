"""The registry over REST. Reads come from the snapshot, as calls do."""

from typing import Any

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from prompts_app.exceptions import VersionNotFound
from prompts_app.registry import registry
from prompts_app.schemas import (
    PromptReply,
    PromptsReply,
    RenderBody,
    RenderReply,
    RenderVersionBody,
    VersionReply,
    parse,
    version_reply,
)


class RegistryView(APIView):
    """Runs in a thread that Django does not look after: it leaves no connection behind."""

    required_scope = "prompts:read"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            close_old_connections()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        registry.catch_up()


class PromptsView(RegistryView):
    """`GET /prompts`."""

    @extend_schema(summary="Lists the prompts", responses=PromptsReply)
    def get(self, request: Request) -> Response:
        return Response(PromptsReply({"prompts": registry.prompts()}).data)


class PromptView(RegistryView):
    """`GET /prompts/<name>`."""

    @extend_schema(summary="Tells which versions a prompt has and which answer", responses=PromptReply)
    def get(self, request: Request, name: str) -> Response:
        return Response(PromptReply(registry.prompt(name)).data)


class VersionView(RegistryView):
    """`GET /prompts/<name>/versions/<version>`."""

    @extend_schema(summary="Tells what a version says", responses=VersionReply)
    def get(self, request: Request, name: str, version: str) -> Response:
        entry = registry.prompt(name).versions.get(version)
        if entry is None or entry.status == "draft":
            raise VersionNotFound(f"{name} has no published version {version[:40]}")
        return Response(version_reply(name, entry, registry.content(entry)))


class RenderView(RegistryView):
    """`POST /prompts/<name>/render`."""

    @extend_schema(summary="Renders a prompt without sending it", request=RenderBody, responses=RenderReply)
    def post(self, request: Request, name: str) -> Response:
        body = parse(RenderBody, request)
        return _render(request, name, body.get("version"), body["variables"], user=body.get("user", ""))


class RenderVersionView(RegistryView):
    """`POST /prompts/<name>/versions/<version>/render`."""

    @extend_schema(
        summary="Renders a version without sending it", request=RenderVersionBody, responses=RenderReply
    )
    def post(self, request: Request, name: str, version: str) -> Response:
        return _render(request, name, version, parse(RenderVersionBody, request)["variables"])


def _render(
    request: Request, name: str, version: str | None, variables: dict[str, Any], *, user: str = ""
) -> Response:
    unit = request.headers.get("X-Session-ID") or user or request.headers.get("X-Request-ID", "")
    if version:
        registry.content(registry.prompt(name).version(version))  # in memory from here on
    resolved = registry.resolve(name, variables=variables, unit=unit, version=version)
    return Response(RenderReply(resolved).data, headers={"X-Prompt-Version": resolved.version})
