"""Prompt files over REST: all of them as a zip, and a zip or a single file brought in."""

from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from prompts_app.archives import pack, unpack
from prompts_app.changes import By, find_prompt
from prompts_app.exceptions import ChangeRefused
from prompts_app.schemas import parse_query
from prompts_app.sync import differences, published_files, sync
from prompts_app.views.registry_view import RegistryView, WholeRegistryView, changer
from prompts_app.yaml_files import FileInvalid, PromptFile

ZIP = "application/zip"


class FileParser(BaseParser):
    """The body as it comes: `unpack` tells a zip from YAML."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read()


class SyncQuery(serializers.Serializer[Any]):
    check = serializers.BooleanField(default=False, help_text="Change nothing; 409 names every difference.")
    force = serializers.BooleanField(default=False, help_text="Overwrite drafts and descriptions.")
    activate = serializers.BooleanField(
        default=False, help_text="Make each prompt's highest version live, not only of new prompts."
    )
    why = serializers.CharField(default="files over REST", max_length=1000)


class SyncReply(serializers.Serializer[Any]):
    done = serializers.ListField(child=serializers.CharField(), help_text="One line for each thing done.")


class FilesView(RegistryView):
    """`GET /prompts/<name>/files`."""

    @extend_schema(
        summary="A prompt's published versions as YAML files in a zip",
        responses={(200, ZIP): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        return HttpResponse(pack(published_files([find_prompt(name).name])), content_type=ZIP)


class AllFilesView(WholeRegistryView):
    """`GET` and `POST /prompts/-/files`."""

    changes = True
    parser_classes = (FileParser,)

    @extend_schema(
        summary="All published versions as YAML files in a zip",
        responses={(200, ZIP): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(pack(published_files()), content_type=ZIP)

    @extend_schema(
        summary="Publishes the versions in a zip of <name>/<version>.yaml, or in one file, all or none",
        parameters=[SyncQuery],
        request={ZIP: OpenApiTypes.BINARY, "application/yaml": OpenApiTypes.STR},
        responses=SyncReply,
    )
    def post(self, request: Request) -> Response:
        query = parse_query(SyncQuery, request)
        files = _unpacked(cast(bytes, request.data or b""))  # DRF's stand-in for no body is a dict
        if query.pop("check"):
            if drift := differences(files):
                raise ChangeRefused("\n".join(map(str, drift)))
            return Response({"done": []})
        by: By = {**changer(request), "why": query.pop("why")}
        return Response({"done": sync(files, by=by, **query)})


def _unpacked(data: bytes) -> list[PromptFile]:
    try:
        return unpack(data, name="body")
    except FileInvalid as exc:
        raise ParseError(str(exc)) from exc
