"""Changes planned for later, over REST."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from prompts_app.changes import find_prompt
from prompts_app.models import ScheduledChange
from prompts_app.scheduling import cancel_change, schedule_change
from prompts_app.schemas import ChangeBody
from prompts_app.views.registry_view import RegistryView, change, changer

SHOWN = 100


class ScheduledReply(serializers.Serializer[ScheduledChange]):
    id = serializers.IntegerField()
    action = serializers.ChoiceField(ScheduledChange.Action.values)
    version = serializers.CharField()
    traffic_split = serializers.DictField(source="split", child=serializers.IntegerField())
    at = serializers.DateTimeField()
    author = serializers.CharField()
    why = serializers.CharField()
    state = serializers.ChoiceField(ScheduledChange.State.values)
    outcome = serializers.CharField(help_text="Why it was refused.")


class ScheduleReply(serializers.Serializer[Any]):
    scheduled = ScheduledReply(many=True)


class ScheduleBody(ChangeBody):
    action = serializers.ChoiceField(ScheduledChange.Action.values)
    version = serializers.CharField(default="", allow_blank=True, help_text="To publish, or to make live.")
    traffic_split = serializers.DictField(default=dict, help_text="To split: version to whole percent.")
    at = serializers.DateTimeField(help_text="In the future, within a year; with its offset from UTC.")


class ScheduleView(RegistryView):
    """`GET` and `POST /prompts/<name>/schedule`."""

    changes = True

    @extend_schema(
        summary=f"Lists what is planned for a prompt and what came of it, the last {SHOWN}",
        responses=ScheduleReply,
    )
    def get(self, request: Request, name: str) -> Response:
        newest = find_prompt(name).scheduled.order_by("-at", "-id")[:SHOWN]
        return Response(ScheduleReply({"scheduled": newest}).data)

    @extend_schema(
        summary="Plans to publish, to make live or to split at a time",
        request=ScheduleBody,
        responses={201: ScheduledReply},
    )
    def post(self, request: Request, name: str) -> Response:
        body, by = change(ScheduleBody, request)
        planned = schedule_change(prompt=name, split=body.pop("traffic_split"), **body, **by)
        return Response(ScheduledReply(planned).data, status=HTTPStatus.CREATED)


class PlannedView(RegistryView):
    """`DELETE /prompts/<name>/schedule/<id>`."""

    changes = True

    @extend_schema(summary="Cancels a planned change", responses={204: None})
    def delete(self, request: Request, name: str, planned: int) -> Response:
        cancel_change(prompt=name, change=planned, **changer(request))
        return Response(status=HTTPStatus.NO_CONTENT)
