"""How the units' values are spread, arm beside arm: counted in Postgres, however many units there are."""

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

from django.db import connection, transaction

from evals_app.experiments.choosing import TIMEOUT_MS, given, units
from evals_app.experiments.duels import Duel, duels
from evals_app.experiments.measures import Measure
from evals_app.experiments.observations import Observed, Window
from evals_app.experiments.plans import ExperimentPlan, better
from evals_app.experiments.reading import wanted
from evals_app.experiments.report import Scores
from evals_app.statistics.two_samples import Moments

BINS = 10


def scores_of(window: Window, plan: ExperimentPlan, observed: Observed) -> Iterator[Scores]:
    """Of everything that people or a judge have scored."""
    for measure in wanted(plan):
        spreads = [
            seen.spreads[measure.name] for seen in observed.arms.values() if measure.name in seen.spreads
        ]
        if measure.feedback and spreads:
            low, high = min(0.0, *(one.low for one in spreads)), max(1.0, *(one.high for one in spreads))
            counts = _bins(window, measure, low=low, high=high)
            yield Scores(measure=measure.name, low=low, high=high, counts=counts)


def duels_of(window: Window, plan: ExperimentPlan, *, planned: int) -> list[Duel]:
    """Each arm against each other one, in the primary measure."""
    primary = Measure(plan.primary)
    placed = placements(window, primary)
    sign = better(primary, plan.direction)
    return duels(window.arms, placed, better=sign, alpha=plan.alpha, planned=planned)


def _bins(window: Window, measure: Measure, *, low: float, high: float) -> dict[str, list[int]]:
    """Arm -> how many units have a score in each tenth from `low` to `high`."""
    found = {arm: [0] * BINS for arm in window.arms}
    query = (
        "SELECT arm, least(%(bins)s, width_bucket(v, %(low)s, %(high)s, %(bins)s)), count(*) "  # noqa: S608
        f"FROM ({units(measure)}) unit GROUP BY 1, 2"
    )
    for arm, place, count in _rows(query, window, measure, low=low, high=high, bins=BINS):
        found[arm][max(1, place) - 1] += count
    return found


def placements(window: Window, measure: Measure) -> dict[tuple[str, str], Moments]:
    """(one arm, another) -> of each unit of the one: the share of the other's units that are below it.

    A tie counts half. Pairs of which an arm has fewer than two units with the measure are not there.
    """
    [(counts, sums)] = _rows(_placed(len(window.arms), measure), window, measure)
    sizes = dict(zip(window.arms, counts, strict=True))
    pairs = permutations(window.arms, 2)
    return dict(_placements(dict(zip(pairs, zip(sums[::2], sums[1::2], strict=True), strict=True)), sizes))


def _placed(arms: int, measure: Measure) -> str:
    """One row: units of each arm; for each pair the sum and the sum of squares of how many are below."""
    places = range(arms)
    counted = ", ".join(f"count(*) FILTER (WHERE arm = (%(arms)s::text[])[{i + 1}]) AS n{i}" for i in places)
    below = ", ".join(f"n{i}, sum(n{i}) OVER (ORDER BY v) - n{i} / 2.0 AS below{i}" for i in places)
    sums = ", ".join(
        f"sum(n{one} * below{other})::float8, sum(n{one} * below{other} ^ 2)::float8"
        for one, other in permutations(places, 2)
    )
    sizes = ", ".join(f"coalesce(sum(n{i}), 0)::int8" for i in places)
    return (
        f"WITH counted AS (SELECT v, {counted} FROM ({units(measure)}) unit GROUP BY v), "  # noqa: S608
        f"placed AS (SELECT {below} FROM counted) "
        f"SELECT array[{sizes}], array[{sums}] FROM placed"
    )


def _placements(
    sums: Mapping[tuple[str, str], tuple[float, float]], sizes: Mapping[str, int]
) -> Iterator[tuple[tuple[str, str], Moments]]:
    for (one, other), (total, squares) in sums.items():
        n, others = sizes[one], sizes[other]
        if min(n, others) > 1:
            mean = total / n / others
            variance = max(0.0, squares / others**2 - n * mean**2) / (n - 1)
            yield (one, other), Moments(n=n, mean=mean, variance=variance)


def _rows(query: str, window: Window, measure: Measure, **more: Any) -> list[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
        cursor.execute(query, given(window, [measure]) | more)
        found: list[Any] = cursor.fetchall()
    return found
