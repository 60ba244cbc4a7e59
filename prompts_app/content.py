"""What a version says: its texts, parameters and schemas, and what is wrong with them."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from prompts_app import partials, rendering
from prompts_app.exceptions import ChangeRefused, TemplateInvalid
from prompts_app.json_schema import JsonSchema, schema_problems
from prompts_app.variables import VariablesSchema

NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
LABEL = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"
MAX_BYTES = 256 * 1024
MAX_MESSAGES = 100
FIELDS = ("system", "user", "messages", "model", "parameters", "variables", "response_schema", "notes")
COLUMNS = (*FIELDS, "partials")

THRESHOLDS = ["OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE"]
"""Gemini's, for each category of harm."""

PARAMETERS = JsonSchema(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "temperature": {"type": "number", "minimum": 0, "maximum": 2},
            "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "top_p": {"type": "number", "minimum": 0, "maximum": 1},
            "stop": {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 8},
            "seed": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
            "thinking_budget": {"type": "integer", "minimum": -1, "maximum": 1_000_000},
            "safety_settings": {
                "type": "object",
                "propertyNames": {"pattern": "^HARM_CATEGORY_[A-Z_]+$"},
                "additionalProperties": {"enum": THRESHOLDS},
            },
            "json_mode": {"type": "boolean"},
        },
    }
)
WHOLE = ("max_tokens", "seed", "thinking_budget")
MESSAGES = JsonSchema(
    {
        "type": "array",
        "maxItems": MAX_MESSAGES,
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["role", "content"],
            "properties": {"role": {"enum": ["user", "assistant"]}, "content": {"type": "string"}},
        },
    }
)


class Message(NamedTuple):
    """One turn, as a template or rendered."""

    role: str
    content: str


@dataclass(frozen=True, kw_only=True)
class VersionContent:
    """Everything of a version that publishing freezes."""

    system: str = ""
    user: str = ""
    messages: tuple[Message, ...] = ()
    """Earlier turns (few-shot examples), between the system text and the user text."""
    model: str = ""
    """Empty: whatever the caller or the gateway chooses."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema of the variables' object; empty: every variable found is required, of any type."""
    response_schema: Mapping[str, Any] | None = None
    notes: str = ""
    partials: Mapping[str, str] = field(default_factory=dict)
    """What `{{> name}}` stands for, as it was when this was saved or published."""

    @property
    def texts(self) -> list[str]:
        """All templates as they were written."""
        return [self.system, *(message.content for message in self.messages), self.user]

    @cached_property
    def turns(self) -> tuple[Message, ...]:
        """All messages in the order in which they are sent, with what they include; empty ones left out."""
        ends = (Message("system", self.system), *self.messages, Message("user", self.user))
        return tuple(
            Message(turn.role, partials.expand(turn.content, self.partials)) for turn in ends if turn.content
        )

    @cached_property
    def asked(self) -> dict[str, Any]:
        """The parameters; 1.0 is 1, for versions from before that was refused have it where 1 is meant."""
        return {
            name: int(value) if name in WHOLE and type(value) is float and value.is_integer() else value
            for name, value in self.parameters.items()
        }

    @property
    def tokens(self) -> int:
        """A rough estimate, variables not counted: four characters a token, as English has it."""
        return sum(len(turn.content) for turn in self.turns) // 4

    @cached_property
    def templates(self) -> tuple[tuple[str, rendering.Template], ...]:
        return tuple((turn.role, rendering.parse(turn.content)) for turn in self.turns)

    @cached_property
    def schema(self) -> VariablesSchema:
        """Raises `TemplateInvalid` when the variables' schema is no JSON Schema."""
        used = rendering.variables_of(template for _, template in self.templates)
        return VariablesSchema(self.variables, used=used)

    def render(self, values: Mapping[str, Any]) -> tuple[Message, ...]:
        """The messages for `values`. Raises `VariablesInvalid` that names all which do not fit."""
        complete = self.schema.complete(values)
        return tuple(Message(role, template.render(complete)) for role, template in self.templates)

    def as_json(self) -> dict[str, Any]:
        """What was written: the `FIELDS`."""
        values = asdict(self) | {"messages": [message._asdict() for message in self.messages]}
        return {name: values[name] for name in FIELDS}

    @property
    def digest(self) -> str:
        """SHA-256 of what was written, the order of JSON keys included."""
        return hashlib.sha256(_canonical(self)).hexdigest()


def from_json(values: Mapping[str, Any]) -> VersionContent:
    """The content with the `COLUMNS` that `values` has, of whatever truth.

    Raises `ChangeRefused` where a value has not the type that its column needs.
    """
    kinds: dict[str, type | tuple[type, ...]] = {
        "messages": (list, tuple),
        "parameters": Mapping,
        "variables": Mapping,
        "response_schema": (Mapping, type(None)),
        "partials": Mapping,
    }
    wrong = [
        name for name in COLUMNS if name in values and not isinstance(values[name], kinds.get(name, str))
    ]
    if wrong:
        raise ChangeRefused(f"{', '.join(wrong)}: of the wrong type")
    messages = list(values.get("messages", ()))
    if wrong := MESSAGES.complaints(messages):
        raise ChangeRefused(f"messages: {wrong[0]}")
    known = {name: values[name] for name in COLUMNS if name in values}
    return VersionContent(**known | {"messages": tuple(Message(m["role"], m["content"]) for m in messages)})


def check_storable(content: VersionContent) -> None:
    """Raises `ChangeRefused` when the content is too large or holds what Postgres cannot store."""
    if not all(is_storable(text) for text in texts_in(content.as_json())):
        raise ChangeRefused("the text holds a character that cannot be stored (NUL or half a surrogate pair)")
    if len(_canonical(content)) > MAX_BYTES:
        raise ChangeRefused(f"a version takes at most {MAX_BYTES // 1024} kB in all")


def problems(content: VersionContent) -> list[str]:
    """Why this content cannot be published; empty when it can."""
    found = [f"parameters: {says}" for says in _parameters_problems(content.parameters)]
    if not content.user and not content.messages:
        found.append("user: a prompt needs a user text or messages")
    if content.response_schema is not None:
        found += [f"response_schema: {says}" for says in schema_problems(content.response_schema)]
    return found + list(_variables_problems(content))


def _parameters_problems(parameters: Mapping[str, Any]) -> Iterable[str]:
    yield from PARAMETERS.complaints(parameters)
    for name in WHOLE:
        number = parameters.get(name)
        # To JSON Schema 1.0 is an integer; to the vendors it is none.
        if isinstance(number, float) and number.is_integer():
            yield f'{name} must be of type "integer"'


def _variables_problems(content: VersionContent) -> Iterable[str]:
    try:
        undeclared = content.schema.undeclared
    except TemplateInvalid as exc:
        yield str(exc)
    else:
        if undeclared:
            yield f"variables: the schema does not declare {', '.join(sorted(undeclared))}"


def is_storable(text: str) -> bool:
    """Postgres stores neither NUL nor half a surrogate pair."""
    return not re.search(r"[\x00\ud800-\udfff]", text)


def _canonical(content: VersionContent) -> bytes:
    return json.dumps(content.as_json(), separators=(",", ":")).encode()


def texts_in(value: Any) -> Iterable[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from texts_in([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
