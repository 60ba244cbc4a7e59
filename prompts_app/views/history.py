"""Every change to prompts, over REST, the newest first."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from prompts_app.changes import find_prompt
from prompts_app.history import DRAFT_VERBS, MAX_ROWS, csv_lines
from prompts_app.models import PromptChange, PromptVersion
from prompts_app.schemas import parse_query
from prompts_app.views.registry_view import RegistryView, WholeRegistryView, may_write


class ChangeReply(serializers.Serializer[PromptChange]):
    id = serializers.IntegerField()
    prompt = serializers.CharField(source="prompt.name")
    version = serializers.CharField()
    verb = serializers.CharField()
    actor = serializers.CharField()
    door = serializers.ChoiceField(PromptChange.Door.values)
    at = serializers.DateTimeField()
    why = serializers.CharField()
    before = serializers.DictField()
    after = serializers.DictField()
    revision = serializers.IntegerField()


class ChangesReply(serializers.Serializer[Any]):
    changes = ChangeReply(many=True)
    next_before = serializers.IntegerField(
        allow_null=True, help_text="`before` of the next page; null on the last one."
    )


class ChangesQuery(serializers.Serializer[Any]):
    version = serializers.CharField(required=False)
    verb = serializers.CharField(required=False)
    actor = serializers.CharField(required=False)
    door = serializers.ChoiceField(PromptChange.Door.values, required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    before = serializers.IntegerField(required=False, help_text="Only changes with a lower id.")
    limit = serializers.IntegerField(default=50, min_value=1, max_value=500)


LOOKUPS = {"since": "at__gte", "until": "at__lt", "before": "id__lt"}


class ChangesView(RegistryView):
    """`GET /prompts/<name>/changes`."""

    @extend_schema(
        summary="Tells who changed a prompt, what, when and why; drafts only to keys that may write",
        parameters=[ChangesQuery],
        responses=ChangesReply,
    )
    def get(self, request: Request, name: str) -> Response:
        return _page(find_prompt(name).changes.all(), request)


class AllChangesView(WholeRegistryView):
    """`GET /prompts/-/changes`."""

    @extend_schema(
        summary="Tells who changed any prompt, what, when and why; drafts only to keys that may write",
        parameters=[ChangesQuery],
        responses=ChangesReply,
    )
    def get(self, request: Request) -> Response:
        return _page(PromptChange.objects.all(), request)


class ChangesFileView(WholeRegistryView):
    """`GET /prompts/-/changes.csv`."""

    @extend_schema(
        summary=f"The history as CSV, at most {MAX_ROWS} changes",
        parameters=[ChangesQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        changes, _ = _filtered(PromptChange.objects.select_related("prompt"), request)
        return HttpResponse("".join(csv_lines(changes[:MAX_ROWS])), content_type="text/csv")


def _page(changes: QuerySet[PromptChange], request: Request) -> Response:
    found, limit = _filtered(changes.select_related("prompt"), request)
    rows = list(found[: limit + 1])
    more = rows[limit - 1].pk if len(rows) > limit else None
    return Response(ChangesReply({"changes": rows[:limit], "next_before": more}).data)


def _filtered(changes: QuerySet[PromptChange], request: Request) -> tuple[QuerySet[PromptChange], int]:
    query = parse_query(ChangesQuery, request)
    limit: int = query.pop("limit")
    wanted = {LOOKUPS.get(name, name): value for name, value in query.items()}
    return _told(changes, request).filter(**wanted), limit


def _told(changes: QuerySet[PromptChange], request: Request) -> QuerySet[PromptChange]:
    """Without what was written into drafts, unless the key may write or the version was published since."""
    if may_write(request):
        return changes
    versions = PromptVersion.objects.filter(prompt=OuterRef("prompt"), label=OuterRef("version"))
    published = Exists(versions.exclude(status=PromptVersion.Status.DRAFT))
    return changes.exclude(~published, verb__in=DRAFT_VERBS)
