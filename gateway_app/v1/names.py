"""What a `model` names: a model of the catalogue, or a prompt."""

import re
from dataclasses import dataclass

from gateway_app.exceptions import ModelNotFound

PREFIX = "prompt:"
_PROMPT = re.compile(
    PREFIX + r"(?P<name>[a-z0-9][a-z0-9_-]{0,63})(?:@(?P<version>[A-Za-z0-9][A-Za-z0-9._-]{0,31}))?"
)
_MODEL = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptName:
    name: str
    version: str | None
    """None: the one that the split or the admin chooses."""


def prompt_name(model: str) -> PromptName | None:
    """The prompt that `model` names, None where it names a model. Raises `ModelNotFound` for neither."""
    if found := _PROMPT.fullmatch(model):
        return PromptName(name=found["name"], version=found["version"])
    if model.startswith(PREFIX) or not _MODEL.fullmatch(model):
        raise ModelNotFound(f"The model {model[:100]!r} does not exist.", param="model")
    return None
