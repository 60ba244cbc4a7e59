"""Inputs worth keeping, over REST."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from prompts_app.changes import find_prompt
from prompts_app.examples import delete_example, save_example
from prompts_app.models import Example
from prompts_app.schemas import ChangeBody
from prompts_app.views.registry_view import RegistryView, change, changer


class ExampleReply(serializers.Serializer[Example]):
    name = serializers.CharField()
    variables = serializers.DictField()
    author = serializers.CharField()
    updated_at = serializers.DateTimeField()


class ExamplesReply(serializers.Serializer[Any]):
    examples = ExampleReply(many=True)


class ExampleBody(ChangeBody):
    name = serializers.CharField()
    variables = serializers.DictField(default=dict)


class ExamplesView(RegistryView):
    """`GET` and `POST /prompts/<name>/examples`."""

    changes = True

    @extend_schema(summary="Lists a prompt's examples", responses=ExamplesReply)
    def get(self, request: Request, name: str) -> Response:
        return Response(ExamplesReply({"examples": find_prompt(name).examples.all()}).data)

    @extend_schema(
        summary="Keeps an input as an example, in place of the one of that name",
        request=ExampleBody,
        responses={201: ExampleReply},
    )
    def post(self, request: Request, name: str) -> Response:
        body, by = change(ExampleBody, request)
        example = save_example(prompt=name, name=body["name"], variables=body["variables"], **by)
        return Response(ExampleReply(example).data, status=HTTPStatus.CREATED)


class ExampleView(RegistryView):
    """`DELETE /prompts/<name>/examples/<example>`."""

    changes = True

    @extend_schema(summary="Deletes an example", responses={204: None})
    def delete(self, request: Request, name: str, example: str) -> Response:
        delete_example(prompt=name, name=example, **changer(request))
        return Response(status=HTTPStatus.NO_CONTENT)
