"""A report as JUnit XML: a suite of verdicts, and one of cases for each version."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from evals_app.report import Comparison, RunReport

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """One answered question as a build server shows it."""

    version: str
    name: str
    seconds: float
    error: str
    """Why there was no answer; empty where there was one."""
    failures: tuple[str, ...]
    """What each evaluator that did not pass says."""


def to_junit(report: RunReport, outcomes: Sequence[CaseOutcome], *, name: str) -> str:
    root = Xml.Element("testsuites", name=name)
    if report.comparisons:
        suite = Xml.SubElement(root, "testsuite", name=f"{name}: verdicts")
        for comparison in report.comparisons:
            _verdict(suite, comparison)
        _count(suite)
    by_version: dict[str, list[CaseOutcome]] = defaultdict(list)
    for outcome in outcomes:
        by_version[outcome.version].append(outcome)
    for version, found in by_version.items():
        suite = Xml.SubElement(root, "testsuite", name=f"{name}: {version}")
        for outcome in found:
            _case(suite, outcome, name)
        _count(suite)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _verdict(suite: Xml.Element, comparison: Comparison) -> None:
    case = Xml.SubElement(suite, "testcase", name=f"{comparison.version}: {comparison.verdict}")
    if comparison.verdict == "worse":
        Xml.SubElement(case, "failure", message=_clean(comparison.reason))
    elif comparison.verdict == "inconclusive":
        Xml.SubElement(case, "skipped", message=_clean(comparison.reason))


def _case(suite: Xml.Element, outcome: CaseOutcome, name: str) -> None:
    case = Xml.SubElement(
        suite,
        "testcase",
        classname=f"{name}.{outcome.version}",
        name=outcome.name,
        time=f"{outcome.seconds:.3f}",
    )
    if outcome.error:
        Xml.SubElement(case, "error", message=_clean(outcome.error))
    elif outcome.failures:
        Xml.SubElement(case, "failure", message=_clean(outcome.failures[0])).text = _clean(
            "\n".join(outcome.failures)
        )


def _count(suite: Xml.Element) -> None:
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))


def _clean(text: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
