"""A report as Markdown: the verdict first, then what it rests on."""

from collections.abc import Iterator

from evals_app.report import Comparison, RunReport, VersionReport
from evals_app.verdicts import Difference

SHOWN = 20
"""Regressions that are listed; the rest is counted."""


def to_markdown(report: RunReport, *, title: str) -> str:
    return "\n".join(_lines(report, title)) + "\n"


def _lines(report: RunReport, title: str) -> Iterator[str]:
    yield f"# {title}"
    for comparison in report.comparisons:
        yield from _comparison(report.baseline, comparison)
    yield ""
    yield "## Versions"
    yield ""
    yield "| version | answers | errors | measure | mean | 95 % interval |"
    yield "| --- | ---: | ---: | --- | ---: | --- |"
    for version in report.versions:
        yield from _version(version)


def _comparison(baseline: str, found: Comparison) -> Iterator[str]:
    yield ""
    yield f"## {found.version} against {baseline}: **{found.verdict}**"
    yield ""
    yield found.reason
    yield ""
    yield f"{found.wins} wins, {found.losses} losses, {found.ties} ties; McNemar p = {found.mcnemar_p:.3g}."
    if found.flip_rate is not None:
        yield ""
        yield f"The judge of pairs contradicted itself in {found.flip_rate:.0%} of them: those are ties."
    yield ""
    yield "| measure | baseline | here | difference | 95 % interval | guardrail |"
    yield "| --- | ---: | ---: | ---: | --- | --- |"
    for difference in found.differences:
        yield _difference(difference)
    for what, keys in (("Regressions", found.regressions), ("Improvements", found.improvements)):
        if keys:
            more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
            yield ""
            yield f"{what} ({len(keys)}): " + ", ".join(f"`{key}`" for key in keys[:SHOWN]) + more
    if found.critical:
        yield ""
        yield "Critical cases that broke: " + ", ".join(f"`{key}`" for key in found.critical)


def _difference(found: Difference) -> str:
    form = "+.1%" if found.relative else "+.3f"
    values = f"{found.baseline:.4g} | {found.candidate:.4g} | {found.value:{form}}"
    guard = f"margin {found.margin:g}, p = {found.harm_p:.3g}" if found.guardrail else ""
    return f"| {found.name} | {values} | {found.low:{form}} to {found.high:{form}} | {guard} |"


def _version(found: VersionReport) -> Iterator[str]:
    head = f"| {found.version} | {found.answers} | {found.failed} |"
    times = [(f"latency, {measure.name} (s)", measure) for measure in found.latency]
    costs = [("cost of an answer ($)", found.cost)] if found.cost else []
    for name, measure in (*((measure.name, measure) for measure in found.measures), *times, *costs):
        yield f"{head} {name} | {measure.value:.4g} | {measure.low:.4g} to {measure.high:.4g} |"
        head = "| | | |"
