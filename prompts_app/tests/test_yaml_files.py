import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts_app.content import Message, VersionContent
from prompts_app.yaml_files import MAX_FILE_BYTES, FileInvalid, PromptFile, dump, parse

FILE = b"""\
name: greeter
version: v1
description: Says hello.
system: |-
  Be kind.

  Be brief.
user: 'Hello {{name}}'
messages:
- role: user
  content: hi
- role: assistant
  content: hello
model: gemini-2.5-flash
parameters:
  temperature: 0.2
  stop:
  - END
variables:
  type: object
  properties:
    name:
      type: string
response_schema:
  type: object
notes: the first
"""


def test_a_file_becomes_a_version() -> None:
    file = parse(FILE, source="greeter/v1.yaml")
    assert (file.name, file.version, file.description) == ("greeter", "v1", "Says hello.")
    assert file.content == VersionContent(
        system="Be kind.\n\nBe brief.",
        user="Hello {{name}}",
        messages=(Message("user", "hi"), Message("assistant", "hello")),
        model="gemini-2.5-flash",
        parameters={"temperature": 0.2, "stop": ["END"]},
        variables={"type": "object", "properties": {"name": {"type": "string"}}},
        response_schema={"type": "object"},
        notes="the first",
    )


def test_what_was_written_is_written_again_byte_for_byte() -> None:
    written = dump(parse(FILE, source="x"))
    assert dump(parse(written, source="x")) == written


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(TEXTS, TEXTS, VALUES)
def test_any_content_survives_the_round_trip(system: str, notes: str, value: object) -> None:
    content = VersionContent(system=system, user="x", notes=notes, variables={"examples": [value]})
    file = PromptFile(name="a", version="v1", description=notes, content=content, source="x")
    assert parse(dump(file), source="x") == file


@pytest.mark.parametrize(
    "text", ["yes", "no", "1e3", "0o7", "010", "2024-01-01", "null", "~", "=", "<<", "1:30"]
)
def test_a_text_that_looks_like_a_value_stays_text(text: str) -> None:
    file = PromptFile(name="a", version="v1", description=text, content=VersionContent(user=text), source="x")
    written = dump(file)
    assert parse(written, source="x") == file
    assert yaml.safe_load(written)["user"] == text


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("system: !!python/object/apply:os.system [ls]", ":4: tags such as"),
        ("system: !!str x", ":4: tags such as"),
        ("system: &a x", ":4: anchors and aliases"),
        ("system: *a", ":4: anchors and aliases"),
        ("version: v2", ":4: version comes twice"),
        ("parameters: {seed: 1, seed: 2}", ":4: seed comes twice"),
        ("parameters: {1: 2}", ":4: a key must be text"),
        ("parameters: {temperature: hot}", ':4: parameters: temperature must be of type "number"'),
        ("parameters: {max_tokens: 1.0}", ':4: parameters: max_tokens must be of type "integer"'),
        (
            "parameters: {max_tokens: 2147483648}",
            ":4: parameters: max_tokens breaks the rule maximum 1000000",
        ),
        ("parameters: {temprature: 1}", ":4: parameters: has unknown fields"),
        ("parameters: [1]", ":4: parameters: of the wrong type"),
        ("system: 2024", ":4: system: of the wrong type"),
        ("system:", ":4: system: of the wrong type"),
        ("messages: [{role: robot, content: x}]", ":4: messages: 0.role must be one of"),
        ("variables: {type: nothing}", ":4: variables: not a JSON Schema at type"),
        ("variables: {$ref: 'http://example.com/x'}", ":4: variables: $ref may point inside the schema only"),
        ("colour: red", ":4: unknown key colour"),
        ("system: [", ":5: "),
        ('system: "\\0"', ":4: the text holds a character that cannot be stored"),
        ("notes: \x07", ":4: unacceptable character"),
        ("variables: " + "[" * 40, ":4: nested deeper than 32"),
        ("--- second", ":4: but found another document"),
    ],
)
def test_a_mistake_is_refused_with_file_and_line(line: str, says: str) -> None:
    data = f"name: greeter\nversion: v1\nuser: x\n{line}\n".encode()
    with pytest.raises(FileInvalid) as caught:
        parse(data, source="greeter/v1.yaml")
    assert str(caught.value).startswith(f"greeter/v1.yaml{says}")


@pytest.mark.parametrize("name", ["../etc", "a/b", "..", "Upper", "", "a\\nb"])
def test_a_name_that_is_no_slug_is_refused(name: str) -> None:
    with pytest.raises(FileInvalid, match=r"x\.yaml:1: name must fit"):
        parse(f'name: "{name}"\nversion: v1\nuser: x\n'.encode(), source="x.yaml")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "x.yaml:1: a prompt file is a mapping"),
        (b"- a\n", "x.yaml:1: a prompt file is a mapping"),
        (b"name: a\nversion: 2\nuser: x\n", "x.yaml:2: version must be text"),
        (b"name: a\nversion: v1\n", "x.yaml:1: user: a prompt needs a user text"),
        (b"name: a\nuser: \xff\n", "x.yaml:2: not UTF-8"),
        (b"x" * (MAX_FILE_BYTES + 1), "x.yaml: larger than 512 kB"),
    ],
)
def test_what_is_no_prompt_file_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(FileInvalid) as caught:
        parse(data, source="x.yaml")
    assert str(caught.value).startswith(says)


def test_a_long_list_is_read_without_delay() -> None:
    listed = b"variables: {properties: {x: {enum: [" + b"1, " * 40_000 + b"1]}}}\n"
    began = time.process_time()
    parse(b"name: greeter\nversion: v1\nuser: x\n" + listed, source="x.yaml")
    assert time.process_time() - began < 2
