"""Our values as Gemini's wire takes them. Source: ai.google.dev/api/generate-content (v1beta)."""

from typing import Any

from gateway_app.providers.objects import as_object
from gateway_app.types import CompletionRequest, Message, Parameters, ToolCall


def body(request: CompletionRequest) -> dict[str, Any]:
    """Of `generateContent` and `streamGenerateContent`."""
    parameters = request.parameters
    system = "\n\n".join(message.content for message in request.messages if message.role == "system")
    given = {
        "contents": _contents(request.messages),
        "systemInstruction": {"parts": [{"text": system}], "role": "user"} if system else None,
        "generationConfig": _generation(parameters),
        "safetySettings": [
            {"category": category, "threshold": threshold}
            for category, threshold in (parameters.safety_settings or {}).items()
        ]
        or None,
        **_tools(parameters),
    }
    return _said(given)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _contents(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Turns, without the system's; neighbours of one role are merged, as Gemini wants them to alternate."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    spoken = [message for message in messages if message.role != "system"]
    turns: list[dict[str, Any]] = []
    # A request of system text alone is answered as if the user had said it: Gemini wants a turn.
    for message in spoken or messages:
        role = "model" if message.role == "assistant" else "user"
        parts = _parts(message, names)
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        else:
            turns.append({"role": role, "parts": parts})
    return turns


def _parts(message: Message, names: dict[str, str]) -> list[dict[str, Any]]:
    if message.role == "tool":
        name = message.name or names.get(message.tool_call_id or "", "unknown")
        return [
            {"functionResponse": {"name": name, "response": as_object(message.content, wrapped_as="result")}}
        ]
    parts: list[dict[str, Any]] = [
        {"inlineData": {"mimeType": image.media_type, "data": image.data}} for image in message.images
    ]
    if message.content or not (parts or message.tool_calls):
        parts.append({"text": message.content})
    return parts + [_call_part(call) for call in message.tool_calls]


def _call_part(call: ToolCall) -> dict[str, Any]:
    part: dict[str, Any] = {
        "functionCall": {"name": call.name, "args": as_object(call.arguments, wrapped_as="result")}
    }
    if call.signature:
        part["thoughtSignature"] = call.signature
    return part


def _generation(parameters: Parameters) -> dict[str, Any]:
    budget = parameters.thinking_budget
    in_json = parameters.json_mode or parameters.response_schema is not None
    return _said(
        {
            "temperature": parameters.temperature,
            "maxOutputTokens": parameters.max_tokens,
            "topP": parameters.top_p,
            "stopSequences": parameters.stop or None,
            "seed": parameters.seed,
            "thinkingConfig": None if budget is None else {"thinkingBudget": budget},
            "responseMimeType": "application/json" if in_json else None,
            "responseJsonSchema": parameters.response_schema and dict(parameters.response_schema),
        }
    )


def _tools(parameters: Parameters) -> dict[str, Any]:
    if not parameters.tools:
        return {}
    declarations = [
        _said(
            {
                "name": tool["name"],
                "description": tool.get("description"),
                "parametersJsonSchema": tool.get("parameters"),
            }
        )
        for tool in parameters.tools
    ]
    modes = {None: "AUTO", "auto": "AUTO", "none": "NONE", "required": "ANY"}
    calling: dict[str, Any] = {"mode": modes.get(parameters.tool_choice, "ANY")}
    if parameters.tool_choice not in modes:
        calling["allowedFunctionNames"] = [parameters.tool_choice]
    return {
        "tools": [{"functionDeclarations": declarations}],
        "toolConfig": {"functionCallingConfig": calling},
    }
