"""What Google refuses in a request that is well-formed."""

from collections.abc import Iterator

from gateway_app.testing.wire.catalogue import Model
from gateway_app.testing.wire.errors import GoogleError, invalid_argument
from gateway_app.testing.wire.requests import Content, GenerateRequest, GenerationConfig

ROLES = ("user", "model", "function")
MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")


def check(request: GenerateRequest, model: Model) -> None:
    """Raises `GoogleError` 400 with the first rule that `request` breaks."""
    check_contents(request.contents)
    for problem in _problems(request, model):
        raise problem


def check_contents(contents: tuple[Content, ...]) -> None:
    """Raises `GoogleError` 400 where a turn is missing, empty or of an unknown role."""
    if not contents:
        raise _broken("contents", "contents is not specified")
    for number, turn in enumerate(contents):
        if turn.role not in ROLES:
            raise invalid_argument("Please use a valid role: user, model.")
        if not turn.parts:
            raise _broken(f"contents[{number}].parts", "contents.parts must not be empty.")
        for place, part in enumerate(turn.parts):
            if not part.has_data:
                raise _broken(
                    f"contents[{number}].parts[{place}].data",
                    "required oneof field 'data' must have one initialized field",
                )


def _problems(request: GenerateRequest, model: Model) -> Iterator[GoogleError]:
    config, calling = request.generation_config, request.tool_config.function_calling_config
    for field, (holds, rule) in _config_rules(config).items():
        if not holds:
            yield _broken(f"generation_config.{field}", rule)
    if calling.mode not in MODES:
        yield _broken("tool_config.function_calling_config.mode", f"unknown mode {calling.mode}.")
    if calling.mode == "ANY" and not request.functions:
        yield invalid_argument("Function calling config is set without function_declarations.")
    if model.checks_signatures and (name := _unsigned_call(request)):
        yield invalid_argument(
            "Function call is missing a thought_signature in functionCall parts. This is required for tools "
            f"to work correctly. Function call `{name}`."
        )


def _config_rules(config: GenerationConfig) -> dict[str, tuple[bool, str]]:
    """For each field whether its value may stand, and what the rule is."""
    temperature, limit = config.temperature, config.max_output_tokens
    is_json = config.response_mime_type == "application/json"
    return {
        "temperature": (
            temperature is None or 0 <= temperature <= 2,
            "temperature must be in the range [0.0, 2.0].",
        ),
        "max_output_tokens": (limit is None or limit > 0, "max_output_tokens must be positive."),
        "candidate_count": (config.candidate_count in (None, 1), "only one candidate can be specified."),
        "stop_sequences": (len(config.stop_sequences) <= 5, "at most 5 stop sequences are allowed."),
        "response_schema": (
            config.schema is None or is_json,
            "only allowed with response_mime_type application/json.",
        ),
    }


def _unsigned_call(request: GenerateRequest) -> str | None:
    """The function of a model turn since the user last spoke whose first call came back unsigned."""
    for turn in reversed(request.contents):
        if turn.role != "model" and turn.text:
            return None
        first = next((part for part in turn.parts if part.function_call), None)
        if turn.role == "model" and first and first.function_call and not first.thought_signature:
            return first.function_call.name
    return None


def _broken(field: str, rule: str) -> GoogleError:
    return invalid_argument(f"* GenerateContentRequest.{field}: {rule}\n", field=field)
