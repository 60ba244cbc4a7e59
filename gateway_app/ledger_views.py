"""The ledger over REST: sums, single calls, and feedback. These views wait for Postgres, in threads."""

from typing import Any

import redis
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway_app import conf, ledger_rows, usage_report
from gateway_app.api import Asked, StructParser, StructRenderer
from gateway_app.exceptions import CallNotFound, Unavailable
from gateway_app.explanation import explain
from gateway_app.feedback import give_feedback, value_of
from gateway_app.ledger_schemas import CallReply, FeedbackBody, FeedbackReply, UsageReport
from gateway_app.ledger_shapes import call_reply
from gateway_app.models import Call, ModelPrice
from gateway_app.openapi import describe
from gateway_app.prices import price_of
from gateway_app.schemas import parse

PARAMETERS = [
    OpenApiParameter("from", str, description="The first day (UTC), 2026-11-01; 30 days up to `to` without."),
    OpenApiParameter("to", str, description="The last day (UTC); today without."),
    OpenApiParameter(
        "group",
        str,
        description="One or more of day, month, model, key, prompt, prompt_version, surface, with commas.",
    ),
    *(
        OpenApiParameter(name, str, description=f"Only this {name}.")
        for name in ("model", "key", "prompt", "version", "surface")
    ),
    OpenApiParameter("format", str, enum=["json", "csv"], description="Or by the header Accept: text/csv."),
]


class CSVRenderer(BaseRenderer):
    media_type = "text/csv"
    format = "csv"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        if not isinstance(data, UsageReport):
            return StructRenderer().render(data)
        return usage_report.as_csv(data).encode()


class LedgerView(APIView):
    """Runs in a thread: nobody waits for a vendor here."""

    parser_classes = [StructParser]
    renderer_classes: list[type[BaseRenderer]] = [StructRenderer]
    body: type[Any]


class UsageView(LedgerView):
    """`GET /usage`."""

    required_scope = "usage:read"
    renderer_classes = [StructRenderer, CSVRenderer]

    @extend_schema(parameters=PARAMETERS)
    @describe("Says what the key's project has used", reply=UsageReport, or_text=("text/csv",))
    def get(self, request: Asked) -> Response:
        parameters = dict(request.query_params.lists())
        asked = usage_report.read(parameters, today=timezone.now().date())
        return Response(usage_report.report(asked, project=request.auth.project_id))


class CallView(LedgerView):
    """`GET /calls/<request_id>`."""

    required_scope = "usage:read"

    @describe("Explains one call of the key's project", reply=CallReply)
    def get(self, request: Asked, request_id: str) -> Response:
        mine = Call.named(request_id, project=request.auth.project_id)
        row = mine.order_by("-created_at").first()
        if row is None:
            raise CallNotFound(f"this project's ledger has no call {request_id} (yet)", param="request_id")
        price = ModelPrice.objects.filter(pk=row.price_id).first() if row.price_id else None
        explanation = explain(ledger_rows.record(row), price_of(price) if price else None)
        return Response(call_reply(row, explanation))


class FeedbackView(LedgerView):
    """`POST /feedback`."""

    required_scope = "feedback"
    body = FeedbackBody

    @describe("Keeps a word on a call", body=FeedbackBody, reply=FeedbackReply)
    def post(self, request: Asked) -> Response:
        given = request.data if isinstance(request.data, FeedbackBody) else parse(b"", FeedbackBody)
        url = conf.gateway().redis_url
        try:
            with redis.Redis.from_url(url, retry=None, socket_timeout=1, socket_connect_timeout=1) as stream:
                row = give_feedback(
                    request.auth,
                    stream,
                    request_id=given.request_id,
                    name=given.name,
                    value=given.value,
                    comment=given.comment,
                )
        except redis.RedisError as exc:
            raise Unavailable("whether there is such a call cannot be told now") from exc
        return Response(
            FeedbackReply(request_id=row.request_id, name=row.name, value=value_of(row), comment=row.comment)
        )
