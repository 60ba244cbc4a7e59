"""Versions: what they say, drafts, and what they would be rendered to."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from prompts_app import services
from prompts_app.content import from_json, problems
from prompts_app.exceptions import VersionNotFound
from prompts_app.registry import registry
from prompts_app.schemas import (
    DraftBody,
    DraftReply,
    RenderBody,
    RenderReply,
    RenderVersionBody,
    VersionReply,
    parse,
    version_reply,
)
from prompts_app.snapshot_loading import load_prompt
from prompts_app.views.registry_view import RegistryView, change, changer, may_write


class VersionView(RegistryView):
    """`GET /prompts/<name>/versions/<version>`; `DELETE`, for drafts."""

    changes = True

    @extend_schema(
        summary="Tells what a version says; a draft only to keys that may write", responses=VersionReply
    )
    def get(self, request: Request, name: str, version: str) -> Response:
        entry = registry.prompt(name).versions.get(version)
        if entry is None or (entry.status == "draft" and not may_write(request)):
            raise VersionNotFound(f"{name} has no published version {version[:40]}")
        return Response(version_reply(name, entry, registry.content(entry)))

    @extend_schema(summary="Deletes a draft", responses={204: None})
    def delete(self, request: Request, name: str, version: str) -> Response:
        services.delete_draft(prompt=name, version=version, **changer(request))
        return Response(status=HTTPStatus.NO_CONTENT)


class DraftsView(RegistryView):
    """`POST /prompts/<name>/versions`."""

    changes = True

    @extend_schema(
        summary="Saves a draft, a new one or over the one of that version",
        request=DraftBody,
        responses={201: DraftReply},
    )
    def post(self, request: Request, name: str) -> Response:
        body, by = change(DraftBody, request)
        content = from_json(body)
        services.save_draft(prompt=name, version=body["version"], content=content, **by)
        entry = load_prompt(name).versions[body["version"]]
        reply = version_reply(name, entry, content) | {"problems": problems(content)}
        return Response(reply, status=HTTPStatus.CREATED)


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
