"""What an experiment's page shows, made ready for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count
from django.utils.safestring import SafeString, mark_safe

from evals_app.experiments import charts, sampling
from evals_app.experiments.charts import Guard, Point
from evals_app.experiments.duels import Duel
from evals_app.experiments.effects import Effect
from evals_app.experiments.measures import Measure
from evals_app.experiments.plans import ExperimentPlan, JudgePlan, Plan, better
from evals_app.experiments.report import ArmReport, Comparison, ExperimentReport, Scores
from evals_app.models import Experiment, Judgement, Look
from evals_app.verdicts import Verdict

TONES: dict[Verdict, str] = {"better": "good", "not worse": "good", "worse": "bad", "inconclusive": "open"}
MOST_LOOKS = 120
"""Points of a chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One challenger."""

    found: Comparison
    tone: str
    effects: Sequence[tuple[str, str, str, str]]
    """Measure, change with interval, lift, role."""
    over_time: SafeString
    guards: Sequence[tuple[Guard, SafeString]]
    about: str
    """The measure that the chart over time shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One arm against another."""

    share: str
    interval: str
    tone: str
    """`good` and `bad` where the interval leaves no doubt, else `open`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    judge: JudgePlan
    done: int
    failed: int
    spent: Decimal
    unkept: Sequence[str]
    """Sentences about content that is not kept, and so cannot be judged."""


