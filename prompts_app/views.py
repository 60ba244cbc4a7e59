"""The registry over REST: reads from the snapshot, as calls do; changes through the verbs."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import get_conditional_response, set_response_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from prompts_app import services
from prompts_app.changes import By
from prompts_app.content import from_json, problems
from prompts_app.exceptions import VersionNotFound
from prompts_app.registry import registry
from prompts_app.schemas import (
    ChangeBody,
    DraftBody,
    DraftReply,
    PromptBody,
    PromptReply,
    PromptsReply,
    RenderBody,
    RenderReply,
    RenderVersionBody,
    SplitBody,
    VersionReply,
    parse,
    version_reply,
)
from prompts_app.snapshot_loading import load_prompt


class RegistryView(APIView):
    """Reads need the scope `prompts:read`, changes `prompts:write`."""

    changes = False

    @property
    def required_scope(self) -> str:
        return "prompts:write" if self.changes and self.request.method == "POST" else "prompts:read"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """With an `ETag` on what is read, and 304 for who has it already."""
        response = super().dispatch(request, *args, **kwargs)
        if request.method != "GET" or response.status_code != HTTPStatus.OK:
            return response
        assert isinstance(response, Response)
        set_response_etag(response.render())
        return get_conditional_response(request, etag=response["ETag"], response=response) or response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        registry.catch_up()


class PromptsView(RegistryView):
    """`GET /prompts`, `POST /prompts`."""

    changes = True

    @extend_schema(operation_id="prompts_list", summary="Lists the prompts", responses=PromptsReply)
    def get(self, request: Request) -> Response:
        return Response(PromptsReply({"prompts": registry.prompts()}).data)

    @extend_schema(summary="Creates a prompt", request=PromptBody, responses={201: PromptReply})
    def post(self, request: Request) -> Response:
        body, by = _change(PromptBody, request)
        services.create_prompt(**body, **by)
        return _prompt_reply(body["name"], status=HTTPStatus.CREATED)


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


class DraftsView(RegistryView):
    """`POST /prompts/<name>/versions`."""

    changes = True

    @extend_schema(
        summary="Saves a draft, a new one or over the one of that version",
        request=DraftBody,
        responses={201: DraftReply},
    )
    def post(self, request: Request, name: str) -> Response:
        body, by = _change(DraftBody, request)
        content = from_json(body)
        services.save_draft(prompt=name, version=body["version"], content=content, **by)
        entry = load_prompt(name).versions[body["version"]]
        reply = version_reply(name, entry, content) | {"problems": problems(content)}
        return Response(reply, status=HTTPStatus.CREATED)


class VerbView(RegistryView):
    """A change that answers with the prompt as it is then."""

    changes = True

    def verb(self, services_verb: Callable[..., object], request: Request, **subject: Any) -> Response:
        _, by = _change(ChangeBody, request)
        services_verb(**subject, **by)
        return _prompt_reply(subject["prompt"])


class PublishView(VerbView):
    """`POST /prompts/<name>/versions/<version>/publish`."""

    @extend_schema(summary="Publishes a draft, for ever", request=ChangeBody, responses=PromptReply)
    def post(self, request: Request, name: str, version: str) -> Response:
        return self.verb(services.publish_version, request, prompt=name, version=version)


class ActivateView(VerbView):
    """`POST /prompts/<name>/versions/<version>/activate`."""

    @extend_schema(
        summary="Makes a version live for everybody, ending a split",
        request=ChangeBody,
        responses=PromptReply,
    )
    def post(self, request: Request, name: str, version: str) -> Response:
        return self.verb(services.activate_version, request, prompt=name, version=version)


class RollBackView(VerbView):
    """`POST /prompts/<name>/roll-back`."""

    @extend_schema(
        summary="Returns to what was live before the last change", request=ChangeBody, responses=PromptReply
    )
    def post(self, request: Request, name: str) -> Response:
        return self.verb(services.roll_back, request, prompt=name)


class SplitView(VerbView):
    """`POST /prompts/<name>/split`."""

    @extend_schema(summary="Splits traffic among versions", request=SplitBody, responses=PromptReply)
    def post(self, request: Request, name: str) -> Response:
        body, by = _change(SplitBody, request)
        split, active = body["traffic_split"], body["active_version"]
        services.set_split(prompt=name, split=split, active_version=active, **by)
        return _prompt_reply(name)


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


def _change(body: type[ChangeBody], request: Request) -> tuple[dict[str, Any], By]:
    """The body without, and the part of it that says whose change it is and why."""
    values = parse(body, request)
    by: By = {
        "actor": f"key {getattr(request.auth, 'key_id', None) or 'unknown'}",
        "door": "rest",
        "why": values.pop("why"),
        "expected_revision": values.pop("expected_revision"),
    }
    return values, by


def _prompt_reply(name: str, *, status: int = HTTPStatus.OK) -> Response:
    """As it is in the database: this worker's snapshot follows in a moment."""
    return Response(PromptReply(load_prompt(name)).data, status=status)
