"""The registry's REST bodies and replies; the API document is made from them."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from prompts_app.content import FIELDS, VersionContent
from prompts_app.registry import ResolvedPrompt
from prompts_app.snapshot import PromptEntry, VersionEntry


class VersionSummary(serializers.Serializer[VersionEntry]):
    version = serializers.CharField(source="label")
    status = serializers.ChoiceField(["draft", "published", "archived"])


class PromptReply(serializers.Serializer[PromptEntry]):
    name = serializers.CharField()
    description = serializers.CharField()
    active_version = serializers.CharField(source="active", allow_null=True)
    traffic_split = serializers.DictField(child=serializers.IntegerField(), source="split")
    pinned_version = serializers.CharField(source="pinned", allow_null=True)
    phase = serializers.IntegerField()
    revision = serializers.IntegerField()
    updated_at = serializers.DateTimeField()
    versions = VersionSummary(many=True, source="newest_first")


class PromptsReply(serializers.Serializer[Any]):
    prompts = PromptReply(many=True)


class MessageReply(serializers.Serializer[Any]):
    role = serializers.ChoiceField(["system", "user", "assistant"])
    content = serializers.CharField()


class VersionReply(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.CharField()
    status = serializers.ChoiceField(["draft", "published", "archived"])
    system = serializers.CharField()
    user = serializers.CharField()
    messages = MessageReply(many=True)
    model = serializers.CharField()
    parameters = serializers.DictField()
    variables = serializers.DictField(help_text="JSON Schema")
    response_schema = serializers.DictField(allow_null=True, help_text="JSON Schema")
    notes = serializers.CharField()


class RenderBody(serializers.Serializer[Any]):
    variables = serializers.DictField(default=dict)
    version = serializers.CharField(required=False, help_text="Without it, what the split gives to the unit.")
    user = serializers.CharField(
        required=False, help_text="The unit of the split, where there is no X-Session-ID."
    )


class RenderVersionBody(serializers.Serializer[Any]):
    variables = serializers.DictField(default=dict)


class RenderReply(serializers.Serializer[ResolvedPrompt]):
    prompt_name = serializers.CharField()
    version = serializers.CharField()
    phase = serializers.IntegerField()
    arm_reason = serializers.CharField()
    messages = MessageReply(many=True)
    model = serializers.CharField(allow_null=True)
    parameters = serializers.DictField()
    response_schema = serializers.DictField(allow_null=True)


def parse(body: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The request's values, checked. Raises `ParseError` that names every wrong field in one line."""
    given = body(data=request.data)
    if not given.is_valid():
        raise ParseError("; ".join(f"{field}: {_flat(errors)}" for field, errors in given.errors.items()))
    return dict(given.validated_data)


def version_reply(name: str, entry: VersionEntry, content: VersionContent) -> dict[str, Any]:
    values = content.as_json()
    reply = {"name": name, "version": entry.label, "status": entry.status}
    return reply | {field: values[field] for field in FIELDS}


def _flat(errors: Any) -> str:
    if isinstance(errors, dict):
        return ", ".join(f"{key} {_flat(value)}" for key, value in errors.items())
    return " ".join(str(error) for error in errors)