def panels(row: Experiment, plan: Plan, report: ExperimentReport) -> list[Panel]:
    looks = list(row.looks.filter(phase=report.phase))
    shown = looks[:: max(1, len(looks) // MOST_LOOKS)]
    if looks and shown[-1] != looks[-1]:
        shown.append(looks[-1])
    return [_panel(found, plan, shown, report) for found in report.comparisons]


def arm_table(report: ExperimentReport) -> list[tuple[str, list[tuple[str, str]]]]:
    """A row for each measure: its name, then value and interval of each arm."""
    names = dict.fromkeys(figure.name for arm in report.arms for figure in arm.figures)
    rows = [
        ("units", [(f"{arm.units:,}", f"{arm.share} % planned") for arm in report.arms]),
        ("calls", [(f"{arm.calls:,}", f"{arm.errors:,} failed") for arm in report.arms]),
    ]
    rows += [(name, [_figure(name, arm) for arm in report.arms]) for name in names]
    rows += [
        ("answered from the cache", [(f"{arm.hit_share:.1%}", "") for arm in report.arms]),
        ("spent", [(f"${arm.cost_usd:,.4f}", f"{arm.tokens:,} tokens") for arm in report.arms]),
    ]
    return rows


def score_charts(report: ExperimentReport) -> list[tuple[str, SafeString]]:
    return [(f"{found.measure}, over units", _safe(_score_chart(found))) for found in report.scores]


def win_matrix(report: ExperimentReport) -> list[tuple[str, list[Cell | None]]]:
    """A row for each arm: its name, then how it does against each arm; None against itself and unknown."""
    found = {(duel.arm, duel.against): duel for duel in report.duels}
    labels = [arm.version for arm in report.arms]
    if not found:
        return []
    return [(one, [_cell(found.get((one, other))) for other in labels]) for one in labels]


def ships(plan: Plan, report: ExperimentReport | None) -> list[tuple[str, str]]:
    """The challengers, each with how its button looks: the page pushes nobody to ship what has not won."""
    sound = report.comparisons if report and report.health.good else ()
    good = {found.version for found in sound if TONES[found.verdict] == "good"}
    return [(label, "primary" if label in good else "default") for label in plan.challengers]


def judging(row: Experiment, plan: Plan) -> Judging | None:
    if plan.judge is None:
        return None
    states = dict(row.judgements.values_list("state").annotate(count=Count("pk")))
    kept = sampling.keeping(row.prompt, since=row.started_at or row.created_at - timedelta(days=7))
    return Judging(
        judge=plan.judge,
        done=states.get(Judgement.State.DONE, 0),
        failed=states.get(Judgement.State.FAILED, 0),
        spent=sampling.spent(row),
        unkept=[_unkept(one) for one in kept if one.percent < 100],
    )


def in_words(plan: Plan) -> list[tuple[str, str]]:
    """The plan as sentences: a title and what it says."""
    rails = [
        f"{g.measure}: at most {Measure(g.measure).tell_margin(g.margin)} "
        f"{'lower' if better(Measure(g.measure), g.direction) > 0 else 'higher'}"
        for g in plan.guardrails
    ]
    units = "sessions alone" if plan.unit == "session" else "sessions, else users, else single calls"
    shared = [("Guardrails", "; ".join(rails)), ("Units", units)]
    if plan.judge:
        cap = f"${plan.judge.cap_usd:g}"
        shared.append(("Judge", f"{plan.judge.name}, {plan.judge.percent} % of the calls, up to {cap}"))
    shared.append(("Error rate", f"{plan.alpha:.0%} over all looks together"))
    if isinstance(plan, ExperimentPlan):
        primary = Measure(plan.primary)
        way = "more" if better(primary, plan.direction) > 0 else "less"
        return [
            ("Decides", f"{plan.primary} ({primary.explained}); {way} is better"),
            ("Smallest effect", primary.tell_margin(plan.mde)),
            ("At least", f"{plan.min_days:g} days"),
            *shared,
        ]
    steps = " → ".join(f"{step} %" for step in (*plan.watched, 100))
    end = (
        f"{plan.champion} keeps {plan.holdback} % until the last step has held; then nobody watches any more"
        if plan.holdback
        else "nothing is held back: nobody watches the last step"
    )
    return [
        ("Steps", f"{plan.candidate} gets {steps}"),
        ("Each holds", f"{plan.hold_hours:g} hours and {plan.hold_units:,} units of either version"),
        ("At the end", end),
        *shared,
    ]


def arms_in_words(row: Experiment) -> str:
    champion = row.written.champion
    parts = (
        f"{label}{' (champion)' if label == champion else ''} {share} %"
        for label, share in row.weights.items()
    )
    return " · ".join(parts)


def _panel(found: Comparison, plan: Plan, looks: Sequence[Look], report: ExperimentReport) -> Panel:
    about = plan.primary if isinstance(plan, ExperimentPlan) else plan.guardrails[0].measure
    tone = TONES[found.verdict] if report.health.good else "open"
    return Panel(
        found=found,
        tone=tone,
        effects=[_effect(one) for one in found.effects],
        over_time=_safe(_over_time(found, about, looks, tone)),
        guards=[(guard, _safe(charts.guardrail(guard))) for guard in _guards(found)],
        about=about,
    )


def _over_time(found: Comparison, about: str, looks: Sequence[Look], tone: str) -> str:
    points = []
    for look in looks:
        values = look.effects.get(found.version, {}).get(about)
        if values:
            value, low, high = values
            points.append(Point(at=_moment(look.at), value=value, low=low, high=high))
    title = f"{found.version} less the champion in {about}, look by look"
    return charts.over_time(points, title=title, tell=Measure(about).tell_bare, tone=tone)


def _guards(found: Comparison) -> list[Guard]:
    return [_guard(one) for one in found.effects if one.guardrail]


def _guard(found: Effect) -> Guard:
    """Turned round, so that to the right is worse."""
    low, high = sorted((-found.better * found.low, -found.better * found.high))
    tone = "bad" if low > found.margin else "good" if high < found.margin else "open"
    measure = Measure(found.measure)
    return Guard(
        name=f"{found.measure}, {measure.tell_margin(found.margin)} allowed",
        says=found.change,
        value=-found.better * found.value,
        low=low,
        high=high,
        margin=found.margin,
        tone=tone,
    )


def _effect(found: Effect) -> tuple[str, str, str, str]:
    lift = f"{found.lift.low:+.1%} to {found.lift.high:+.1%}" if found.lift else ""
    return found.measure, found.change, lift, "guardrail" if found.guardrail else "decides"


def _figure(name: str, arm: ArmReport) -> tuple[str, str]:
    figure = arm.figure(name)
    if figure is None:
        return "—", ""
    measure = Measure(name.split()[0])
    tell = measure.tell
    return tell(figure.value), f"{tell(figure.interval.low)} to {tell(figure.interval.high)}"


def _cell(duel: Duel | None) -> Cell | None:
    if duel is None:
        return None
    tone = "good" if duel.wins else "bad" if duel.loses else "open"
    return Cell(share=f"{duel.share:.1%}", interval=f"{duel.low:.1%} to {duel.high:.1%}", tone=tone)


def _score_chart(found: Scores) -> str:
    ends = (f"{found.low:g}", f"{found.high:g}")
    return charts.scores(found.counts, ends=ends, title=f"How {found.measure} is spread over the units")


def _unkept(one: sampling.Keeping) -> str:
    if not one.project:
        return (
            f"{one.calls:,} calls came without a project: their content is never kept, so no judge sees them."
        )
    if not one.percent:
        return f"The project {one.project} keeps no content: none of its {one.calls:,} calls can be judged."
    return (
        f"The project {one.project} keeps the content of {one.percent} % of its calls: only those are judged."
    )


def _moment(at: datetime) -> str:
    return f"{at:%-d %b %H:%M}"


def _safe(drawing: str) -> SafeString:
    return mark_safe(drawing)  # noqa: S308 - escaped where it is made
