import csv
import io
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_app import dataset_files, datasets
from evals_app.datasets import CaseContent
from evals_app.exceptions import DatasetInvalid

SMALL = {
    "name": "capitals",
    "prompt": "geography",
    "evaluators": [{"kind": "exact"}],
    "cases": [{"key": "france", "variables": {"country": "France"}, "expected": "Paris"}],
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
CASES = st.lists(
    st.builds(
        CaseContent,
        key=st.from_regex(datasets.KEY, fullmatch=True),
        variables=st.dictionaries(NAMES, VALUES, max_size=3),
        messages=st.tuples() | st.tuples(st.builds(datasets.Turn, role=st.just("user"), content=TEXTS)),
        expected=VALUES,
        tags=st.lists(TEXTS, max_size=2).map(tuple),
        critical=st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda case: case.key,
).map(tuple)


def dataset(**changes):
    return datasets.read(SMALL | changes)


WRONG = [
    ({"name": "No Name"}, "no dataset's name"),
    ({"prompt": "../x"}, "no prompt's name"),
    ({"description": "a\0b"}, "description holds a character that cannot be stored"),
    ({"description": "\ud800"}, "description holds a character that cannot be stored"),
    ({"evaluators": [{"kind": "pattern", "pattern": "\0"}]}, "evaluators holds a character"),
    ({"colour": 1}, "colour"),
    ({"evaluators": []}, "no evaluators"),
    ({"evaluators": [{"kind": "guess"}]}, "evaluators: there is no evaluator 'guess'"),
    ({"evaluators": [{"kind": "exact", "name": "score"}]}, "score means something else"),
    ({"primary": "rouge"}, "primary: there is no evaluator 'rouge'"),
    ({"guardrails": {"rouge": 0.1}}, "guardrails: there is no evaluator rouge"),
    ({"guardrails": {"exact": -1}}, "margin of exact"),
    ({"margin": 0}, "margin"),
    ({"cases": []}, "1 to 20000 cases"),
    ({"cases": [{"key": "a b"}]}, r"case 1 \('a b'\): a key is"),
    ({"cases": [{"key": "a"}, {"key": "a"}]}, r"case 2 \('a'\): another case has the same key"),
    ({"cases": [{"key": "a", "critical": "yes"}]}, r"case 1 \('a'\).*critical"),
    ({"cases": [{"key": "a", "expected": "\0"}]}, "NUL"),
    ({"cases": [{"key": "a", "expected": "\ud800"}]}, r"case 1 \('a'\)"),
    ({"cases": [{"key": "a", "expected": "x" * 300_000}]}, "larger than 256 kB"),
]


@pytest.mark.parametrize(("changes", "says"), WRONG)
def test_a_wrong_dataset_is_refused_with_its_reason(changes, says):
    with pytest.raises(DatasetInvalid, match=says):
        dataset(**changes)


def test_the_digest_changes_with_anything_that_shapes_a_comparison():
    others = [
        dataset(margin=0.1),
        dataset(evaluators=[{"kind": "exact", "ignore_case": True}]),
        dataset(cases=[SMALL["cases"][0] | {"critical": True}]),
    ]
    assert dataset().digest == dataset().digest
    assert len({dataset().digest, *(other.digest for other in others)}) == 4


@settings(max_examples=60, deadline=None)
@given(CASES)
def test_yaml_reads_back_what_it_wrote(cases):
    content = msgspec.structs.replace(dataset(), cases=cases)
    assert dataset_files.from_yaml(dataset_files.to_yaml(content)) == content


FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://x")')


def test_no_cell_of_a_csv_begins_a_formula_and_all_read_back():
    cases = [
        CaseContent(key=f"c{number}", variables={"text": text}, expected=text)
        for number, text in enumerate(FORMULAS)
    ]
    text = dataset_files.cases_to_csv(cases)
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))]
    assert dataset(cases=dataset_files.cases_from_csv(text)).cases == tuple(cases)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@settings(max_examples=40, deadline=None)
@given(cases=CASES)
def test_lines_and_tables_read_back_what_they_wrote(form, cases):
    text = dataset_files.WRITERS[form](cases)
    assert dataset(cases=dataset_files.READERS[form](text)).cases == cases


BROKEN = [
    (dataset_files.from_yaml, "a: [", "not YAML"),
    (dataset_files.from_yaml, "a: 1\na: 2", "line 2: a comes twice"),
    (dataset_files.from_yaml, "a: &x 1\nb: *x", "line 1: anchors and aliases"),
    (dataset_files.from_yaml, "a: " + "[" * 100_000, "nested deeper than 100"),
    (dataset_files.from_yaml, "- list", "Expected `object`"),
    (dataset_files.cases_from_jsonl, '{"key": "a"}\n{"key": ', "line 2 is not JSON"),
    (dataset_files.cases_from_csv, "key,expected\na", "row 1 has not as many cells"),
    (dataset_files.cases_from_csv, "key,expected\na,b,c", "row 1 has not as many cells"),
    (dataset_files.cases_from_csv, "key,expected:json\na,{", "row 1, expected:json is not JSON"),
    (dataset_files.cases_from_csv, 'key\n"a', "not CSV"),
]


@pytest.mark.parametrize(("reader", "text", "says"), BROKEN)
def test_a_broken_file_says_where(reader, text, says):
    with pytest.raises(DatasetInvalid, match=says):
        reader(text)


def test_yaml_knows_no_dates_and_no_yes():
    text = dataset_files.to_yaml(dataset()).replace("expected: Paris", "expected: [yes, 2026-01-02, 1_0]")
    assert dataset_files.from_yaml(text).cases[0].expected == ["yes", "2026-01-02", "1_0"]


def test_a_long_yaml_list_is_read_without_delay():
    began = time.process_time()
    with pytest.raises(DatasetInvalid):
        dataset_files.from_yaml("x: [" + "1, " * 80_000 + "1]")
    assert time.process_time() - began < 4


def test_more_yaml_than_anybody_waits_for_is_refused_before_it_is_read():
    began = time.process_time()
    with pytest.raises(DatasetInvalid, match="more than 500000 values, which is too many for YAML"):
        dataset_files.from_yaml("x: [" + "1," * 4_000_000 + "1]")
    assert time.process_time() - began < 8
