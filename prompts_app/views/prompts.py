"""Prompts: which there are, which of their versions answer, and how traffic is split."""

from http import HTTPStatus

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from prompts_app import services
from prompts_app.registry import registry
from prompts_app.schemas import DescriptionBody, PromptBody, PromptReply, PromptsReply, SplitBody
from prompts_app.views.registry_view import (
    RegistryView,
    allowed_prompts,
    change,
    check_prompt,
    prompt_reply,
)


class PromptsView(RegistryView):
    """`GET /prompts`, `POST /prompts`."""

    changes = True

    @extend_schema(operation_id="prompts_list", summary="Lists the prompts", responses=PromptsReply)
    def get(self, request: Request) -> Response:
        allowed = allowed_prompts(request)
        prompts = [prompt for prompt in registry.prompts() if not allowed or prompt.name in allowed]
        return Response(PromptsReply({"prompts": prompts}).data)

    @extend_schema(summary="Creates a prompt", request=PromptBody, responses={201: PromptReply})
    def post(self, request: Request) -> Response:
        body, by = change(PromptBody, request)
        check_prompt(request, body["name"])
        services.create_prompt(**body, **by)
        return prompt_reply(body["name"], status=HTTPStatus.CREATED)


class PromptView(RegistryView):
    """`GET /prompts/<name>`, `PATCH /prompts/<name>`."""

    changes = True

    @extend_schema(summary="Tells which versions a prompt has and which answer", responses=PromptReply)
    def get(self, request: Request, name: str) -> Response:
        return Response(PromptReply(registry.prompt(name)).data)

    @extend_schema(summary="Describes a prompt anew", request=DescriptionBody, responses=PromptReply)
    def patch(self, request: Request, name: str) -> Response:
        body, by = change(DescriptionBody, request)
        services.describe_prompt(prompt=name, **body, **by)
        return prompt_reply(name)


class SplitView(RegistryView):
    """`POST /prompts/<name>/split`."""

    changes = True

    @extend_schema(summary="Splits traffic among versions", request=SplitBody, responses=PromptReply)
    def post(self, request: Request, name: str) -> Response:
        body, by = change(SplitBody, request)
        split, active = body["traffic_split"], body["active_version"]
        services.set_split(prompt=name, split=split, active_version=active, **by)
        return prompt_reply(name)
