"""What the report's page shows, made ready for its template."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from evals_app.charts import Bar, histogram, interval_chart, share_bar
from evals_app.models import EvalResult, EvalRun
from evals_app.report import Comparison, RunReport, Slice, VersionReport
from evals_app.verdicts import ALPHA, Difference
from evals_app.word_diff import word_diff

TONES = {"better": "good", "not worse": "good", "worse": "bad", "inconclusive": "open"}
MOST_FAILURES = 100
MOST_SHOWN = 8
"""Regressions that are shown with their answers; the others by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPanel:
    found: Comparison
    tone: str
    chart: SafeString
    shares: SafeString
    """Won, tied and lost."""
    regressions: Sequence["Regression"]
    odds: str
    """McNemar's p, in words."""
    flips: str
    """How far the judge of pairs can be trusted; empty where no pair was judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version's answer to a case."""

    result: EvalResult
    output: SafeString
    scores: Sequence[tuple[str, dict[str, object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A case that passed under the baseline and fails now."""

    key: str
    critical: bool
    sides: Sequence[Side]


def panels(run: EvalRun, report: RunReport) -> list[ComparisonPanel]:
    return [
        ComparisonPanel(
            found=found,
            tone=TONES[found.verdict],
            chart=_chart(found, report),
            shares=_shares(found),
            regressions=_regressions(run, found, report.baseline),
            odds=_odds(found),
            flips=_flips(found),
        )
        for found in report.comparisons
    ]


def measure_table(report: RunReport) -> list[tuple[str, list[tuple[str, str]]]]:
    """A row for each measure: its name, then value and interval of each version."""
    columns = [_measures(version) for version in report.versions]
    names = dict.fromkeys(name for column in columns for name in column)
    return [(name, [column.get(name, ("—", "")) for column in columns]) for name in names]


def slice_table(report: RunReport) -> list[tuple[str, list[tuple[str, str]]]]:
    """A row for each tag: its name, then pass rate and interval of each version."""
    columns = [{part.tag: part for part in version.slices} for version in report.versions]
    # The rate of a single case says nothing that the case itself does not say better.
    tags = dict.fromkeys(tag for column in columns for tag, part in column.items() if part.cases > 1)
    return [(tag, [_share(column.get(tag)) for column in columns]) for tag in tags]


def _share(part: Slice | None) -> tuple[str, str]:
    if part is None:
        return "—", ""
    passed = part.passed
    return f"{passed.value:.0%} of {part.cases}", f"{passed.low:.0%} to {passed.high:.0%}"


def _measures(version: VersionReport) -> dict[str, tuple[str, str]]:
    shown = {"errors": (f"{version.failed} of {version.answers}", "")}
    for measure in version.measures:
        shown[measure.name] = (f"{measure.value:.3f}", f"{measure.low:.3f} to {measure.high:.3f}")
    for measure in version.latency:
        name = f"latency, {measure.name}"
        shown[name] = (f"{measure.value:.2f} s", f"{measure.low:.2f} to {measure.high:.2f}")
    if cost := version.cost:
        shown["cost of an answer"] = (f"${cost.value:.6f}", f"{cost.low:.6f} to {cost.high:.6f}")
    return shown


def score_chart(run: EvalRun) -> SafeString:
    """How the scores of each version are spread."""
    rows = run.results.filter(state=EvalResult.State.DONE)
    groups = [
        (version, list(rows.filter(version=version).values_list("score", flat=True)))
        for version in run.versions
    ]
    return mark_safe(histogram(groups, title="Scores of all answers"))  # noqa: S308 - escaped where it is made


def comparable(run: EvalRun) -> QuerySet[EvalRun]:
    """Other runs that asked the same and were judged alike, the newest first."""
    rows = EvalRun.objects.filter(state=EvalRun.State.DONE, judged_by=run.judged_by).exclude(pk=run.pk)
    return rows.filter(dataset_version__digest=run.dataset_version.digest)[:MOST_SHOWN]


def failures(run: EvalRun) -> QuerySet[EvalResult]:
    """The first answers that did not pass; of a case that was repeated, one for each version."""
    rows = run.results.filter(state=EvalResult.State.DONE, passed=False).select_related("case")
    rows = rows.order_by("case__position", "version", "repeat").distinct("case__position", "version")
    return rows[:MOST_FAILURES]


def sides(results: Sequence[EvalResult]) -> list[Side]:
    """Each answer with what differs from the first one marked; of two, the first one is marked as well."""
    if not results:
        return []
    first, *others = results
    marked = [word_diff(first.output, other.output) for other in others]
    before = marked[0].before if len(marked) == 1 else format_html("{}", first.output)
    outputs = [before, *(pair.after for pair in marked)]
    return [
        Side(result=result, output=output, scores=sorted(result.scores.items()))
        for result, output in zip(results, outputs, strict=True)
    ]


def win_matrix(report: RunReport) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each version, against each: how many cases it wins, and how strong its shade is. From three on."""
    labels = [version.version for version in report.versions]
    if len(labels) < 3:
        return []
    most = max((count for row in report.wins for count in row), default=0) or 1
    return [
        (
            label,
            [
                ("", "none") if one == other else (str(count), f"{round(4 * count / most)}")
                for other, count in enumerate(row)
            ],
        )
        for one, (label, row) in enumerate(zip(labels, report.wins, strict=True))
    ]


def _regressions(run: EvalRun, found: Comparison, baseline: str) -> list[Regression]:
    """The first ones with both answers, critical ones before the others."""
    keys = [*found.critical, *(key for key in found.regressions if key not in found.critical)][:MOST_SHOWN]
    rows = run.results.filter(case__key__in=keys, repeat=0, version__in=[baseline, found.version])
    by_case: dict[str, dict[str, EvalResult]] = {key: {} for key in keys}
    for row in rows.select_related("case"):
        by_case[row.case.key][row.version] = row
    return [
        Regression(
            key=key,
            critical=key in found.critical,
            sides=sides([answers[label] for label in (baseline, found.version) if label in answers]),
        )
        for key, answers in by_case.items()
    ]


def _odds(found: Comparison) -> str:
    p = f"= {found.mcnemar_p:.3f}" if found.mcnemar_p >= 0.001 else "< 0.001"
    return f"If both passed equally often, passes would differ this much with p {p} (McNemar)."


def _flips(found: Comparison) -> str:
    if found.flip_rate is None:
        return ""
    return f"The judge of pairs contradicted itself in {found.flip_rate:.0%} of them: those are ties."


def _shares(found: Comparison) -> SafeString:
    parts = [("won", found.wins), ("tied", found.ties), ("lost", found.losses)]
    return mark_safe(share_bar(parts, title="Cases"))  # noqa: S308 - escaped where it is made


def _chart(found: Comparison, report: RunReport) -> SafeString:
    bars = [_bar(difference, report) for difference in found.differences]
    title = f"{found.version} less {report.baseline}, with 95 % intervals"
    return mark_safe(interval_chart(bars, title=title))  # noqa: S308 - escaped where it is made


def _bar(difference: Difference, report: RunReport) -> Bar:
    """Right of the line is better; a cost or a time is turned round for that."""
    sign = -1 if difference.relative else 1
    low, high = sorted((sign * difference.low, sign * difference.high))
    name = f"{difference.name} ★" if difference.name == report.primary else difference.name
    return Bar(
        label=name,
        value=max(-1.0, min(1.0, sign * difference.value)),
        low=max(-1.0, low),
        high=min(1.0, high),
        says=f"{difference.value:+.1%}" if difference.relative else f"{difference.value:+.3f}",
        tone=_tone(low, high, difference),
    )


def _tone(low: float, high: float, difference: Difference) -> str:
    if low > 0:
        return "good"
    broken = difference.guardrail and difference.harm_p < ALPHA
    return "bad" if high < 0 or broken else "open"
