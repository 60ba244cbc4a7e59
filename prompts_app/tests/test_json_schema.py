import ast
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now

from prompts_app import services
from prompts_app.changes import By
from prompts_app.exceptions import ChangeRefused, TemplateInvalid, VariablesInvalid
from prompts_app.json_schema import JsonSchema, NotJudged, SchemaInvalid
from prompts_app.models import PromptVersion
from prompts_app.registry import Registry
from prompts_app.tests.conftest import MakeVersion

ROOT = Path(__file__).parents[2]
SELF, NEXT = {"$ref": "#"}, "#/$defs/d{}"
BACKTRACKING = r"^(\w+\s?)*$"
LIST = {"type": ["string", "object"], "properties": {"a": SELF}}
TREE = {"type": ["string", "object"], "properties": {"a": SELF, "b": SELF}}
TWICE = {"type": ["string", "object"], "properties": {"a": {"allOf": [SELF, SELF]}}}


def doubling(levels: int) -> dict[str, Any]:
    """Each level names the next one twice."""
    defs: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": NEXT.format(level + 1)}] * 2} for level in range(levels)
    }
    return {
        "$defs": {**defs, f"d{levels}": {"type": "string"}},
        "properties": {"name": {"$ref": "#/$defs/d0"}},
    }


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < seconds


def test_a_pattern_that_python_would_backtrack_on_takes_no_time() -> None:
    schema = JsonSchema({"properties": {"name": {"pattern": BACKTRACKING}}})
    with within(1):
        assert not schema.fits({"name": "a" * 100_000 + "!"})
        [complaint] = schema.complaints({"name": "a" * 100_000 + "!"})
    assert complaint.startswith("name breaks the rule pattern")


ENDLESS = [
    (doubling(18), "more than 10,000 rules"),
    ({"$ref": "#"}, "leads back to itself"),
    ({"anyOf": [{"type": "string"}, {"$ref": "#"}]}, "leads back to itself"),
    ({"$dynamicAnchor": "n", "not": {"$dynamicRef": "#n"}}, "leads back to itself"),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "leads back"),
    ({"$ref": "#/nowhere"}, "leads nowhere"),
    ({"$ref": "#nowhere"}, "leads nowhere"),
    ({"properties": {"a": {"pattern": "^(?=a)"}}}, r'the pattern "\^\(\?=a\)" is not taken'),
    ({"patternProperties": {r"(a)\1": {}}}, "is not taken"),
    ({"pattern": r"^\<b\>$"}, "is not taken: what it escapes needs no backslash: write < and >"),
    ({"pattern": "(x{1,1000}){1,1000}y"}, "or too large"),
    ({"allOf": [{"pattern": f"a{number}"} for number in range(501)]}, "too many patterns"),
    ({"allOf": [{"pattern": f"^.{{1,1000}}{number}"} for number in range(11)]}, "or too large"),
]


ORDINARY = [
    (r"^.{1,255}$", "ok", ""),
    (r"^\S{1,100}$", "ok", "not ok"),
    (r"^[^@\s]{1,64}@", "ada@example.com", "@"),
    (r"^[\p{L} .'-]{1,80}$", "José Núñez", "R2D2"),
    (r"^\p{L}{2,50}$", "東京", "東"),
    (r"^(https?://)?[^\s]{1,2048}$", "https://example.com", " "),
]


@pytest.mark.parametrize(("pattern", "good", "bad"), ORDINARY)
def test_an_ordinary_pattern_is_taken(pattern: str, good: str, bad: str) -> None:
    schema = JsonSchema({"pattern": pattern})
    assert (schema.fits(good), schema.fits(bad)) == (True, False)


@pytest.mark.parametrize(("pattern", "most"), [(r"x.{200}y", 200_000), (r"(x.{900}|.x.{899})y", 20_000)])
def test_a_large_pattern_is_held_against_no_endless_text(pattern: str, most: int) -> None:
    schema = JsonSchema({"pattern": pattern})
    with within(4):
        assert not schema.fits("x" * most)
    with pytest.raises(NotJudged, match="so large a pattern"):
        schema.fits("x" * (most + 1))


def test_what_must_differ_or_equal_something_is_compared_in_bounded_time() -> None:
    unique = JsonSchema({"type": "array", "uniqueItems": True})
    one_of = JsonSchema({"items": {"enum": [{"k": number} for number in range(900)]}})
    with within(2):
        assert not unique.fits([1, *range(100_000)])
        with pytest.raises(NotJudged, match="beyond 64 bits"):
            unique.fits([2**70 + number for number in range(50_000)])
        with pytest.raises(NotJudged, match="too large"):
            one_of.fits([{"k": 899}] * 4_000)
        assert one_of.fits([{"k": 899}] * 300)
    with pytest.raises(SchemaInvalid, match="more than 10,000 rules"):
        JsonSchema({"items": {"enum": [{"k": number} for number in range(3_000)]}})


def test_what_only_looks_like_a_reference_is_none() -> None:
    JsonSchema(
        {"const": {"$id": "y"}, "examples": [{"$ref": "https://example.com"}], "default": {"$id": "z"}}
    )
    for place in ("const", "default"):
        with pytest.raises(SchemaInvalid, match="may point inside"):
            JsonSchema({"properties": {place: {"$ref": "https://example.com"}}})


def test_what_a_condition_requires_is_required() -> None:
    schema = JsonSchema({"if": {"properties": {"k": {"const": 1}}}, "then": {"required": ["z"]}})
    assert schema.complaints({"k": 1}, but=frozenset({"required"})) == ['must have ["z"]']


