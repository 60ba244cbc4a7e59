"""Webhooks and what was sent to them, over REST."""

from http import HTTPStatus
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from prompts_app.models import Webhook, WebhookDelivery
from prompts_app.schemas import parse
from prompts_app.views.registry_view import WholeRegistryView, actor
from prompts_app.webhooks import delete_webhook, save_webhook, send_again

SHOWN = 100


class WebhookReply(serializers.Serializer[Webhook]):
    id = serializers.IntegerField()
    url = serializers.CharField()
    description = serializers.CharField()
    active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class NewWebhookReply(WebhookReply):
    secret = serializers.CharField(help_text="The key of the signatures; told here only.")


class WebhooksReply(serializers.Serializer[Any]):
    webhooks = WebhookReply(many=True)


class WebhookBody(serializers.Serializer[Any]):
    url = serializers.CharField()
    description = serializers.CharField(default="", allow_blank=True)
    active = serializers.BooleanField(default=True)


class WebhookChangeBody(serializers.Serializer[Any]):
    url = serializers.CharField(required=False)
    description = serializers.CharField(required=False, allow_blank=True)
    active = serializers.BooleanField(required=False)


class DeliveryReply(serializers.Serializer[WebhookDelivery]):
    id = serializers.IntegerField()
    change = serializers.IntegerField(source="change_id")
    verb = serializers.CharField(source="change.verb")
    state = serializers.ChoiceField(WebhookDelivery.State.values)
    attempts = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="The receiver's last HTTP status.")
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    next_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class DeliveriesReply(serializers.Serializer[Any]):
    deliveries = DeliveryReply(many=True)


class HookView(WholeRegistryView):
    """Reading takes the scope `prompts:write`, too: addresses of webhooks are often secrets themselves."""

    changes = True
    required_scope = "prompts:write"


class WebhooksView(HookView):
    """`GET` and `POST /prompts/-/webhooks`."""

    @extend_schema(summary="Lists the webhooks", responses=WebhooksReply)
    def get(self, request: Request) -> Response:
        return Response(WebhooksReply({"webhooks": Webhook.objects.all()}).data)

    @extend_schema(
        summary="Makes a webhook that is told of every change",
        request=WebhookBody,
        responses={201: NewWebhookReply},
    )
    def post(self, request: Request) -> Response:
        hook = save_webhook(Webhook(**parse(WebhookBody, request)), actor=actor(request), door="rest")
        return Response(NewWebhookReply(hook).data, status=HTTPStatus.CREATED)


class WebhookView(HookView):
    """`PATCH` and `DELETE /prompts/-/webhooks/<id>`."""

    @extend_schema(summary="Changes a webhook", request=WebhookChangeBody, responses=WebhookReply)
    def patch(self, request: Request, hook: int) -> Response:
        row = get_object_or_404(Webhook, pk=hook)
        for name, value in parse(WebhookChangeBody, request).items():
            setattr(row, name, value)
        save_webhook(row, actor=actor(request), door="rest")
        return Response(WebhookReply(row).data)

    @extend_schema(summary="Deletes a webhook and its deliveries", responses={204: None})
    def delete(self, request: Request, hook: int) -> Response:
        delete_webhook(get_object_or_404(Webhook, pk=hook), actor=actor(request), door="rest")
        return Response(status=HTTPStatus.NO_CONTENT)


class DeliveriesView(HookView):
    """`GET /prompts/-/webhooks/<id>/deliveries`."""

    @extend_schema(summary=f"The last {SHOWN} deliveries of a webhook", responses=DeliveriesReply)
    def get(self, request: Request, hook: int) -> Response:
        newest = get_object_or_404(Webhook, pk=hook).deliveries.select_related("change")[:SHOWN]
        return Response(DeliveriesReply({"deliveries": newest}).data)


class NoBody(serializers.Serializer[Any]):
    """Nothing at all, or `{}`."""


class SendAgainView(HookView):
    """`POST /prompts/-/webhooks/<id>/deliveries/<id>/send-again`."""

    @extend_schema(summary="Sends a delivery again", request=None, responses=DeliveryReply)
    def post(self, request: Request, hook: int, delivery: int) -> Response:
        parse(NoBody, request)
        row = get_object_or_404(WebhookDelivery.objects.select_related("change"), pk=delivery, webhook=hook)
        send_again(WebhookDelivery.objects.filter(pk=row.pk))
        row.refresh_from_db()
        return Response(DeliveryReply(row).data)
