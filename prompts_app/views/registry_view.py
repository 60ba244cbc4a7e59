"""What all of the registry's addresses have in common: scopes, ETags, and whose change it is."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, set_response_etag
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from prompts_app.changes import By
from prompts_app.registry import registry
from prompts_app.schemas import ChangeBody, PromptReply, parse
from prompts_app.snapshot_loading import load_prompt

READS = ("GET", "HEAD", "OPTIONS")


class RegistryView(APIView):
    """Reads need the scope `prompts:read`, changes `prompts:write`."""

    changes = False
    """Whether the methods that are no reads change something."""

    @property
    def required_scope(self) -> str:
        method = self.request.method or ""
        # What is not there is no change: it is answered with 405, whatever the key may do.
        changing = self.changes and method not in READS and hasattr(self, method.lower())
        return "prompts:write" if changing else "prompts:read"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """With an `ETag` on what is read, and 304 for who has it already."""
        response = super().dispatch(request, *args, **kwargs)
        if request.method != "GET" or response.status_code != HTTPStatus.OK:
            return response
        assert isinstance(response, HttpResponse)
        if isinstance(response, Response):
            response.render()
        set_response_etag(response)
        return get_conditional_response(request, etag=response["ETag"], response=response) or response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_prompt(request, kwargs.get("name"))
        registry.catch_up()


class WholeRegistryView(RegistryView):
    """What is about no one prompt is not for keys that may use only some."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if allowed_prompts(request):
            raise PermissionDenied("this key may use certain prompts only")


def allowed_prompts(request: Request) -> frozenset[str]:
    """Those that the key is for; empty: all."""
    return getattr(request.auth, "allowed_prompts", frozenset())


def check_prompt(request: Request, name: str | None) -> None:
    """Raises `PermissionDenied` for a prompt that the key is not for."""
    allowed = allowed_prompts(request)
    if name is not None and allowed and name not in allowed:
        raise PermissionDenied(f"this key may not use the prompt {name[:64]}")


def may_write(request: Request) -> bool:
    """Drafts are told to nobody else."""
    return "prompts:write" in getattr(request.auth, "scopes", ())


def actor(request: Request) -> str:
    """What the history calls the key."""
    return f"key {getattr(request.auth, 'key_id', None) or 'unknown'}"


def changer(request: Request) -> By:
    return {"actor": actor(request), "door": "rest", "may_see": partial(check_prompt, request)}


def change(body: type[ChangeBody], request: Request) -> tuple[dict[str, Any], By]:
    """The body without, and the part of it that says whose change it is and why."""
    values = parse(body, request)
    why, seen = values.pop("why"), values.pop("expected_revision")
    return values, {**changer(request), "why": why, "expected_revision": seen}


def prompt_reply(name: str, *, status: int = HTTPStatus.OK) -> Response:
    """As it is in the database: this worker's snapshot follows in a moment."""
    return Response(PromptReply(load_prompt(name)).data, status=status)


def verb_view(verb: Callable[..., object], summary: str) -> type[RegistryView]:
    """`POST …/<verb>` on a prompt or a version; answers with the prompt as it is then."""

    class VerbView(RegistryView):
        changes = True

        @extend_schema(summary=summary, request=ChangeBody, responses=PromptReply)
        def post(self, request: Request, name: str, **version: str) -> Response:
            _, by = change(ChangeBody, request)
            verb(prompt=name, **version, **by)
            return prompt_reply(name)

    return VerbView
