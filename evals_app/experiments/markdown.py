"""An experiment's report as Markdown, for terminals and tickets."""

from collections.abc import Iterator

from evals_app.experiments.measures import Measure
from evals_app.experiments.report import ExperimentReport
from evals_app.models import Experiment


def to_markdown(row: Experiment, report: ExperimentReport) -> str:
    return "\n".join(_lines(row, report)) + "\n"


def _lines(row: Experiment, report: ExperimentReport) -> Iterator[str]:
    yield f"# {row}: {row.kind} on {row.prompt}, {row.stands}"
    yield ""
    if not report.health.good:
        yield "**Not healthy:** " + " ".join(report.health.problems)
    for note in report.health.notes:
        yield f"Note: {note}"
    for comparison in report.comparisons:
        yield f"**{comparison.version}: {comparison.verdict}.** {comparison.reason} {comparison.next}"
        if report.health.good and comparison.effects:
            yield ""
            yield "| measure | change | relative | role |"
            yield "| --- | --- | --- | --- |"
            for effect in comparison.effects:
                lift = f"{effect.lift.low:+.1%} to {effect.lift.high:+.1%}" if effect.lift else ""
                role = "guardrail" if effect.guardrail else "decides"
                yield f"| {effect.measure} | {effect.change} | {lift} | {role} |"
    yield ""
    yield "| arm | units | calls | errors | hits | cost | " + " | ".join(_names(report)) + " |"
    yield "| --- | --- | --- | --- | --- | --- |" + " --- |" * len(_names(report))
    for arm in report.arms:
        figures = (arm.figure(name) for name in _names(report))
        cells = [Measure(f.name.split()[0]).tell(f.value) if f else "" for f in figures]
        plain = [arm.version, f"{arm.units:,}", f"{arm.calls:,}", f"{arm.errors:,}"]
        plain += [f"{arm.hit_share:.0%}", f"${arm.cost_usd:.4f}"]
        yield "| " + " | ".join(plain + cells) + " |"


def _names(report: ExperimentReport) -> list[str]:
    """Of all figures; with the verdict hidden, of none."""
    if not report.health.good:
        return []
    return list(dict.fromkeys(figure.name for arm in report.arms for figure in arm.figures))
