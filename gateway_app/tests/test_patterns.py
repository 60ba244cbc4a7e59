"""Every pattern of ours means the whole text: a line break at its end is not let through."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from gateway_app import ledger_schemas, schemas
from gateway_app.exceptions import InvalidRequest
from gateway_app.v1 import schemas as wire
from prompts_app import content
from prompts_app.yaml_files import FileInvalid, parse

FITTING = "a"
"""Each pattern lets it through."""


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(pattern := schema.get("pattern"), str):
            yield pattern
        yield from (pattern for part in schema.values() for pattern in patterns(part))
    elif isinstance(schema, list):
        yield from (pattern for part in schema for pattern in patterns(part))


def all_patterns() -> list[str]:
    structs = [
        known
        for module in (schemas, ledger_schemas, wire)
        for known in vars(module).values()
        if isinstance(known, type) and issubclass(known, msgspec.Struct)
    ]
    documents = msgspec.json.schema_components(structs, ref_template="{name}")
    return sorted({*patterns([*documents])})


def test_there_are_patterns_to_look_at() -> None:
    assert len(all_patterns()) >= 4


@pytest.mark.parametrize("pattern", all_patterns())
def test_a_line_break_at_the_end_does_not_fit(pattern: str) -> None:
    assert re.search(pattern, FITTING)
    assert not any(re.search(pattern, f"{FITTING}{end}") for end in ("\n", "\r\n", "\n\n"))


def test_nor_in_the_name_of_a_category_of_harm() -> None:
    fits = [
        content.PARAMETERS.fits({"safety_settings": {f"HARM_CATEGORY_A{end}": "OFF"}}) for end in ("", "\n")
    ]
    assert fits == [True, False]


@pytest.mark.parametrize("field", ["name", "version"])
def test_nor_in_a_prompt_s_file(field: str) -> None:
    given = {"name": "a", "version": "v1", "user": "x"} | {field: "a\n"}
    file = "".join(f'{name}: "{value}"\n' for name, value in given.items()).replace('\n"', '\\n"')
    with pytest.raises(FileInvalid, match="must fit"):
        parse(file.encode(), source="f.yaml")


def test_feedback_has_a_name_without_a_line_break() -> None:
    with pytest.raises(InvalidRequest) as refused:
        schemas.parse(b'{"request_id": "r", "name": "x\\n", "value": true}', ledger_schemas.FeedbackBody)
    assert refused.value.param == "name"
