import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.exceptions import VariablesInvalid
from prompts_app.rendering import parse, variables_of

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hello {{name}}!", "Hello Ada!"),
        ("{{ name }} and {{\tname }}", "Ada and Ada"),
        ("{{{name}}}", "{Ada}"),
        ("{{name}} {{ name", "Ada {{ name"),
        ("}} {{}} {{ 1 }} {{a.b}} {{ name | upper }}", "}} {{}} {{ 1 }} {{a.b}} {{ name | upper }}"),
        ('{"json": {"a": 1}}', '{"json": {"a": 1}}'),
        ("{{ \n name }}", "{{ \n name }}"),
        ("", ""),
    ],
)
def test_only_a_name_between_double_braces_is_a_placeholder(template: str, text: str) -> None:
    assert parse(template).render({"name": "Ada"}) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (2.5, "2.5"),
        (True, "true"),
        (None, "null"),
        (["a", "é"], '["a", "é"]'),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_values_other_than_text_are_written_as_json(value: object, text: str) -> None:
    assert parse("{{ value }}").render({"value": value}) == text


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_a_value_that_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises(VariablesInvalid, match="has no place in a text"):
        parse("{{ value }}").render({"value": value})


def test_all_missing_variables_are_named() -> None:
    with pytest.raises(VariablesInvalid, match="missing variables: a, c"):
        parse("{{c}} {{b}} {{a}} {{a}}").render({"b": ""})


def test_variables_are_those_of_all_texts() -> None:
    assert variables_of([parse("{{a}} {{b}}"), parse("{{b}} {{c}}"), parse("none")]) == {"a", "b", "c"}


@given(st.dictionaries(NAMES, st.text(), min_size=1))
def test_a_value_is_never_rendered_again(values: dict[str, str]) -> None:
    template = "|".join("{{" + name + "}}" for name in values)
    hostile = {name: "{{" + name + "}}" + value for name, value in values.items()}
    assert parse(template).render(hostile) == "|".join(hostile.values())


@given(st.text(alphabet="{} \tab1_"))
def test_what_is_not_a_placeholder_stays_to_the_letter(text: str) -> None:
    template = parse(text)
    assert template.render({name: "{{" + name + "}}" for name in template.variables}).replace(
        " ", ""
    ).replace("\t", "") == text.replace(" ", "").replace("\t", "")


def test_ten_thousand_placeholders_take_less_than_a_tenth_of_a_second() -> None:
    text = "word {{ name }} " * 10_000
    started = time.perf_counter()
    parse(text).render({"name": "x"})
    assert time.perf_counter() - started < 0.1
