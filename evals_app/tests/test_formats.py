from xml.etree import ElementTree as Xml

import pytest

from evals_app.comparison import compare
from evals_app.formats.junit import CaseOutcome, to_junit
from evals_app.formats.markdown import to_markdown
from evals_app.formats.progress import progress_line
from evals_app.tests.test_comparison import GOALS, answers


@pytest.fixture
def report():
    results = [*answers("v1", [0.9] * 30), *answers("v2", [0.2] * 30)]
    return compare(results, versions=["v1", "v2"], goals=GOALS, repeats=1)


def test_markdown_says_the_verdict_first(report):
    lines = to_markdown(report, title="summaries").splitlines()
    assert lines[0] == "# summaries"
    assert lines[2] == "## v2 against v1: **worse**"
    assert "score -0.7" in lines[4]


def test_markdown_counts_the_regressions_that_it_does_not_list(report):
    assert "and 10 more" in to_markdown(report, title="summaries")


def outcome(name, **known):
    return CaseOutcome(version="v1", name=name, seconds=0.5, **{"error": "", "failures": ()} | known)


def test_junit_counts_failures_and_errors_apart(report):
    outcomes = [
        outcome("good"),
        outcome("wrong", failures=("facts: missing: 42",)),
        outcome("lost", error="provider_timeout: too late"),
    ]
    verdicts, cases = Xml.fromstring(to_junit(report, outcomes, name="summaries"))  # noqa: S314
    assert (verdicts.get("tests"), verdicts.get("failures")) == ("1", "1")
    assert [cases.get(name) for name in ("tests", "failures", "errors")] == ["3", "1", "1"]


def test_junit_takes_any_text_that_a_model_may_write(report):
    text = to_junit(report, [outcome("odd", failures=("\x00\x1b <]]>\ud800",))], name="summaries")
    assert Xml.fromstring(text).find(".//testcase[@name='odd']/failure") is not None  # noqa: S314


def test_progress_shows_rate_and_rest():
    line = progress_line(finished=30, total=120, failed=2, seconds=10, spent_usd=0.0125)
    assert line == "██████·················· 30/120, 2 errors, 3.0/s, 30 s left, $0.0125"


def test_progress_before_the_first_answer_is_waiting():
    assert "waiting" in progress_line(finished=0, total=5, failed=0, seconds=0, spent_usd=0)
