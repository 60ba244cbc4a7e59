"""What OpenAI knows and this gateway does not do, and which fields do not go together."""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

from gateway_app.v1.exceptions import BadParameter
from gateway_app.v1.schemas import ChatCompletionRequest, ToolChoice

ASKS_FOR_NOTHING: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "web_search_options": (),
    "moderation": (),
    "functions": ([],),
    "function_call": ("none", "auto"),
}
"""Fields that are not supported -> values, beside null, that leave a reply as it is."""

_asked = attrgetter(*ASKS_FOR_NOTHING)
NOTHING = (None,) * len(ASKS_FOR_NOTHING)
MODES = ("auto", "none", "required")


def check(body: ChatCompletionRequest) -> None:
    """Raises `BadParameter` for the first rule that is broken."""
    for problem in _problems(body):
        raise problem


def _problems(body: ChatCompletionRequest) -> Iterator[BadParameter]:
    if (asked := _asked(body)) != NOTHING:
        for (name, harmless), value in zip(ASKS_FOR_NOTHING.items(), asked, strict=True):
            if value is not None and value not in harmless:
                yield _unsupported(name)
    if body.stream_options and not body.stream:
        yield BadParameter(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    if body.max_tokens and body.max_completion_tokens:
        yield BadParameter(
            "'max_tokens' and 'max_completion_tokens' cannot both be given; the former is the older name.",
            param="max_tokens",
        )
    yield from _tool_problems(body)


def _unsupported(name: str) -> BadParameter:
    return BadParameter(
        f"Unsupported parameter: '{name}' is not supported by this gateway.",
        param=name,
        code="unsupported_parameter",
    )


def _tool_problems(body: ChatCompletionRequest) -> Iterator[BadParameter]:
    names = [tool.function.name for tool in body.tools or ()]
    for place, name in enumerate(names):
        if name in MODES or name in names[:place]:
            problem = "is a mode of 'tool_choice'" if name in MODES else "is the name of an earlier tool"
            yield BadParameter(f"'{name}' {problem}.", param=f"tools[{place}].function.name")
    choice = body.tool_choice
    if names and isinstance(choice, ToolChoice) and choice.function.name not in names:
        yield BadParameter(f"Tool choice '{choice.function.name}' is not among 'tools'.", param="tool_choice")
