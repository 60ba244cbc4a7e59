"""Experiments over REST, to read: which there are, and what the last look at one found."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from evals_app.api_shapes import ExperimentReply, ExperimentsReply, summary, whole
from evals_app.models import Experiment
from gateway_app.api import StructRenderer
from gateway_app.openapi import describe
from prompts_app.schemas import parse_query


class ExperimentsQuery(serializers.Serializer[Any]):
    prompt = serializers.CharField(required=False)
    kind = serializers.ChoiceField(Experiment.Kind.values, required=False)
    state = serializers.ChoiceField(Experiment.State.values, required=False)
    before = serializers.IntegerField(required=False, help_text="Only experiments with a lower id.")
    limit = serializers.IntegerField(default=50, min_value=1, max_value=500)


class ExperimentView(APIView):
    """What is common. Figures are over all projects, so a key needs a scope of its own."""

    required_scope = "experiments:read"
    renderer_classes = [StructRenderer]

    def rows(self) -> QuerySet[Experiment]:
        """Of the prompts that the key is for."""
        allowed: frozenset[str] = getattr(self.request.auth, "allowed_prompts", frozenset())
        return Experiment.objects.filter(prompt__in=allowed) if allowed else Experiment.objects.all()


class ExperimentsView(ExperimentView):
    """`GET /experiments`."""

    @extend_schema(parameters=[ExperimentsQuery], operation_id="experiments_list")
    @describe("Lists experiments and rollouts, the newest first", reply=ExperimentsReply)
    def get(self, request: Any) -> Response:
        asked = parse_query(ExperimentsQuery, request)
        limit: int = asked.pop("limit")
        if "before" in asked:
            asked["id__lt"] = asked.pop("before")
        rows = list(self.rows().filter(**asked)[: limit + 1])
        more = rows[limit - 1].pk if len(rows) > limit else None
        return Response(
            ExperimentsReply(experiments=[summary(row) for row in rows[:limit]], next_before=more)
        )


class OneExperimentView(ExperimentView):
    """`GET /experiments/<name>`."""

    @describe("Tells an experiment's plan, its last report and its history", reply=ExperimentReply)
    def get(self, request: Any, name: str) -> Response:
        row = self.rows().filter(name=name).first()
        if row is None:
            raise NotFound(f"there is no experiment {name[:64]}")
        return Response(whole(row))
