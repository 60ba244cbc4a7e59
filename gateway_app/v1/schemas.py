"""OpenAI's chat completion request, field by field, and the two fields that are ours."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gateway_app.schemas import END, Version

Identifier = Annotated[str, Meta(min_length=1, max_length=128)]
FunctionName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}" + END)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
SpeakerName = Annotated[str, Meta(max_length=64)]
UserName = Annotated[str, Meta(max_length=256)]


class Strict(Struct, kw_only=True, forbid_unknown_fields=True):
    """A JSON object without room for surprises."""


class TextPart(Strict, kw_only=True, tag_field="type", tag="text"):
    text: str
    prompt_cache_breakpoint: dict[str, Any] | None = None


class ImageUrl(Strict, kw_only=True):
    url: Annotated[str, Meta(description="A data URL, or an https address on a host that is allowed.")]
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Strict, kw_only=True, tag_field="type", tag="image_url"):
    image_url: ImageUrl
    prompt_cache_breakpoint: dict[str, Any] | None = None


class RefusalPart(Strict, kw_only=True, tag_field="type", tag="refusal"):
    refusal: str


class SystemMessage(Strict, kw_only=True, tag_field="role", tag="system"):
    content: str | list[TextPart]
    name: SpeakerName | None = None


class DeveloperMessage(SystemMessage, kw_only=True, tag_field="role", tag="developer"):
    """What newer models call the system's message."""


class UserMessage(Strict, kw_only=True, tag_field="role", tag="user"):
    content: str | list[TextPart | ImagePart]
    name: SpeakerName | None = None


class FunctionCall(Strict, kw_only=True):
    name: FunctionName
    arguments: str


class GoogleContent(Strict, kw_only=True):
    thought_signature: str | None = None


class ExtraContent(Strict, kw_only=True):
    """Where Google's own OpenAI endpoint keeps the proof of thought."""

    google: GoogleContent | None = None


class CalledTool(Strict, kw_only=True):
    id: Identifier
    type: Literal["function"]
    function: FunctionCall
    extra_content: ExtraContent | None = None
    index: int | None = None


class AssistantMessage(Strict, kw_only=True, tag_field="role", tag="assistant"):
    """A reply as it was given; what it did not have may stand there as null or be left out."""

    content: str | list[TextPart | RefusalPart] | None = None
    refusal: str | None = None
    name: SpeakerName | None = None
    tool_calls: Annotated[list[CalledTool], Meta(max_length=128)] | None = None
    annotations: list[Any] | None = None
    audio: None = None
    function_call: None = None


class ToolMessage(Strict, kw_only=True, tag_field="role", tag="tool"):
    content: str | list[TextPart]
    tool_call_id: Identifier
    name: SpeakerName | None = None


AnyMessage = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


class Function(Strict, kw_only=True):
    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Strict, kw_only=True):
    type: Literal["function"]
    function: Function


class FunctionRef(Strict, kw_only=True):
    name: FunctionName


class ToolChoice(Strict, kw_only=True):
    type: Literal["function"]
    function: FunctionRef


class TextFormat(Strict, kw_only=True, tag_field="type", tag="text"):
    """Whatever the model likes."""


class JsonObjectFormat(Strict, kw_only=True, tag_field="type", tag="json_object"):
    """Some JSON object."""


class JsonSchema(Strict, kw_only=True):
    name: FunctionName
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class JsonSchemaFormat(Strict, kw_only=True, tag_field="type", tag="json_schema"):
    json_schema: JsonSchema


class StreamOptions(Strict, kw_only=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatCompletionRequest(Strict, kw_only=True):
    """`POST /v1/chat/completions`."""

    model: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=160,
            description="A model, or `prompt:<name>`, or `prompt:<name>@<version>`.",
        ),
    ]
    messages: Annotated[
        list[AnyMessage],
        Meta(max_length=2048, description="After a prompt's own, which need none besides."),
    ] = []
    variables: Annotated[dict[str, Any], Meta(description="Ours: the prompt's variables.")] = {}
    version: Annotated[Version | None, Meta(description="Ours: the same as `@<version>` in `model`.")] = None

    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    seed: Annotated[int, Meta(ge=-(2**31), lt=2**31)] | None = None
    reasoning_effort: Effort | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    tools: Annotated[list[Tool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    user: UserName | None = None
    safety_identifier: UserName | None = None
    metadata: Annotated[dict[str, str], Meta(description="`session_id` counts as `X-Session-ID`.")] | None = (
        None
    )

    # Taken and left unused: a reply is none the worse without them.
    store: bool | None = None
    service_tier: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None

    # Taken only with the values that ask for nothing; see `rules`.
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    modalities: list[str] | None = None
    audio: Any = None
    prediction: Any = None
    web_search_options: Any = None
    moderation: Any = None
    functions: Any = None
    function_call: Any = None
