"""OpenAI's parameters as ours."""

from collections.abc import Mapping
from typing import Any

from gateway_app.types import Parameters
from gateway_app.v1.schemas import (
    ChatCompletionRequest,
    Effort,
    Function,
    JsonObjectFormat,
    JsonSchemaFormat,
    ToolChoice,
)

THINKING_BUDGET: Mapping[Effort, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
"""Tokens; the highest is what every Gemini model that thinks accepts."""


def parameters(body: ChatCompletionRequest) -> Parameters:
    """What `body` leaves out is left to the prompt version or to the vendor."""
    form = body.response_format
    return Parameters(
        temperature=body.temperature,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        top_p=body.top_p,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        seed=body.seed,
        thinking_budget=THINKING_BUDGET[body.reasoning_effort] if body.reasoning_effort else None,
        response_schema=form.json_schema.schema if isinstance(form, JsonSchemaFormat) else None,
        json_mode=isinstance(form, JsonObjectFormat),
        tools=tuple(_tool(tool.function) for tool in body.tools or ()),
        tool_choice=_choice(body.tool_choice),
    )


def _tool(function: Function) -> dict[str, Any]:
    given = {
        "name": function.name,
        "description": function.description,
        "parameters": function.parameters,
        "strict": function.strict,
    }
    return {name: value for name, value in given.items() if value is not None}


def _choice(choice: str | ToolChoice | None) -> str | None:
    return choice.function.name if isinstance(choice, ToolChoice) else choice
