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


class DraftReply(VersionReply):
    problems = serializers.ListField(child=serializers.CharField(), help_text="What publishing would refuse.")


class ChangeBody(serializers.Serializer[Any]):
    """What every change may say."""

    why = serializers.CharField(default="", allow_blank=True, max_length=1000)
    expected_revision = serializers.IntegerField(
        default=None,
        allow_null=True,
        help_text="The revision that was read; a newer change makes this a 409.",
    )


class PromptBody(ChangeBody):
    name = serializers.CharField()
    description = serializers.CharField(default="", allow_blank=True)


class DescriptionBody(ChangeBody):
    description = serializers.CharField(allow_blank=True)


class DraftBody(ChangeBody):
    version = serializers.CharField()
    system = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    user = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    messages = serializers.ListField(child=serializers.DictField(), default=list)
    model = serializers.CharField(default="", allow_blank=True)
    parameters = serializers.DictField(default=dict)
    variables = serializers.DictField(default=dict, help_text="JSON Schema")
    response_schema = serializers.DictField(default=None, allow_null=True, help_text="JSON Schema")
    notes = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)


class SplitBody(ChangeBody):
    traffic_split = serializers.DictField(
        help_text="Version to whole percent, 100 in all; empty ends a split."
    )
    active_version = serializers.CharField(default=None, allow_null=True)


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
    """The request's values, checked. Raises `ParseError` that names wrong or unknown fields in one line."""
    if isinstance(request.data, dict) and (unknown := request.data.keys() - body().fields.keys()):
        raise ParseError(f"unknown fields: {', '.join(sorted(unknown))[:500]}")
    return _checked(body(data=request.data))


def parse_query(query: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """As `parse`, of the address's parameters; names all that are unknown, too."""
    if unknown := request.query_params.keys() - query().fields.keys():
        raise ParseError(f"unknown parameters: {', '.join(sorted(unknown))}")
    return _checked(query(data=request.query_params))


def version_reply(name: str, entry: VersionEntry, content: VersionContent) -> dict[str, Any]:
    values = content.as_json()
    reply = {"name": name, "version": entry.label, "status": entry.status}
    return reply | {field: values[field] for field in FIELDS}


def _checked(given: serializers.Serializer[Any]) -> dict[str, Any]:
    if not given.is_valid():
        raise ParseError("; ".join(f"{field}: {_flat(errors)}" for field, errors in given.errors.items()))
    return dict(given.validated_data)


def _flat(errors: Any) -> str:
    if isinstance(errors, dict):
        return ", ".join(f"{key} {_flat(value)}" for key, value in errors.items())
    return " ".join(str(error) for error in errors)