@pytest.mark.parametrize(("schema", "says"), ENDLESS)
def test_a_schema_that_could_take_endless_time_is_not_published(
    draft: MakeVersion, ada: By, schema: dict[str, Any], says: str
) -> None:
    draft("v1", variables={"properties": {"name": {}}, **schema})
    with within(2), pytest.raises(ChangeRefused, match=says):
        services.publish_version(prompt="greeter", version="v1", **ada)


def test_a_version_kept_from_before_says_what_is_wrong_and_harms_only_itself(
    published: MakeVersion, draft: MakeVersion
) -> None:
    published("v1")
    draft("v2", variables={"properties": {"name": {"pattern": "(?=a)"}}})
    PromptVersion.objects.filter(label="v2").update(status="published", published_at=now())
    registry = Registry()
    registry.catch_up()
    assert registry.resolve("greeter", variables={"name": "Ada"}, unit="u", version="v1").version == "v1"
    with pytest.raises(TemplateInvalid, match="pattern"):
        registry.resolve("greeter", variables={"name": "Ada"}, unit="u", version="v2")


@pytest.mark.parametrize("schema", [LIST, TREE, TWICE])
def test_a_recursive_schema_is_held_against_deep_values_at_once(schema: dict[str, Any]) -> None:
    compiled = JsonSchema(schema)
    with within(1):
        assert not compiled.fits(nested(60))
        assert compiled.complaints(nested(60))
        assert compiled.complaints(nested(3)) == ['a.a.a must be of type ["string", "object"]']


def test_what_is_wrong_within_a_tree_is_told_where_its_nodes_are_defined_by_name() -> None:
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#/$defs/Node"}}},
    }
    tree: Any = {"name": 1}
    for _ in range(20):
        tree = {"name": "n", "children": [tree]}
    schema = JsonSchema({"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    assert schema.complaints(tree) == ["children.0." * 20 + 'name must be of type "string"']


MANY = [
    ({"items": {"type": "string"}}, [1] * 100_000),
    ({"required": [f"r{number}" for number in range(1000)]}, {"x": [1] * 9_000}),
    ({"additionalProperties": {"type": "string"}}, {f"{number:0>500}": 1 for number in range(1000)}),
    (doubling(11), {"name": 1}),
]


@pytest.mark.parametrize(("schema", "value"), MANY)
def test_what_is_told_is_bounded_in_time_number_and_length(schema: dict[str, Any], value: Any) -> None:
    compiled = JsonSchema(schema)
    with within(1):
        assert not compiled.fits(value)
        told = compiled.complaints(value)
    assert 1 <= len(told) <= 21
    assert len("; ".join(told)) <= 2_010


def test_a_value_too_large_for_the_number_of_rules_is_not_judged() -> None:
    with within(1), pytest.raises(NotJudged, match="too large"):
        JsonSchema({"items": {"allOf": [{"maxLength": 9}] * 1000}}).fits([1] * 100_000)


def test_who_names_a_wrong_variable_is_told_no_more_than_anybody_reads(published: MakeVersion) -> None:
    rules = {"name": {"type": "array", "items": {"type": "string"}}}
    content = published("v1", variables={"properties": rules}).content
    with pytest.raises(VariablesInvalid) as caught:
        content.render({"name": [1] * 1000})
    assert str(caught.value).startswith('name.0 must be of type "string"; name.1 must')
    assert str(caught.value).endswith('name.19 must be of type "string"; and more')


CLOSED = {"type": "object", "additionalProperties": False}


def test_a_schema_that_declares_nothing_does_not_forbid_what_the_text_names(published: MakeVersion) -> None:
    content = published("v1", user="hello {{name}}", variables=CLOSED).content
    assert content.render({"name": "Ada"})[-1].content == "hello Ada"
    with pytest.raises(VariablesInvalid, match="unknown variables: other"):
        content.render({"name": "Ada", "other": 1})
    assert JsonSchema({"properties": {"a": CLOSED}}).complaints({"a": {"b": 1}}) == ["a has unknown fields"]


def test_a_value_nested_deeper_than_anybody_follows_is_told_so() -> None:
    assert "too deep to say where" in JsonSchema({"type": "string"}).complaints(nested(300))[0]


STANDING = [
    {"$anchor": "a", "properties": {"x": {"$ref": "#a"}}},
    {"$defs": {"a b": {}, "c/d": {}}, "allOf": [{"$ref": "#/$defs/a%20b"}, {"$ref": "#/$defs/c~1d"}]},
    {"properties": {"$ref": {"type": "string"}, "$defs": {"$ref": "#"}}},
]


@pytest.mark.parametrize("schema", STANDING)
def test_references_inside_the_schema_are_followed(schema: dict[str, Any]) -> None:
    assert JsonSchema(schema).fits({})


def test_no_property_hides_what_it_costs_behind_a_keyword() -> None:
    hidden = {"properties": {"$defs": {"$ref": NEXT.format(0)}}, "$defs": doubling(18)["$defs"]}
    with pytest.raises(SchemaInvalid, match="rules"):
        JsonSchema(hidden)


def test_validators_are_made_in_one_place() -> None:
    """There nothing is fetched, and no pattern backtracks."""
    makers = [
        path.relative_to(ROOT).as_posix()
        for app in ("llmgateway", "prompts_app", "gateway_app", "evals_app")
        for path in (ROOT / app).rglob("*.py")
        if "tests" not in path.parts and _imports(path) & {"jsonschema", "jsonschema_rs"}
    ]
    assert makers == ["prompts_app/json_schema.py"]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
